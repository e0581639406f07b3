//! Packs of any objects and deltas, cut or not, and any bytes as a pack: no panic, the bound on what is inflated holds, and the count is that of the objects that were kept.
#![no_main]

use std::collections::HashMap;
use std::io::Write;

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::infrarepo::git::pack::{self, Objects};

/// How much a pack may hold, in bytes.
const MOST: usize = 64 * 1024;

/// Objects by the names that git gives them.
#[derive(Default)]
struct Memory {
    objects: HashMap<git2::Oid, (git2::ObjectType, Vec<u8>)>,
    count: usize,
    bytes: usize,
}

impl Objects for Memory {
    fn get(&self, id: git2::Oid) -> Option<(git2::ObjectType, Vec<u8>)> {
        self.objects.get(&id).cloned()
    }

    fn put(&mut self, kind: git2::ObjectType, content: &[u8]) -> Result<git2::Oid, String> {
        self.count += 1;
        self.bytes += content.len();
        let id = git2::Oid::hash_object(kind, content).map_err(|error| error.to_string())?;
        self.objects.insert(id, (kind, content.to_owned()));
        Ok(id)
    }
}

/// Returns a zlib stream of one block that is not compressed, which costs no compressor.
fn stored(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a length of six bits");
    let (a, b) = content.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    let head = [0x78, 0x01, 0x01];
    let sizes = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    [&head, sizes.as_slice(), content, &(b << 16 | a).to_be_bytes()].concat()
}

/// Writes a pack as the input says: raw bytes are refused at the first compressed object, and would show nothing of what comes behind it.
fn pack(script: &[u8]) -> Vec<u8> {
    let mut bytes = script.iter().copied();
    let mut entries = Vec::new();
    let mut count = 0_u32;
    let mut last = [0; 20];
    while let (Some(op), Some(length)) = (bytes.next(), bytes.next()) {
        count += 1;
        let content: Vec<u8> = bytes.by_ref().take(usize::from(length & 0x3f)).collect();
        let announced = if op & 0x80 == 0 {
            content.len()
        } else {
            usize::from(length)
        };
        entries.push((op & 7) << 4 | (announced & 15) as u8 | 0x80);
        entries.push((announced >> 4) as u8);
        match op & 7 {
            6 => entries.push(bytes.next().unwrap_or_default()),
            7 if op & 0x40 == 0 => entries.extend(last),
            7 => entries.extend((0..20).map(|_| bytes.next().unwrap_or_default())),
            _ => {}
        }
        if let Ok(id) = git2::Oid::hash_object(git2::ObjectType::Blob, &content) {
            last.copy_from_slice(id.as_bytes());
        }
        if op & 8 == 0 {
            entries.extend(stored(&content));
        } else {
            let mut stream = flate2::write::ZlibEncoder::new(&mut entries, flate2::Compression::fast());
            stream.write_all(&content).expect("memory takes it");
            stream.finish().expect("memory takes it");
        }
    }
    [b"PACK\0\0\0\x02".as_slice(), &count.to_be_bytes(), &entries, &[0; 20]].concat()
}

fuzz_target!(|input: &[u8]| {
    let Some((how, script)) = input.split_first() else {
        return;
    };
    let mut bytes = pack(script);
    match how % 4 {
        0 => bytes.truncate(usize::from(*how) * 2),
        1 => bytes = input.to_owned(),
        _ => {}
    }
    let mut store = Memory::default();
    let read = pack::read(&bytes, MOST, &mut store);
    assert!(store.bytes <= MOST, "the bound holds");
    if let Ok(count) = read {
        assert_eq!(count, store.count);
    }
});
