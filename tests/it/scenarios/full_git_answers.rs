//! Every answer of git beyond a bound, or filled up to it, at the request where that bound holds, in 512 MB of address space.

use std::sync::Arc;

use sandbox::front::{Front, Manner};

use super::bounds::{limited_at, packet};
use crate::support::World;

const MIB: usize = 1 << 20;
const PROMOTE: &str = "--app api --environment dev --tag abc1234";

fn says(kind: &str, body: Vec<u8>) -> Manner {
    Manner::Says(200, format!("content-type: application/x-{kind}\r\n"), Arc::new(body))
}

/// The answer to a fetch with one blob of so many bytes, stored as it is.
fn fetched(size: usize) -> Vec<u8> {
    use std::io::Write as _;
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    deflated.write_all(&vec![7; size]).unwrap();
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
    pack.push(0xb0 | u8::try_from(size & 15).unwrap());
    let mut rest = size >> 4;
    while rest > 0 {
        let more = if rest > 127 { 0x80 } else { 0 };
        pack.push(more | u8::try_from(rest & 127).unwrap());
        rest >>= 7;
    }
    pack.extend(deflated.finish().unwrap());
    pack.extend_from_slice(&[0; 20]);
    let mut answer = Vec::new();
    packet(&mut answer, b"packfile\n");
    for part in pack.chunks(60_000) {
        packet(&mut answer, &[&[1], part].concat());
    }
    answer.extend_from_slice(b"0000");
    answer
}

/// Runs words against a front of git whose requests that contain `part` are answered so, once `spared` of them were passed on. Nothing lands.
#[track_caller]
fn ends(spared: usize, part: &str, manner: Manner, words: &str, says: &str) {
    let world = World::new();
    let front = Front::before(world.sandbox.git.address()).unwrap();
    front.after(spared, part, manner);
    let report = limited_at(&world, &format!("{}/infra-repo.git", front.url()), words);
    assert!(!front.met().is_empty(), "{report:#}");
    assert!(matches!(report["exit_code"].as_u64(), Some(2 | 4)), "{report:#}");
    assert!(report["reason"].as_str().unwrap().contains(says), "{says}: {report:#}");
    assert!(!world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
}

const RESULT: &str = "git-upload-pack-result";

#[test]
fn files_and_histories_beyond_their_bounds_end_in_words() {
    // The tip and the folders come before the file.
    ends(
        2,
        "git-upload-pack",
        says(RESULT, fetched(33 * MIB)),
        PROMOTE,
        "more than 32 MiB",
    );
    ends(
        2,
        "git-upload-pack",
        says(RESULT, fetched(31 * MIB)),
        PROMOTE,
        "did not send the object",
    );
    let world = World::new();
    for text in ["One\n", "Two\n"] {
        world.sandbox.commit("README.md", text, "Add a page").unwrap();
    }
    let front = Front::before(world.sandbox.git.address()).unwrap();
    front.on("filter tree:0", says(RESULT, fetched(9 * MIB)));
    let url = format!("{}/infra-repo.git", front.url());
    let report = limited_at(&world, &url, "history --app api --environment dev");
    assert!(report.to_string().contains("more than 8 MiB"), "{report:#}");
}

#[test]
fn redirects_errors_and_reports_beyond_their_bounds_end_in_words() {
    let loops = Manner::Says(307, "location: git-upload-pack\r\n".to_owned(), Arc::default());
    ends(0, "git-upload-pack", loops, PROMOTE, "redirects in a loop");
    let long = Manner::Says(
        418,
        "content-type: text/plain\r\n".to_owned(),
        Arc::new(vec![b'x'; 40 * MIB]),
    );
    ends(0, "git-upload-pack", long, PROMOTE, "418");
    let mut report = Vec::new();
    while report.len() < 2 * MIB {
        packet(&mut report, b"ok refs/heads/x\n");
    }
    ends(
        0,
        "git-receive-pack",
        says("git-receive-pack-result", report),
        PROMOTE,
        "nothing was written",
    );
}

/// A server without partial clones, whose commit has large files.
#[test]
fn a_commit_with_all_its_files_ends_in_words() {
    let advertised = || {
        let mut body = Vec::new();
        packet(&mut body, b"# service=git-upload-pack\n");
        body.extend_from_slice(b"0000");
        packet(&mut body, b"version 2\n");
        packet(&mut body, b"ls-refs\n");
        packet(&mut body, b"fetch=shallow\n");
        body.extend_from_slice(b"0000");
        says("git-upload-pack-advertisement", body)
    };
    for (size, part) in [(63 * MIB, "did not send the object"), (65 * MIB, "more than 64 MiB")] {
        let world = World::new();
        let front = Front::before(world.sandbox.git.address()).unwrap();
        front.on("info/refs", advertised());
        let strange = Manner::Says(418, String::new(), Arc::default());
        front.on("filter ", strange);
        front.on("want ", says(RESULT, fetched(size)));
        let report = limited_at(&world, &format!("{}/infra-repo.git", front.url()), PROMOTE);
        assert_eq!(report["exit_code"], 4, "{report:#}");
        assert!(report["reason"].as_str().unwrap().contains(part), "{part}: {report:#}");
    }
}
