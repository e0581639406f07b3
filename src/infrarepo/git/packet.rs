//! The framing of git's protocol: packets with their length in front, and the side-band inside them. Pure; knows no meaning.

use std::fmt;

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
    /// `0002`: the end of an answer.
    ResponseEnd,
    /// Anything else, as sent.
    Line(&'a [u8]),
}

impl Packet<'_> {
    /// Returns how many bytes it takes, its length in front included.
    #[must_use]
    pub const fn length(&self) -> usize {
        match self {
            Self::Flush | Self::Delimiter | Self::ResponseEnd => 4,
            Self::Line(line) => 4 + line.len(),
        }
    }
}

/// Why bytes are no packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// They end inside a packet, or before the flush packet.
    Short,
    /// A length is no four hexadecimal digits, or 3.
    Length,
    /// A packet of another kind, or with other words, was due.
    Unexpected(&'static str),
    /// The server says what is wrong.
    Server(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => out.write_str("the answer ends too early"),
            Self::Length => out.write_str("the answer is not git's protocol"),
            Self::Unexpected(what) => write!(out, "the answer lacks {what}"),
            Self::Server(text) => write!(out, "the server says: {text}"),
        }
    }
}

impl std::error::Error for Broken {}

/// Reads packets off the front of bytes.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    /// Starts at the front.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns what was not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the next packet; `None` at the end of the bytes. An `ERR` line is an error.
    ///
    /// # Errors
    /// The bytes are no packets, or the server reports an error.
    pub fn packet(&mut self) -> Result<Option<Packet<'a>>, Broken> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(Broken::Short)?;
        // `from_str_radix` would take a sign.
        let hex = digits.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(digits).map_err(|_| Broken::Length)?;
        let length = if hex {
            usize::from_str_radix(text, 16).ok()
        } else {
            None
        }
        .ok_or(Broken::Length)?;
        let packet = match length {
            0 => Packet::Flush,
            1 => Packet::Delimiter,
            2 => Packet::ResponseEnd,
            3 => return Err(Broken::Length),
            _ => {
                let (line, rest) = rest.split_at_checked(length - 4).ok_or(Broken::Short)?;
                self.rest = rest;
                if let Some(said) = line.strip_prefix(b"ERR ") {
                    return Err(Broken::Server(text_of(said)));
                }
                return Ok(Some(Packet::Line(line)));
            }
        };
        self.rest = rest;
        Ok(Some(packet))
    }

    /// Returns the next line without its line end; `None` at a flush, delimiter or response-end packet.
    ///
    /// # Errors
    /// As [`Packets::packet`]; also when the bytes end.
    pub fn line(&mut self) -> Result<Option<&'a [u8]>, Broken> {
        match self.packet()?.ok_or(Broken::Short)? {
            Packet::Line(line) => Ok(Some(line.strip_suffix(b"\n").unwrap_or(line))),
            _ => Ok(None),
        }
    }
}

/// What came over the side-band.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideBand {
    /// Band 1: the data.
    pub data: Vec<u8>,
    /// Band 2: words for people, foreign and bounded.
    pub words: String,
}

/// How many bytes of the words for people are kept.
const MOST_WORDS: usize = 16 * 1024;

/// Takes the side-band apart, up to the flush packet.
///
/// # Errors
/// The bytes are no packets or end before the flush packet, or band 3 reports an error.
pub fn side_band(packets: &mut Packets<'_>) -> Result<SideBand, Broken> {
    let mut out = SideBand::default();
    let mut words = Vec::new();
    loop {
        let Packet::Line(line) = packets.packet()?.ok_or(Broken::Short)? else {
            out.words = text_of(&words);
            return Ok(out);
        };
        match line.split_first() {
            Some((1, data)) => out.data.extend_from_slice(data),
            Some((2, said)) => {
                let room = MOST_WORDS.saturating_sub(words.len());
                words.extend_from_slice(said.get(..said.len().min(room)).unwrap_or_default());
            }
            Some((3, said)) => return Err(Broken::Server(text_of(said))),
            _ => return Err(Broken::Unexpected("a side-band")),
        }
    }
}

/// Returns foreign bytes as text without line ends at either side.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// Appends a line with its length in front. Lines are made of names of objects and of references, and both are bounded by their types: none
/// comes near the 65,516 bytes of a packet.
pub fn write_line(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
    out.extend_from_slice(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_in_order() {
        let mut packets = Packets::new(b"0006a\n000100020000");
        assert_eq!(packets.packet(), Ok(Some(Packet::Line(b"a\n"))));
        assert_eq!(packets.packet(), Ok(Some(Packet::Delimiter)));
        assert_eq!(packets.packet(), Ok(Some(Packet::ResponseEnd)));
        assert_eq!(packets.packet(), Ok(Some(Packet::Flush)));
        assert_eq!(packets.packet(), Ok(None));
    }

    #[test]
    fn what_is_no_packet_is_an_error() {
        for (bytes, why) in [
            (&b"00"[..], Broken::Short),
            (b"0009ab", Broken::Short),
            (b"0003", Broken::Length),
            (b"+00a123456", Broken::Length),
            (b"<!do", Broken::Length),
            (b"000cERR no\n\n", Broken::Server("no".to_owned())),
        ] {
            assert_eq!(Packets::new(bytes).packet(), Err(why));
        }
    }

    #[test]
    fn the_side_band_is_taken_apart() {
        let mut bytes = Vec::new();
        for line in ["\u{1}ab", "\u{2}hook says\n", "\u{1}c"] {
            write_line(&mut bytes, line);
        }
        assert_eq!(side_band(&mut Packets::new(&bytes)), Err(Broken::Short));
        bytes.extend_from_slice(b"0000");
        let out = side_band(&mut Packets::new(&bytes)).unwrap();
        assert_eq!((out.data.as_slice(), out.words.as_str()), (&b"abc"[..], "hook says"));
        let mut bytes = Vec::new();
        write_line(&mut bytes, "\u{3}died");
        assert_eq!(
            side_band(&mut Packets::new(&bytes)),
            Err(Broken::Server("died".to_owned()))
        );
    }
}
