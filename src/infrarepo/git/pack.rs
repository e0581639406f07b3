//! Reads a pack into a store, object by object, within bounds. Whether the objects are the ones that were asked for, their names say:
//! the store computes them from the bytes.

use std::collections::HashMap;
use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};
use git2::{ObjectType, Oid};

/// Where objects go to and deltas find their bases.
pub trait Objects {
    /// Returns an object.
    fn get(&self, id: Oid) -> Option<(ObjectType, Vec<u8>)>;

    /// Keeps an object and returns its name.
    ///
    /// # Errors
    /// It cannot be kept; says why.
    fn put(&mut self, kind: ObjectType, content: &[u8]) -> Result<Oid, String>;
}

/// Why bytes are no pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damaged {
    /// They end too early.
    Short,
    /// They break the format; says where.
    Format(&'static str),
    /// The objects would be larger than what is allowed, in bytes.
    TooLarge(usize),
    /// A delta has no base.
    NoBase,
    /// The store refused an object.
    Store(String),
}

impl fmt::Display for Damaged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => out.write_str("the pack ends too early"),
            Self::Format(what) => write!(out, "the pack is damaged: {what}"),
            Self::TooLarge(most) => write!(out, "the pack holds more than {most} bytes"),
            Self::NoBase => out.write_str("the pack lacks the base of a delta"),
            Self::Store(why) => write!(out, "an object cannot be kept: {why}"),
        }
    }
}

impl std::error::Error for Damaged {}

/// The trailer: the SHA-1 of all before it. It is not checked, for every object's name is.
const TRAILER: usize = 20;
/// How many times `most` the bases of deltas may weigh together: many small deltas of one large base are little to send and much to copy.
const BASES: usize = 16;

/// Reads all objects of a pack into `store`. `most` bounds the sum of their sizes, in bytes. Returns how many there were.
///
/// # Errors
/// The bytes are no whole pack, or hold more than `most`.
pub fn read(pack: &[u8], most: usize, store: &mut dyn Objects) -> Result<usize, Damaged> {
    let mut reader = Reader::new(pack, most)?;
    loop {
        if let Some(count) = reader.some(usize::MAX, store)? {
            return Ok(count);
        }
    }
}

/// A delta whose base comes later in the pack, or waits itself.
struct Waiting {
    offset: usize,
    delta: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Base {
    Offset(usize),
    Name(Oid),
}

/// Reads a pack in portions, so that others are heard in between.
pub struct Reader<'a> {
    pack: &'a [u8],
    count: usize,
    done: usize,
    at: usize,
    left: usize,
    most: usize,
    bases_left: usize,
    by_offset: HashMap<usize, Oid>,
    waiting: HashMap<Base, Vec<Waiting>>,
}

impl<'a> Reader<'a> {
    /// Begins to read a pack; `most` bounds the sum of the sizes of its objects, in bytes.
    ///
    /// # Errors
    /// The bytes do not begin like a pack.
    pub fn new(pack: &'a [u8], most: usize) -> Result<Self, Damaged> {
        let (head, _) = pack.split_at_checked(12).ok_or(Damaged::Short)?;
        if !head.starts_with(b"PACK\0\0\0\x02") && !head.starts_with(b"PACK\0\0\0\x03") {
            return Err(Damaged::Format("it does not begin like a pack"));
        }
        let digits = head.iter().skip(8);
        Ok(Self {
            pack,
            count: digits.fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            done: 0,
            at: 12,
            left: most,
            most,
            bases_left: most.saturating_mul(BASES),
            by_offset: HashMap::new(),
            waiting: HashMap::new(),
        })
    }

    /// Reads objects until they weigh `portion` bytes, or have been 256. Returns how many the pack has, at its end.
    ///
    /// # Errors
    /// As [`read`].
    pub fn some(&mut self, portion: usize, store: &mut dyn Objects) -> Result<Option<usize>, Damaged> {
        let enough = self.left.saturating_sub(portion);
        for _ in 0..256 {
            if self.done == self.count {
                return self.end().map(Some);
            }
            self.object(store)?;
            self.done += 1;
            if self.left <= enough {
                break;
            }
        }
        Ok(None)
    }

