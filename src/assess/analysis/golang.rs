//! Numbers and durations as Go reads and prints them, since templates are written for a program in Go.

/// Reads a floating-point number as `strconv.ParseFloat` does: decimal, hexadecimal with `p`, `inf` and `nan` in any case,
/// underscores between digits. A number beyond the largest finite one is refused.
#[must_use]
pub fn parse_float(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let signed = |value: f64| if negative { -value } else { value };
    match unsigned.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Some(signed(f64::INFINITY)),
        // Go takes a sign before `inf` only.
        "nan" => return (unsigned.len() == text.len()).then_some(f64::NAN),
        _ => {}
    }
    if unsigned.starts_with(['+', '-']) {
        return None;
    }
    let plain = without_underscores(unsigned)?;
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        return parse_hexadecimal(hex).filter(|value| value.is_finite()).map(signed);
    }
    let decimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if !plain.bytes().all(decimal) {
        return None;
    }
    plain.parse::<f64>().ok().filter(|value| value.is_finite()).map(signed)
}

/// Takes the underscores out, if each stands between digits (or after the prefix of a base).
fn without_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_owned());
    }
    let hexadecimal = text.len() > 1 && text.starts_with('0') && matches!(text.as_bytes().get(1), Some(b'x' | b'X'));
    let body = if hexadecimal { text.get(2..)? } else { text };
    let digit =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit());
    let bytes = body.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        if *byte == b'_' {
            let before = if index == 0 {
                hexadecimal
            } else {
                digit(bytes.get(index - 1))
            };
            if !before || !digit(bytes.get(index + 1)) {
                return None;
            }
        }
    }
    Some(text.replace('_', ""))
}

/// Reads what follows `0x`: digits with at most one point, and an exponent of two that is required.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let mut exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    exponent -= 4 * i32::try_from(fraction.len()).ok()?;
    Some(value * 2.0_f64.powi(exponent))
}

/// Reads a decimal integer as `strconv.ParseInt` with base 10 does: an optional sign and digits, nothing else.
#[must_use]
pub fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Converts as Go does on amd64 and arm64 servers: what does not fit becomes the smallest integer.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the limits are checked")]
pub fn to_int(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}

/// Converts as Go does, to the nearest number.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "that is the conversion")]
pub fn to_float(value: i64) -> f64 {
    value as f64
}

/// Reads a duration as `time.ParseDuration` does, in nanoseconds: `1h30m`, `.5s`, `-2m`, `0`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, i128); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let scale = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse::<u64>().ok()?.into()
        };
        total = total.checked_add(whole.checked_mul(scale)?)?;
        let digits: String = fraction.chars().take(18).collect();
        if !digits.is_empty() {
            let power = 10_i128.checked_pow(u32::try_from(digits.len()).ok()?)?;
            total += digits.parse::<i128>().ok()? * scale / power;
        }
        rest = next;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// Prints a number without an exponent, as measurements are stored: `0.97`, `NaN`, `+Inf`.
#[must_use]
pub fn plain_float(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => format!("{value}"),
    }
}

/// Prints a number as `%v` does: the shortest text, with an exponent below 1e-4 and from 1e21.
#[must_use]
pub fn short_float(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return plain_float(value);
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => plain_float(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_read_as_go_reads_them() {
        for (text, value) in [
            ("0.95", 0.95),
            ("+1", 1.0),
            ("-.5", -0.5),
            ("5.", 5.0),
            ("1_000", 1000.0),
            ("0x1p-2", 0.25),
            ("0x1.8p1", 3.0),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse_float(text), Some(value), "{text}");
        }
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
        for text in [
            "", "x", " 1", "1 ", "1__0", "_1", "1_", "1e999", "0x1", "--1", "+nan", "1,5", ".",
        ] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("1h30m5s", 5_405_000_000_000),
            ("-1m", -60_000_000_000),
            ("+5m", 300_000_000_000),
            (".5m", 30_000_000_000),
            ("5.m", 300_000_000_000),
            ("1500ms", 1_500_000_000),
            ("5µs", 5_000),
        ] {
            assert_eq!(parse_duration(text), Some(nanoseconds), "{text}");
        }
        for text in ["", "1d", "x", "30", "-", ".s", "1..5s", "3000000h", "1 m"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn floats_are_printed_as_go_prints_them() {
        for (value, short, plain) in [
            (1.0, "1", "1"),
            (0.97, "0.97", "0.97"),
            (1e21, "1e+21", "1000000000000000000000"),
            (0.000_01, "1e-05", "0.00001"),
            (f64::INFINITY, "+Inf", "+Inf"),
        ] {
            assert_eq!(short_float(value), short);
            assert_eq!(plain_float(value), plain);
        }
    }
}
