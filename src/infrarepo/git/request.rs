//! Writes the requests of git's protocol: `ls-refs` and `fetch` of v2, and the fetch of v0. Pure.

use git2::Oid;

use super::packet::{Broken, Packet, Packets, SideBand, side_band, write_line};

/// Which objects a server leaves out unless they are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// None: everything comes.
    Everything,
    /// The content of files.
    NoBlobs,
    /// Folders and the content of files. Servers may forbid any depth but 0 for trees, so no other is asked for.
    NoTrees,
}

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The objects.
    pub wants: Vec<Oid>,
    /// Commits that are here already, with all that they stand for.
    pub haves: Vec<Oid>,
    /// Those of `haves` whose parents are not here.
    pub shallow: Vec<Oid>,
    /// How many commits deep; `None` = all that `haves` do not cover.
    pub depth: Option<usize>,
    /// What to leave out.
    pub filter: Filter,
}

impl Fetch {
    /// Returns a fetch of exactly these objects and what hangs below them.
    #[must_use]
    pub fn of(wants: Vec<Oid>, filter: Filter) -> Self {
        Self {
            wants,
            haves: Vec::new(),
            shallow: Vec::new(),
            depth: None,
            filter,
        }
    }

    fn lines(&self, out: &mut Vec<u8>, wants_end: &str, cut: bool, sections_end: &[u8]) {
        let mut end = wants_end;
        for want in &self.wants {
            write_line(out, &format!("want {want}{end}\n"));
            end = "";
        }
        for commit in self.shallow.iter().filter(|_| cut) {
            write_line(out, &format!("shallow {commit}\n"));
        }
        if let Some(depth) = self.depth.filter(|_| cut) {
            write_line(out, &format!("deepen {depth}\n"));
        }
        match self.filter {
            Filter::Everything => {}
            Filter::NoBlobs => write_line(out, "filter blob:none\n"),
            Filter::NoTrees => write_line(out, "filter tree:0\n"),
        }
        out.extend_from_slice(sections_end);
        for have in &self.haves {
            write_line(out, &format!("have {have}\n"));
        }
        write_line(out, "done\n");
    }

    /// Writes it as a command of v2.
    #[must_use]
    pub fn version_2(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_line(&mut out, "command=fetch\n");
        out.extend_from_slice(b"0001");
        write_line(&mut out, "ofs-delta\n");
        write_line(&mut out, "no-progress\n");
        if self.thin() {
            write_line(&mut out, "thin-pack\n");
        }
        self.lines(&mut out, "", true, b"");
        out.extend_from_slice(b"0000");
        out
    }

    /// Whether the pack may leave out bases of deltas. Of a commit that stands alone here, git leaves out the folders only then;
    /// and only of such commits it is certain that all their folders are here.
    fn thin(&self) -> bool {
        !self.shallow.is_empty()
    }

    /// Writes it as v0 wants it, with what the server offers: a host may insist on what it offers, and knows nothing else.
    #[must_use]
    pub fn version_0(&self, offered: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut asked = String::new();
        let mut ask = |words: &[&str]| {
            if let Some(word) = words.iter().find(|word| offered.contains(word)) {
                asked.push(' ');
                asked.push_str(word);
            }
        };
        ask(&["multi_ack_detailed", "multi_ack"]);
        ask(&["side-band-64k", "side-band"]);
        ask(&["ofs-delta"]);
        ask(&["no-progress"]);
        if self.thin() {
            ask(&["thin-pack"]);
        }
        if self.filter != Filter::Everything {
            asked.push_str(" filter");
        }
        self.lines(&mut out, &asked, offered.contains(&"shallow"), b"0000");
        out
    }
}

/// Writes `ls-refs` for names that begin with one of `prefixes`.
#[must_use]
pub fn ls_refs(prefixes: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    write_line(&mut out, "command=ls-refs\n");
    out.extend_from_slice(b"0001");
    write_line(&mut out, "symrefs\n");
    for prefix in prefixes {
        write_line(&mut out, &format!("ref-prefix {prefix}\n"));
    }
    out.extend_from_slice(b"0000");
    out
}