    fn end(&self) -> Result<usize, Damaged> {
        if self.pack.len() != self.at + TRAILER {
            return Err(if self.pack.len() < self.at + TRAILER {
                Damaged::Short
            } else {
                Damaged::Format("something follows its last object")
            });
        }
        if self.waiting.is_empty() {
            Ok(self.count)
        } else {
            Err(Damaged::NoBase)
        }
    }

    fn byte(&mut self) -> Result<u8, Damaged> {
        let byte = self.pack.get(self.at).copied().ok_or(Damaged::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn object(&mut self, store: &mut dyn Objects) -> Result<(), Damaged> {
        let offset = self.at;
        let first = self.byte()?;
        let mut size = usize::from(first & 0x0f);
        let (mut byte, mut shift) = (first, 4);
        while byte & 0x80 != 0 {
            byte = self.byte()?;
            let part = usize::from(byte & 0x7f);
            size |= part.checked_shl(shift).ok_or(Damaged::Format("a size"))?;
            shift += 7;
        }
        let kind = match first >> 4 & 7 {
            1 => ObjectType::Commit,
            2 => ObjectType::Tree,
            3 => ObjectType::Blob,
            4 => ObjectType::Tag,
            6 => {
                let back = self.distance()?;
                let base = offset.checked_sub(back).filter(|_| back > 0);
                let base = Base::Offset(base.ok_or(Damaged::Format("the offset of a base"))?);
                return self.delta(offset, base, size, store);
            }
            7 => {
                let name = self.pack.get(self.at..self.at + 20).ok_or(Damaged::Short)?;
                self.at += 20;
                let name = Oid::from_bytes(name).map_err(|_| Damaged::Format("the name of a base"))?;
                return self.delta(offset, Base::Name(name), size, store);
            }
            _ => return Err(Damaged::Format("a kind of object")),
        };
        let content = self.inflate(size)?;
        let id = store.put(kind, &content).map_err(Damaged::Store)?;
        self.kept(offset, id, store)
    }

    /// Reads how far back the base of a delta begins: base 128, each further byte counting from one more.
    fn distance(&mut self) -> Result<usize, Damaged> {
        let mut byte = self.byte()?;
        let mut out = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.byte()?;
            out = out
                .checked_add(1)
                .and_then(|out| out.checked_mul(128))
                .and_then(|out| out.checked_add(usize::from(byte & 0x7f)))
                .ok_or(Damaged::Format("the offset of a base"))?;
        }
        Ok(out)
    }

    fn inflate(&mut self, size: usize) -> Result<Vec<u8>, Damaged> {
        self.left = self.left.checked_sub(size).ok_or(Damaged::TooLarge(self.most))?;
        let mut out = Vec::new();
        let mut stream = Decompress::new(true);
        loop {
            // Memory grows with what comes, not with what is announced; one byte more shows an object that is too long.
            let room = (out.len().max(4096)).min(size + 1 - out.len().min(size));
            out.reserve(room);
            let before = (stream.total_in(), stream.total_out());
            let input = self.pack.get(self.at..).unwrap_or_default();
            let status = stream
                .decompress_vec(input, &mut out, FlushDecompress::None)
                .map_err(|_| Damaged::Format("compressed data"))?;
            let used = usize::try_from(stream.total_in() - before.0).map_err(|_| Damaged::Short)?;
            self.at += used;
            if status == Status::StreamEnd && out.len() == size {
                return Ok(out);
            }
            if status == Status::StreamEnd || out.len() > size {
                return Err(Damaged::Format("the size of an object"));
            }
            if used == 0 && stream.total_out() == before.1 {
                return Err(Damaged::Short);
            }
        }
    }

    fn delta(&mut self, offset: usize, base: Base, size: usize, store: &mut dyn Objects) -> Result<(), Damaged> {
        let delta = self.inflate(size)?;
        let known = match base {
            Base::Name(name) => Some(name),
            Base::Offset(offset) => self.by_offset.get(&offset).copied(),
        };
        if let Some((kind, base)) = known.and_then(|id| store.get(id)) {
            let id = self.make(kind, &base, &delta, store)?;
            return self.kept(offset, id, store);
        }
        let waiting = self.waiting.entry(base).or_default();
        waiting.push(Waiting { offset, delta });
        Ok(())
    }

    /// Makes an object of its base and a delta, and keeps it.
    fn make(&mut self, kind: ObjectType, base: &[u8], delta: &[u8], store: &mut dyn Objects) -> Result<Oid, Damaged> {
        self.bases_left = (self.bases_left.checked_sub(base.len())).ok_or(Damaged::TooLarge(self.most))?;
        match apply(base, delta, &mut self.left).ok_or(Damaged::Format("a delta"))? {
            Applied::Object(content) => store.put(kind, &content).map_err(Damaged::Store),
            Applied::TooLarge => Err(Damaged::TooLarge(self.most)),
        }
    }

    /// Notes where an object is, and makes those that waited for it, and so on: each of them once, whatever their order.
    fn kept(&mut self, offset: usize, id: Oid, store: &mut dyn Objects) -> Result<(), Damaged> {
        let mut kept = vec![(offset, id)];
        while let Some((offset, id)) = kept.pop() {
            self.by_offset.insert(offset, id);
            for base in [Base::Offset(offset), Base::Name(id)] {
                for Waiting { offset, delta } in self.waiting.remove(&base).unwrap_or_default() {
                    let (kind, base) = store.get(id).ok_or(Damaged::NoBase)?;
                    kept.push((offset, self.make(kind, &base, &delta, store)?));
                }
            }
        }
        Ok(())
    }
}

/// What a delta makes.
enum Applied {
    Object(Vec<u8>),
    /// More than the bound.
    TooLarge,
}

/// Applies a delta: two sizes, then copies from the base and new bytes. `None` if it is malformed. `left` bounds the result, in bytes.
fn apply(base: &[u8], delta: &[u8], left: &mut usize) -> Option<Applied> {
    let mut bytes = delta.iter().copied();
    let mut number = || {
        let (mut out, mut shift) = (0_usize, 0);
        loop {
            let byte = bytes.next()?;
            out |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(out);
            }
        }
    };
    let (from, to) = (number()?, number()?);
    if from != base.len() {
        return None;
    }
    let Some(rest) = left.checked_sub(to) else {
        return Some(Applied::TooLarge);
    };
    *left = rest;
    let mut out = Vec::new();
    while let Some(op) = bytes.next() {
        if op & 0x80 == 0 {
            if op == 0 {
                return None;
            }
            let start = out.len();
            out.extend(bytes.by_ref().take(usize::from(op)));
            if out.len() - start != usize::from(op) {
                return None;
            }
        } else {
            let mut field = |bits: std::ops::Range<u32>| {
                let mut out = 0_usize;
                for (n, bit) in bits.enumerate() {
                    if op >> bit & 1 == 1 {
                        out |= usize::from(bytes.next()?) << (8 * n);
                    }
                }
                Some(out)
            };
            let start = field(0..4)?;
            let length = field(4..7)?;
            let length = if length == 0 { 0x10000 } else { length };
            out.extend_from_slice(base.get(start..start.checked_add(length)?)?);
        }
        if out.len() > to {
            return None;
        }
    }
    (out.len() == to).then_some(Applied::Object(out))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[derive(Default)]
    struct Memory {
        objects: HashMap<Oid, (ObjectType, Vec<u8>)>,
        asked: std::cell::Cell<usize>,
    }

