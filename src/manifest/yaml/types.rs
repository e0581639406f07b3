//! What an unquoted scalar is, to the reader that kustomize uses and to all others.

/// The type of an unquoted, untagged scalar by the rules of go-yaml v2 (kustomize's reader).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Absent: nothing, `~`, `null`.
    Null,
    /// `true`, `y`, `off` and their like.
    Bool,
    /// A number, as its value.
    Number(f64),
    /// Anything else, dates included.
    Text,
}

const TRUTHS: [&str; 22] = [
    "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N", "no", "No", "NO", "false",
    "False", "FALSE", "off", "Off", "OFF",
];

/// Returns how kustomize reads an unquoted scalar.
pub(crate) fn kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        ".nan" | ".NaN" | ".NAN" => return Kind::Number(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Kind::Number(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Kind::Number(f64::NEG_INFINITY),
        _ => {}
    }
    if TRUTHS.contains(&text) {
        return Kind::Bool;
    }
    let number = match text.as_bytes().first() {
        Some(b'.') => float(text),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let bare = text.replace('_', "");
            integer(&bare).or_else(|| float(&bare))
        }
        _ => None,
    };
    // Go's ParseFloat refuses what overflows, and the scalar stays a text.
    number
        .filter(|value| value.is_finite())
        .map_or(Kind::Text, Kind::Number)
}

/// Whether some YAML reader, of version 1.1 or 1.2, takes the unquoted text for something else than a text.
pub(crate) fn is_ambiguous(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    kind(text) != Kind::Text
        || matches!(text, "=" | "<<")
        || matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
        || is_number(unsigned)
        || is_sexagesimal(unsigned)
        || is_date(text)
}

/// Whether an unquoted text begins as a date with a time does, which readers with loose rules take for one.
pub(crate) fn looks_like_time(text: &str) -> bool {
    let end = text.find(['T', 't', ' ', '\t']);
    end.is_some_and(|end| text.get(..end).is_some_and(is_date))
}

/// Whether this is a number, perhaps with underscores behind its first digit, or one that is too large for some reader.
fn is_number(unsigned: &str) -> bool {
    let begins = unsigned
        .strip_prefix('.')
        .unwrap_or(unsigned)
        .starts_with(|c: char| c.is_ascii_digit());
    let bare = unsigned.replace('_', "");
    begins && (integer(&bare).is_some() || is_float(&bare))
}

/// Reads what Go's `ParseInt` does with base 0: decimal, `0x`, `0o`, `0b`, and octal with a leading zero.
#[expect(clippy::cast_precision_loss, reason = "only whole numbers below 2^53 are looked at")]
fn integer(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = digits.get(..2).map(str::to_ascii_lowercase);
    let (base, digits) = match prefix.as_deref() {
        Some("0x") => (16, digits.get(2..)?),
        Some("0o") => (8, digits.get(2..)?),
        Some("0b") => (2, digits.get(2..)?),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        _ => (10, digits),
    };
    let only_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
    if !only_digits {
        return None;
    }
    // Larger than 64 bits: still a number, as a float.
    let value = u64::from_str_radix(digits, base).ok().map(|value| value as f64);
    value.or_else(|| digits.parse().ok()).map(|value| sign * value)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, as a value.
fn float(text: &str) -> Option<f64> {
    is_float(text.strip_prefix(['+', '-']).unwrap_or(text))
        .then(|| text.parse().ok())
        .flatten()
}

fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(mantissa),
    };
    let exponent_fits =
        exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    mantissa_fits && exponent_fits
}

/// `190:20:30.15`: a number to the base of sixty in YAML 1.1.
fn is_sexagesimal(unsigned: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let is_sixtieth = |text: &str| match text.as_bytes() {
        [b'0'..=b'9'] => true,
        [tens, b'0'..=b'9'] => matches!(tens, b'0'..=b'5'),
        _ => false,
    };
    let (places, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let Some((first, others)) = places.split_once(':') else {
        return false;
    };
    let begins = first.starts_with(|c: char| c.is_ascii_digit());
    begins && is_digits(first) && others.split(':').all(is_sixtieth) && is_digits(fraction)
}

/// `2024-01-01`, alone or followed by a time.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let day_length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let time = rest.get(day_length..).unwrap_or("");
    let time_fits = time.is_empty() || (time.starts_with(['T', 't', ' ', '\t']) && time.contains(':'));
    year.len() == 4
        && is_digits(year)
        && is_digits(month)
        && month.len() <= 2
        && (1..=2).contains(&day_length)
        && time_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kustomize_reads_these_as_no_text() {
        for text in [
            "1",
            "1.10",
            ".5",
            "5.",
            "1e3",
            "706798e8",
            "0e123456",
            "1.5e3",
            "0123",
            "0129",
            "00",
            "0x1F",
            "0o17",
            "0b11",
            "1_000",
            "5_",
            "-1",
            "+1",
            ".inf",
            ".nan",
            "on",
            "off",
            "yes",
            "no",
            "y",
            "n",
            "Y",
            "N",
            "true",
            "20240101",
            "12345678901234567890",
        ] {
            assert!(!matches!(kind(text), Kind::Text | Kind::Null), "{text}");
            assert!(is_ambiguous(text), "{text}");
        }
    }

    #[test]
    fn kustomize_reads_these_as_text() {
        for text in [
            "2024-01-01",
            "1.2.3",
            "1e999",
            "tRue",
            "e3",
            "0x",
            "1e",
            "inf",
            "nan",
            "v1",
            "-",
            "...",
            "_1",
        ] {
            assert_eq!(kind(text), Kind::Text, "{text}");
        }
    }

    #[test]
    fn other_readers_mistake_these() {
        for text in [
            "2024-01-01",
            "1e999",
            "12:30",
            "1_0:20",
            "=",
            "<<",
            "2024-1-1T10:00:00Z",
            "190:20:30.15",
        ] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in [
            "1.2.3",
            "0x",
            "1e",
            "e3",
            "2024-01-01T00-00-00",
            "10-20",
            "latest",
            "main",
            "sha256:0a",
            "v1",
            "_1_",
            "tRue",
            "yEs",
            "nULL",
            ".iNf",
            "12:99",
            "_1:20",
            "--1",
        ] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
