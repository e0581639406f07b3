//! Reads what a server says of itself and of its references: the v2 capabilities, the v0 advertisement, the answer to `ls-refs`. Pure.

use super::packet::{Broken, Packet, Packets};
use crate::model::CommitSha;

/// How a server talks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Protocol v2; else v0.
    pub v2: bool,
    /// Whether `filter` may be asked for.
    pub filter: bool,
    /// Whether its objects are named by SHA-256.
    pub sha256: bool,
    /// What a v0 server offers, of what is asked for there.
    pub offered: Vec<&'static str>,
}

/// What a v0 server may offer and a fetch asks for. Of the first two, and of the next two, only the better one is asked for.
const ABILITIES: [&str; 8] = [
    "multi_ack_detailed",
    "multi_ack",
    "side-band-64k",
    "side-band",
    "ofs-delta",
    "no-progress",
    "thin-pack",
    "shallow",
];

/// A reference of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its full name, or `HEAD`.
    pub name: String,
    /// The commit.
    pub commit: CommitSha,
    /// What it points to by name: for `HEAD` the default branch.
    pub target: Option<String>,
}

/// The answer to `info/refs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertisement {
    /// How the server talks.
    pub dialect: Dialect,
    /// Its references; a v2 server names none here.
    pub references: Vec<Reference>,
}

/// Reads the answer to `info/refs?service=…`, or what a server says first over a plain connection.
///
/// # Errors
/// The bytes are neither a v2 nor a v0 advertisement.
pub fn advertisement(bytes: &[u8]) -> Result<Advertisement, Broken> {
    let mut packets = Packets::new(bytes);
    // Without a word before it, the flush packet says that there is no reference.
    let Some(mut line) = packets.line()? else {
        return Ok(Advertisement::default());
    };
    if line.starts_with(b"# service=") {
        if packets.packet()? != Some(Packet::Flush) {
            return Err(Broken::Unexpected("a flush packet"));
        }
        match packets.line()? {
            Some(next) => line = next,
            None => return Ok(Advertisement::default()),
        }
    }
    if line == b"version 2" {
        version_2(packets)
    } else {
        version_0(line, packets)
    }
}

fn version_2(mut packets: Packets<'_>) -> Result<Advertisement, Broken> {
    let mut dialect = Dialect {
        v2: true,
        ..Dialect::default()
    };
    while let Some(line) = packets.line()? {
        let line = String::from_utf8_lossy(line);
        let (key, value) = line.split_once('=').unwrap_or((&line, ""));
        match key {
            "fetch" => dialect.filter = value.split(' ').any(|word| word == "filter"),
            "object-format" => dialect.sha256 = value == "sha256",
            _ => {}
        }
    }
    Ok(Advertisement {
        dialect,
        references: Vec::new(),
    })
}

fn version_0(first: &[u8], mut packets: Packets<'_>) -> Result<Advertisement, Broken> {
    let mut out = Advertisement::default();
    let (mut head, mut filter, mut any_object) = (None, false, false);
    let mut next = Some(first);
    while let Some(line) = next {
        let line = String::from_utf8_lossy(line);
        let (line, words) = line.split_once('\0').unwrap_or((&line, ""));
        for word in words.split(' ') {
            match word.split_once('=') {
                Some(("symref", value)) => {
                    head = head.or_else(|| value.strip_prefix("HEAD:").map(str::to_owned));
                }
                Some(("object-format", "sha256")) => out.dialect.sha256 = true,
                _ => {
                    let known = ABILITIES.iter().filter(|known| **known == word);
                    out.dialect.offered.extend(known);
                    filter |= word == "filter";
                    any_object |= word == "allow-any-sha1-in-want";
                }
            }
        }
        let (id, name) = line.split_once(' ').ok_or(Broken::Unexpected("a reference"))?;
        // An empty repository names no reference but its capabilities; `^{}` is what an annotated tag stands for.
        let real = !name.ends_with("^{}") && id.bytes().any(|b| b != b'0');
        let is_reference = id != "shallow" && id != "version";
        if is_reference && real {
            let commit = CommitSha::parse(id).ok_or(Broken::Unexpected("a commit"))?;
            let target = if name == "HEAD" { head.clone() } else { None };
            out.references.push(Reference {
                name: name.to_owned(),
                commit,
                target,
            });
        }
        next = packets.line()?;
    }
    // What a filter leaves out must be had by its name afterwards; v2 allows that always.
    out.dialect.filter = filter && any_object;
    Ok(out)
}