    impl Objects for Memory {
        fn get(&self, id: Oid) -> Option<(ObjectType, Vec<u8>)> {
            self.asked.set(self.asked.get() + 1);
            self.objects.get(&id).cloned()
        }

        fn put(&mut self, kind: ObjectType, content: &[u8]) -> Result<Oid, String> {
            let id = Oid::hash_object(kind, content).map_err(|error| error.to_string())?;
            self.objects.insert(id, (kind, content.to_owned()));
            Ok(id)
        }
    }

    fn deflate(content: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(content).unwrap();
        out.finish().unwrap()
    }

    fn pack(entries: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(entries.len()).unwrap().to_be_bytes();
        let mut out = [b"PACK\0\0\0\x02".as_slice(), &count].concat();
        out.extend(entries.concat());
        out.extend([0; TRAILER]);
        out
    }

    fn entry(kind: u8, size: usize, between: &[u8], content: &[u8]) -> Vec<u8> {
        let first = kind << 4 | u8::try_from(size & 15).unwrap();
        let head = match u8::try_from(size >> 4).unwrap() {
            0 => vec![first],
            more => vec![first | 0x80, more],
        };
        [&head, between, &deflate(content)].concat()
    }

    /// The delta "copy 5 bytes from 0, add `!`" of a base of 5 bytes.
    const DELTA: &[u8] = &[5, 6, 0x90, 5, 1, b'!'];