/// What came back for a fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes of the pack.
    pub pack: Vec<u8>,
    /// The commits whose parents were cut off.
    pub cut: Vec<Oid>,
}

/// What an object of a pack weighs at least, in bytes, in the mean: folders of two or three files weigh some 110.
const LEAST_EACH: usize = 100;

/// Looks at an answer while it comes, each byte once, and returns whether it can be of `most` bytes. A pack says in front how many objects
/// follow: one that will be too large is known before it comes.
#[derive(Clone, Debug)]
pub struct Size {
    most: usize,
    /// Where the next packet begins; `None`: nothing more is to be learnt.
    at: Option<usize>,
    fits: bool,
}

impl Size {
    /// Starts before the first byte.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self {
            most,
            at: Some(0),
            fits: true,
        }
    }

    /// Looks at what has come so far, from the beginning of the answer on.
    pub fn fits(&mut self, so_far: &[u8]) -> bool {
        while let Some(at) = self.at {
            let mut packets = Packets::new(so_far.get(at..).unwrap_or_default());
            match packets.packet() {
                // The rest of this one is still to come.
                Ok(None) | Err(Broken::Short) => break,
                Err(_) => self.at = None,
                Ok(Some(packet)) => {
                    self.at = Some(at + packet.length());
                    let Packet::Line(line) = packet else { continue };
                    let Some(head) = line.strip_prefix(b"\x01PACK") else {
                        continue;
                    };
                    let count = head.get(4..8).and_then(|count| count.try_into().ok());
                    let count = count.and_then(|count| usize::try_from(u32::from_be_bytes(count)).ok());
                    self.fits = count.is_none_or(|objects| objects <= self.most / LEAST_EACH);
                    self.at = None;
                }
            }
        }
        self.fits && so_far.len() <= self.most
    }
}

/// Reads the answer to [`Fetch::version_2`].
///
/// # Errors
/// The bytes are something else, end too early, or the server reports an error.
pub fn fetched_2(bytes: &[u8]) -> Result<Fetched, Broken> {
    let mut packets = Packets::new(bytes);
    let mut cut = Vec::new();
    loop {
        match packets.line()? {
            Some(b"packfile") => {
                let SideBand { data, .. } = side_band(&mut packets)?;
                return Ok(Fetched { pack: data, cut });
            }
            // The section `acknowledgments` is not asked for; `shallow-info` is the only other one of use.
            Some(line) => cut.extend(shallow(line)),
            None => {}
        }
    }
}

/// Reads the answer to [`Fetch::version_0`]: the cut-off commits and a flush (if a depth was asked for), `NAK` or `ACK`, the pack, which a
/// server without a side-band sends as it is.
///
/// # Errors
/// As [`fetched_2`].
pub fn fetched_0(bytes: &[u8]) -> Result<Fetched, Broken> {
    let mut packets = Packets::new(bytes);
    let mut cut = Vec::new();
    loop {
        match packets.line()? {
            Some(line) if line == b"NAK" || line.starts_with(b"ACK ") => break,
            Some(line) => cut.extend(shallow(line)),
            None => {}
        }
    }
    // With `have` lines, several acknowledgements come before the pack.
    let mut rest = packets.clone();
    while packets.rest().starts_with(b"0")
        && let Some(line) = rest.line()?
    {
        if line != b"NAK" && !line.starts_with(b"ACK ") {
            break;
        }
        packets = rest.clone();
    }
    if packets.rest().starts_with(b"PACK") {
        let pack = packets.rest().to_vec();
        return Ok(Fetched { pack, cut });
    }
    let SideBand { data, .. } = side_band(&mut packets)?;
    Ok(Fetched { pack: data, cut })
}