/// Reads the answer to `ls-refs`.
///
/// # Errors
/// The bytes are something else.
pub fn listing(bytes: &[u8]) -> Result<Vec<Reference>, Broken> {
    let mut packets = Packets::new(bytes);
    let mut out = Vec::new();
    while let Some(line) = packets.line()? {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split(' ');
        let commit = words.next().and_then(CommitSha::parse);
        let (Some(commit), Some(name)) = (commit, words.next()) else {
            return Err(Broken::Unexpected("a reference"));
        };
        let target = words.find_map(|word| word.strip_prefix("symref-target:"));
        out.push(Reference {
            name: name.to_owned(),
            commit,
            target: target.map(str::to_owned),
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::packet::write_line;
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn packets(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for line in lines {
            if line.is_empty() {
                out.extend_from_slice(b"0000");
            } else {
                write_line(&mut out, line);
            }
        }
        out
    }

    #[test]
    fn a_version_2_server_says_what_it_can_do() {
        let bytes = packets(&[
            "# service=git-upload-pack\n",
            "",
            "version 2\n",
            "agent=git/2.47\n",
            "ls-refs=unborn\n",
            "fetch=shallow wait-for-done filter\n",
            "object-format=sha1\n",
            "",
        ]);
        let dialect = advertisement(&bytes).unwrap().dialect;
        assert_eq!(
            dialect,
            Dialect {
                v2: true,
                filter: true,
                ..Dialect::default()
            }
        );
        let plain = packets(&["version 2\n", "fetch=shallow\n", "object-format=sha256\n", ""]);
        assert_eq!(
            advertisement(&plain).unwrap().dialect,
            Dialect {
                v2: true,
                sha256: true,
                ..Dialect::default()
            }
        );
    }

    #[test]
    fn a_version_0_server_names_its_references() {
        let bytes = packets(&[
            "# service=git-upload-pack\n",
            "",
            &format!(
                "{ID} HEAD\0multi_ack symref=HEAD:refs/heads/main object-format=sha1 filter allow-any-sha1-in-want\n"
            ),
            &format!("{ID} refs/heads/main\n"),
            &format!("{ID} refs/tags/v1^{{}}\n"),
            "",
        ]);
        let out = advertisement(&bytes).unwrap();
        assert!(out.dialect.filter && !out.dialect.v2);
        assert_eq!(out.dialect.offered, ["multi_ack"]);
        let only_tips = packets(&[&format!("{ID} HEAD\0filter allow-tip-sha1-in-want\n"), ""]);
        assert!(!advertisement(&only_tips).unwrap().dialect.filter);
        assert_eq!(advertisement(b"0000"), Ok(Advertisement::default()));
        assert_eq!(out.references.len(), 2);
        assert_eq!(out.references[0].target.as_deref(), Some("refs/heads/main"));
    }

    #[test]
    fn an_empty_repository_has_no_references() {
        let zero = "0".repeat(40);
        let bytes = packets(&[&format!("{zero} capabilities^{{}}\0ofs-delta\n"), ""]);
        assert_eq!(advertisement(&bytes).unwrap().references, []);
        assert_eq!(
            advertisement(&packets(&["# service=git-upload-pack\n", "", ""]))
                .unwrap()
                .references,
            []
        );
        assert_eq!(listing(b"0000"), Ok(Vec::new()));
    }

    #[test]
    fn a_listing_tells_the_default_branch() {
        let bytes = packets(&[&format!("{ID} HEAD symref-target:refs/heads/trunk\n"), ""]);
        assert_eq!(listing(&bytes).unwrap()[0].target.as_deref(), Some("refs/heads/trunk"));
        assert!(listing(b"<html>").is_err());
        assert!(advertisement(b"<html>").is_err());
        assert!(advertisement(b"").is_err());
    }
}