    #[test]
    fn whole_objects_and_deltas_are_read() {
        let blob = entry(3, 5, &[], b"hello");
        let back = u8::try_from(blob.len()).unwrap();
        let name = Oid::hash_object(ObjectType::Blob, b"hello").unwrap();
        let by_name = entry(7, 6, name.as_bytes(), DELTA);
        let bytes = pack(&[
            by_name,
            blob.clone(),
            entry(6, 6, &[back], DELTA),
            entry(3, 0, &[], b""),
        ]);
        let mut store = Memory::default();
        assert_eq!(read(&bytes, 1000, &mut store), Ok(4));
        let made = Oid::hash_object(ObjectType::Blob, b"hello!").unwrap();
        assert_eq!(store.get(made), Some((ObjectType::Blob, b"hello!".to_vec())));
        assert_eq!(store.objects.len(), 3);
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = pack(&[entry(3, 5, &[], b"hello"), entry(1, 3, &[], b"abc")]);
        for end in 0..bytes.len() {
            let result = read(&bytes[..end], 1000, &mut Memory::default());
            assert_eq!(result, Err(Damaged::Short), "cut at {end}");
        }
    }

    #[test]
    fn sizes_are_bounded_and_must_be_true() {
        let bytes = pack(&[entry(3, 5, &[], b"hello")]);
        assert_eq!(read(&bytes, 4, &mut Memory::default()), Err(Damaged::TooLarge(4)));
        for size in [4_usize, 6] {
            let bytes = pack(&[entry(3, size, &[], b"hello")]);
            let result = read(&bytes, 1000, &mut Memory::default());
            assert!(matches!(result, Err(Damaged::Format(_) | Damaged::Short)), "{result:?}");
        }
    }

    #[test]
    fn a_delta_without_a_base_is_an_error() {
        let bytes = pack(&[entry(7, 6, &[1; 20], DELTA)]);
        assert_eq!(read(&bytes, 1000, &mut Memory::default()), Err(Damaged::NoBase));
    }

    #[test]
    fn deltas_that_stand_before_their_bases_cost_one_look_each() {
        // Each is made of the one behind it: the last of the pack is the first that can be made.
        let names: Vec<Oid> = (0..1000_u16)
            .map(|n| Oid::hash_object(ObjectType::Blob, &n.to_be_bytes()).unwrap())
            .collect();
        let mut entries: Vec<Vec<u8>> = (1..1000_u16)
            .map(|n| {
                let [high, low] = n.to_be_bytes();
                entry(7, 5, names[usize::from(n) - 1].as_bytes(), &[2, 2, 2, high, low])
            })
            .collect();
        entries.reverse();
        entries.push(entry(3, 2, &[], &[0, 0]));
        let mut store = Memory::default();
        assert_eq!(read(&pack(&entries), 100_000, &mut store), Ok(1000));
        assert!(store.asked.get() <= 2000, "{}", store.asked.get());
    }

    #[test]
    fn many_deltas_of_one_base_are_bounded_by_what_must_be_copied() {
        let base = [b'a'; 1000];
        let name = Oid::hash_object(ObjectType::Blob, &base).unwrap();
        // A base of 1000 bytes, and 1 byte made of it by 5: what comes and what is made is little.
        let delta = [0xe8, 0x07, 1, 1, b'!'];
        let made_of_it = |count| {
            let mut entries = vec![entry(3, 1000, &[], &base)];
            entries.extend((0..count).map(|_| entry(7, delta.len(), name.as_bytes(), &delta)));
            read(&pack(&entries), 1300, &mut Memory::default())
        };
        assert_eq!(made_of_it(20), Ok(21));
        // A result that is too large is named by the bound, and not by what was left of it.
        let large = pack(&[
            entry(3, 5, &[], b"hello"),
            entry(
                7,
                6,
                Oid::hash_object(ObjectType::Blob, b"hello").unwrap().as_bytes(),
                DELTA,
            ),
        ]);
        assert_eq!(read(&large, 12, &mut Memory::default()), Err(Damaged::TooLarge(12)));
        assert_eq!(made_of_it(30), Err(Damaged::TooLarge(1300)));
    }
}
