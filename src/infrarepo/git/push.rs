//! Writes the request that moves one reference from a known old value, and reads what the server reports. Pure.

use git2::Oid;

use super::packet::{Broken, Packet, Packets, side_band, write_line};

/// Writes `git-receive-pack`'s request. The old value makes it a compare-and-swap on the server's side.
#[must_use]
pub fn request(reference: &str, old: Oid, new: Oid, pack: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_line(
        &mut out,
        &format!("{old} {new} {reference}\0 report-status side-band-64k"),
    );
    out.extend_from_slice(b"0000");
    out.extend_from_slice(pack);
    out
}

/// What the server reports of one reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is at its new value.
    Done,
    /// It is not, and why: the server's own words.
    Refused(String),
}

/// A report: the verdict, and what hooks and the server said beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What became of the reference.
    pub verdict: Verdict,
    /// Foreign words for people, bounded.
    pub words: String,
}

/// Reads the report on `reference`. Only an `ok` for exactly this reference, after `unpack ok`, is [`Verdict::Done`].
///
/// # Errors
/// The bytes are no report, end too early, or say nothing of the reference: what became of it is not known then.
pub fn report(bytes: &[u8], reference: &str) -> Result<Report, Broken> {
    // A server that does not know the side-band answers without it.
    let bare = matches!(Packets::new(bytes).packet()?, Some(Packet::Line(line)) if line.starts_with(b"unpack "));
    if bare {
        let verdict = verdict(bytes, reference)?;
        let words = String::new();
        return Ok(Report { verdict, words });
    }
    let band = side_band(&mut Packets::new(bytes))?;
    let verdict = verdict(&band.data, reference)?;
    let words = band.words;
    Ok(Report { verdict, words })
}

fn verdict(bytes: &[u8], reference: &str) -> Result<Verdict, Broken> {
    let mut packets = Packets::new(bytes);
    let unpack = packets.line()?.ok_or(Broken::Unexpected("a report"))?;
    let unpack = String::from_utf8_lossy(unpack);
    let unpack = unpack.strip_prefix("unpack ").ok_or(Broken::Unexpected("a report"))?;
    let mut verdict = None;
    while let Some(line) = packets.line()? {
        let line = String::from_utf8_lossy(line);
        if let Some(said) = line.strip_prefix("ng ") {
            let (name, why) = said.split_once(' ').unwrap_or((said, "it gave no reason"));
            if name == reference {
                verdict = Some(Verdict::Refused(why.to_owned()));
            }
        } else if line.strip_prefix("ok ") == Some(reference) && verdict.is_none() {
            verdict = Some(Verdict::Done);
        }
    }
    if unpack != "ok" {
        return Ok(Verdict::Refused(format!("unpack: {unpack}")));
    }
    verdict.ok_or(Broken::Unexpected("a word on the branch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRANCH: &str = "refs/heads/main";

    fn answer(lines: &[&str], words: &str) -> Vec<u8> {
        let mut inner = Vec::new();
        for line in lines {
            write_line(&mut inner, line);
        }
        inner.extend_from_slice(b"0000");
        let mut out = Vec::new();
        write_line(&mut out, &format!("\u{2}{words}"));
        write_line(&mut out, &format!("\u{1}{}", String::from_utf8(inner).unwrap()));
        out.extend_from_slice(b"0000");
        out
    }

    #[test]
    fn only_an_ok_for_the_branch_counts() {
        let done = report(&answer(&["unpack ok\n", "ok refs/heads/main\n"], ""), BRANCH).unwrap();
        assert_eq!(done.verdict, Verdict::Done);
        for lines in [
            &["unpack ok\n", "ng refs/heads/main fetch first\n"][..],
            &["unpack index-pack failed\n", "ok refs/heads/main\n"],
            &[
                "unpack ok\n",
                "ok refs/heads/main\n",
                "ng refs/heads/main hook declined\n",
            ],
        ] {
            let report = report(&answer(lines, "said"), BRANCH).unwrap();
            assert!(matches!(report.verdict, Verdict::Refused(_)), "{lines:?}");
            assert_eq!(report.words, "said");
        }
    }

    #[test]
    fn no_word_on_the_branch_is_not_known() {
        for bytes in [
            answer(&["unpack ok\n"], ""),
            answer(&["unpack ok\n", "ok refs/heads/main2\n"], ""),
            answer(&["ok refs/heads/main\n"], ""),
            b"".to_vec(),
            b"0000".to_vec(),
            b"<html>".to_vec(),
        ] {
            assert!(report(&bytes, BRANCH).is_err(), "{bytes:?}");
        }
        let whole = answer(&["unpack ok\n", "ok refs/heads/main\n"], "");
        for end in 0..whole.len() {
            assert!(report(&whole[..end], BRANCH).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_server_without_the_side_band_is_understood() {
        let mut bytes = Vec::new();
        write_line(&mut bytes, "unpack ok\n");
        write_line(&mut bytes, "ok refs/heads/main\n");
        bytes.extend_from_slice(b"0000");
        assert_eq!(report(&bytes, BRANCH).unwrap().verdict, Verdict::Done);
    }

    #[test]
    fn the_request_names_old_and_new() {
        let (old, new) = (Oid::from_bytes(&[1; 20]).unwrap(), Oid::from_bytes(&[2; 20]).unwrap());
        let bytes = request(BRANCH, old, new, b"PACK");
        let text = String::from_utf8(bytes).unwrap();
        let one = "01".repeat(20);
        let two = "02".repeat(20);
        assert_eq!(
            text,
            format!("0082{one} {two} {BRANCH}\0 report-status side-band-64k0000PACK")
        );
    }
}