fn shallow(line: &[u8]) -> Option<Oid> {
    let id = std::str::from_utf8(line.strip_prefix(b"shallow ")?).ok()?;
    (id.len() == 40).then(|| Oid::from_str(id).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn version_2_asks_for_one_commit_without_files() {
        let id = Oid::from_str(ID).unwrap();
        let mut fetch = Fetch::of(vec![id], Filter::NoBlobs);
        fetch.depth = Some(1);
        assert_eq!(
            text(&fetch.version_2()),
            format!(
                "0012command=fetch\n0001000eofs-delta\n0010no-progress\n0032want {ID}\n000ddeepen 1\n0015filter blob:none\n0009done\n0000"
            )
        );
    }

    #[test]
    fn version_0_puts_its_abilities_on_the_first_want() {
        let id = Oid::from_str(ID).unwrap();
        let mut fetch = Fetch::of(vec![id, id], Filter::Everything);
        fetch.depth = Some(1);
        assert_eq!(
            text(&fetch.version_0(&["ofs-delta", "no-progress", "side-band-64k", "shallow", "thin-pack"])),
            format!("0056want {ID} side-band-64k ofs-delta no-progress\n0032want {ID}\n000ddeepen 1\n00000009done\n")
        );
        let all = ["side-band", "side-band-64k", "multi_ack", "multi_ack_detailed"];
        assert_eq!(
            text(&fetch.version_0(&all)),
            format!("0053want {ID} multi_ack_detailed side-band-64k\n0032want {ID}\n00000009done\n")
        );
        assert_eq!(
            text(&fetch.version_0(&[])),
            format!("0032want {ID}\n0032want {ID}\n00000009done\n")
        );
    }

    #[test]
    fn answers_give_the_pack_and_what_was_cut() {
        let v2 = format!("0011shallow-info\n0034shallow {ID}00010000");
        assert!(fetched_2(v2.as_bytes()).is_err(), "no packfile section");
        let v2 = format!("0011shallow-info\n0034shallow {ID}0001000dpackfile\n0007\u{1}PA0000");
        let out = fetched_2(v2.as_bytes()).unwrap();
        assert_eq!((out.pack.as_slice(), out.cut.len()), (&b"PA"[..], 1));
        let v0 = format!("0034shallow {ID}00000008NAK\n0007\u{1}PA0000");
        assert_eq!(fetched_0(v0.as_bytes()).unwrap(), out);
        let acks = format!("0034shallow {ID}00000038ACK {ID} common\n0031ACK {ID}\n0007\u{1}PA0000");
        assert_eq!(fetched_0(acks.as_bytes()).unwrap(), out);
        let bare = fetched_0(b"0008NAK\nPACK\0\x01").unwrap();
        assert_eq!(bare.pack, b"PACK\0\x01");
        assert!(fetched_2(b"").is_err() && fetched_0(b"").is_err() && fetched_0(b"0000").is_err());
    }

    #[test]
    fn however_it_is_cut_each_byte_is_looked_at_once() {
        let mut answer = Vec::new();
        for _ in 0..20_000 {
            write_line(&mut answer, "\u{2}counting");
        }
        let mut size = Size::new(usize::MAX);
        // Quadratic, this would be some 10^10 steps.
        for end in 0..answer.len() {
            assert!(size.fits(&answer[..end]));
        }
    }

    #[test]
    fn a_pack_of_too_many_objects_is_known_by_its_beginning() {
        let answer = |count: u32| {
            let mut out =
                b"0011shallow-info\n0034shallow 0123456789abcdef0123456789abcdef012345670001000dpackfile\n".to_vec();
            out.extend_from_slice(b"0008\x02abc0011\x01PACK\0\0\0\x02");
            out.extend_from_slice(&count.to_be_bytes());
            out
        };
        let most = 100_000;
        let fits = |bytes: &[u8], most| Size::new(most).fits(bytes);
        assert!(fits(&answer(1000), most));
        assert!(!fits(&answer(1001), most) && !fits(&answer(u32::MAX), most));
        let whole = answer(1001);
        let mut byte_by_byte = Size::new(most);
        for end in 0..whole.len() {
            assert!(fits(&whole[..end], most), "cut at {end}");
            assert!(byte_by_byte.fits(&whole[..end]), "cut at {end}");
        }
        assert!(!byte_by_byte.fits(&whole));
        assert!(fits(b"<html>", 6) && !fits(b"<html>", 5));
    }
}
