//! Every reader of git and of Argo CD, filled with the smallest elements that its limits let through, in 512 MB of address space; and servers that
//! say nothing. The run ends in words, with its report, and nothing is written.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::argocd::Canned as Answer;
use sandbox::front::{Front, Manner};
use sandbox::git::Canned;
use serde_json::Value;

use crate::support::{World, start};

const MIB: usize = 1 << 20;

fn canned(path: &str, times: usize, kind: &str, body: Vec<u8>) -> Canned {
    Canned {
        path: path.to_owned(),
        times,
        status: 200,
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body,
    }
}

pub(super) fn packet(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
    out.extend_from_slice(line);
}

/// Runs in 512 MB of address space, and returns the report, whatever the outcome.
pub(super) fn limited(world: &World, env: &[(&str, &str)], words: &str) -> Value {
    limited_as(world, &world.sandbox.git.url("infra-repo"), env, words)
}

/// The same with another address of the infra-repo.
pub(super) fn limited_at(world: &World, url: &str, words: &str) -> Value {
    limited_as(world, url, &[], words)
}

fn limited_as(world: &World, url: &str, env: &[(&str, &str)], words: &str) -> Value {
    let out = Command::new("sh")
        .args(["-c", "ulimit -v 524288; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_promote"))
        .args(words.split(' '))
        .args(["--output", "json", "--infra-repo", url])
        .env_clear()
        .env("HOME", world.folder.path())
        .env("PROMOTE_TOKEN", world.sandbox.git_token())
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    let report: Value =
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {:?}\n{stderr}", out.status));
    assert_eq!(
        out.status.code(),
        report["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok())
    );
    assert!(!report["reason"].as_str().unwrap().is_empty(), "{report:#}\n{stderr}");
    report
}

/// Plans, and returns the report: no usable answer, or a repository in which nothing is.
fn plan(world: &World) -> Value {
    let report = limited(world, &[], "plan --app api --environment dev --tag abc1234");
    assert!(matches!(report["exit_code"].as_u64(), Some(2 | 4)), "{report:#}");
    report
}

const LISTED: &str = "application/x-git-upload-pack-result";
const ADVERTISED: &str = "application/x-git-upload-pack-advertisement";

#[test]
fn references_without_number_end_in_words() {
    for (size, part) in [(15 * MIB, "infra-repo"), (20 * MIB, "sends more than 16 MiB")] {
        let world = World::new();
        let mut body = Vec::with_capacity(size + 64);
        while body.len() < size {
            packet(&mut body, format!("{} x\n", "a".repeat(40)).as_bytes());
        }
        body.extend_from_slice(b"0000");
        world.sandbox.git.answer(canned("git-upload-pack", 99, LISTED, body));
        let report = plan(&world);
        assert!(report["reason"].as_str().unwrap().contains(part), "{report:#}");
    }
}

#[test]
fn an_advertisement_without_end_ends_in_words() {
    let world = World::new();
    let refused = Canned {
        status: 418,
        ..canned("git-upload-pack?no", 1, "text/plain", Vec::new())
    };
    let mut body = Vec::new();
    packet(&mut body, b"# service=git-upload-pack\n");
    body.extend_from_slice(b"0000");
    packet(
        &mut body,
        format!("{} HEAD\0side-band-64k\n", "a".repeat(40)).as_bytes(),
    );
    while body.len() < 31 * MIB {
        packet(&mut body, format!("{} x\n", "a".repeat(40)).as_bytes());
    }
    body.extend_from_slice(b"0000");
    world.sandbox.git.answer(canned("info/refs", 99, ADVERTISED, body));
    world.sandbox.git.answer(Canned {
        path: "infra-repo.git/git-upload-pack".to_owned(),
        times: 99,
        ..refused
    });
    plan(&world);
}

#[test]
fn very_many_objects_and_what_inflates_without_end_end_in_words() {
    let deflated = |content: &[u8]| {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(content).unwrap();
        out.finish().unwrap()
    };
    let empty = [&[0x30][..], &deflated(b"")].concat();
    let large = vec![0; 100 * MIB];
    // The size of a blob of 100 MiB, in the encoding of packs.
    let mut bomb = vec![0xb0 | u8::try_from(large.len() & 15).unwrap()];
    let mut rest = large.len() >> 4;
    while rest > 0 {
        let more = if rest > 127 { 0x80 } else { 0 };
        bomb.push(more | u8::try_from(rest & 127).unwrap());
        rest >>= 7;
    }
    bomb.extend(deflated(&large));
    for (count, object) in [(10_000_u32, &empty), (60_000, &empty), (1, &bomb)] {
        let world = World::new();
        let tip = world.sandbox.tip().unwrap();
        let mut listing = Vec::new();
        packet(
            &mut listing,
            format!("{tip} HEAD symref-target:refs/heads/main\n").as_bytes(),
        );
        listing.extend_from_slice(b"0000");
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend_from_slice(&count.to_be_bytes());
        for _ in 0..count {
            pack.extend_from_slice(object);
        }
        pack.extend_from_slice(&[0; 20]);
        let mut body = Vec::new();
        packet(&mut body, b"packfile\n");
        for part in pack.chunks(60_000) {
            packet(&mut body, &[&[1], part].concat());
        }
        body.extend_from_slice(b"0000");
        world.sandbox.git.answer(canned("git-upload-pack", 1, LISTED, listing));
        world.sandbox.git.answer(canned("git-upload-pack", 99, LISTED, body));
        plan(&world);
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_beyond_the_bound() {
    let world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/infra-repo.git", silent.local_addr().unwrap());
    let begun = Instant::now();
    let words = "--app api --environment dev --tag abc1234 --landing-timeout 2s --output json --infra-repo";
    let args: Vec<&str> = words.split(' ').chain([url.as_str()]).collect();
    let report = start(world.folder.path(), &[], &args).wait().ends("unreachable", 4);
    assert!(begun.elapsed() < Duration::from_secs(17), "{report:#}");
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("`landing-timeout`") && reason.contains("nothing was written"),
        "{reason}"
    );
}

/// Runs against Argo CD with `body` as the answer to requests that contain `part`, as many as come.
fn with_argocd(part: &str, kind: &str, body: String, words: &str) -> Value {
    let world = World::new();
    world.sandbox.argocd.answer(Answer {
        part: part.to_owned(),
        times: 99,
        status: 200,
        content_type: kind.to_owned(),
        body,
    });
    let token = world.sandbox.argocd.token("ci");
    let env = [
        ("ARGOCD_SERVER", world.sandbox.argocd.url()),
        ("ARGOCD_AUTH_TOKEN", token.as_str()),
    ];
    limited(&world, &env, words)
}

/// Every kind of list that Argo CD answers with. 60 MiB are an eighth of the address space: no reader takes twelve times the bytes of an
/// answer.
#[test]
fn answers_of_argo_cd_full_of_the_smallest_elements_end_in_words() {
    const PLAN: &str = "plan --app api --environment dev --tag v2";
    const BY_SOURCE: &str = "plan --app api --environment dev --tag v2 --application by-source";
    let json = "application/json";
    let full = |head: &str, element: &str, size: usize, tail: &str| {
        format!(
            "{head}{}{element}{tail}",
            format!("{element},").repeat(size / (element.len() + 1))
        )
    };
    for (part, body, words) in [
        (
            "/applications/api-dev",
            full("{\"status\":{\"resources\":[", "{}", 60 * MIB, "]}}"),
            PLAN,
        ),
        (
            "/applications/api-dev",
            full("{\"metadata\":{\"annotations\":{", "\"\":\"\"", 8 * MIB, "}}}"),
            PLAN,
        ),
        (
            "/api/v1/applications?",
            full("{\"items\":[", "{}", 8 * MIB, "]}"),
            BY_SOURCE,
        ),
        // More than the bound itself.
        ("/session/userinfo", " ".repeat(17 * MIB), PLAN),
        ("/applications/api-dev", " ".repeat(65 * MIB), PLAN),
    ] {
        let report = with_argocd(part, json, body, words);
        assert_eq!(report["exit_code"], 4, "{part}: {report:#}");
    }
    let frame = full(
        "data: {\"result\":{\"application\":{\"status\":{\"resources\":[",
        "{}",
        8 * MIB,
        "]}}}}\n\n",
    );
    let report = with_argocd(
        "/stream/applications",
        "text/event-stream",
        frame,
        "wait --app api --environment dev --settle 0s --timeout 20s",
    );
    assert_eq!(report["outcome"], "live", "{report:#}");
}

/// What is only read where a promotion goes wrong, or where there is a canary: the run ends as it would have.
#[test]
fn objects_trees_and_events_of_a_stream_end_in_words() {
    const FAILS: &str = "--app api --environment dev --tag fail1 --settle 300ms --timeout 30s";
    let json = "application/json";
    let list = |element: &str, size: usize| {
        format!(
            "[{}{element}]",
            format!("{element},").repeat(size / (element.len() + 1))
        )
    };
    for (part, body) in [
        ("/resource-tree", format!("{{\"nodes\":{}}}", list("{}", 20 * MIB))),
        ("/events?", format!("{{\"items\":{}}}", list("{}", 4 * MIB - 99))),
        ("/resource?", format!("{{\"manifest\":{:?}}}", list("{\"\":0}", MIB))),
        ("/resource?", " ".repeat(5 * MIB)),
        ("/logs?", "{}".repeat(2 * MIB - 9)),
    ] {
        let report = with_argocd(part, json, body, FAILS);
        assert_eq!(report["outcome"], "rollout-failed", "{part}: {report:#}");
    }
    // An event that never ends is no event.
    let frame = format!("data: {}", "x".repeat(17 * MIB));
    let report = with_argocd(
        "/stream/applications",
        "text/event-stream",
        frame,
        "wait --app api --environment dev --settle 0s --timeout 20s",
    );
    assert_eq!(report["outcome"], "live", "{report:#}");
}

/// Each template of an analysis names the next one, for ever.
#[test]
fn an_analysis_that_names_templates_without_end_counts_for_nothing() {
    let world = World::new();
    let path = "apps/api/base-rollout/rollout.yaml";
    let rollout = world.sandbox.git.read("infra-repo", path).unwrap();
    assert!(rollout.contains("templateName"), "{rollout}");
    let address = world.sandbox.argocd.url().trim_start_matches("http://");
    let front = Front::before(address.parse().unwrap()).unwrap();
    front.on(
        "kind=AnalysisTemplate",
        Manner::Makes(|asked| {
            let (_, name) = asked.split_once("resourceName=").unwrap();
            let name = name.split(['&', ' ']).next().unwrap();
            let object = serde_json::json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
                "metadata": {"name": name}, "spec": {"templates": [{"templateName": format!("{name}x")}]}});
            serde_json::json!({"manifest": object.to_string()}).to_string()
        }),
    );
    let token = world.sandbox.argocd.token("ci");
    let env = [("ARGOCD_SERVER", front.url()), ("ARGOCD_AUTH_TOKEN", token)];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let words = "--app api --environment production --tag abc1234 --timeout 3s --on-pause succeed";
    let report = limited(&world, &env, words);
    assert_ne!(report["outcome"], "bug", "{report:#}");
    let asked = front.met().len();
    assert!((2..=64 * 3).contains(&asked), "{asked}: {report:#}");
}

/// A host that asks for patience, before and after the commit: the run ends within its bound and 15 s.
#[test]
fn a_retry_after_is_obeyed_within_the_bound_only() {
    let world = World::new();
    let busy = |part: &str| world.sandbox.argocd.busy(part, 99, 503, 60);
    busy("/applications/api-dev");
    let begun = Instant::now();
    let report = world
        .live("--app api --environment dev --tag v2 --landing-timeout 2s")
        .ends("unreachable", 4);
    assert!(begun.elapsed() < Duration::from_secs(17), "{report:#}");
    assert_eq!(report["changed"], Value::Null, "{report:#}");

    let world = World::new();
    let headers = vec![("retry-after".to_owned(), "60".to_owned())];
    world.sandbox.git.answer(Canned {
        status: 503,
        headers,
        ..canned("git-upload-pack", 99, "text/plain", Vec::new())
    });
    let begun = Instant::now();
    let report = world
        .live("--app api --environment dev --tag v2 --landing-timeout 2s")
        .ends("unreachable", 4);
    assert!(begun.elapsed() < Duration::from_secs(17), "{report:#}");
}

/// A git host that drips: every command ends within its bound and 15 s.
#[test]
fn a_git_host_that_drips_holds_no_command_longer_than_its_bound() {
    for (words, bound) in [
        (
            "hold --app api --environment dev --tag v9 --reason x --landing-timeout 3s",
            3,
        ),
        ("release --app api --environment dev --tag v9 --landing-timeout 3s", 3),
        ("wait --app api --environment dev --timeout 5s", 5),
        ("resume --app api --environment production --timeout 5s", 5),
    ] {
        let world = World::new();
        let url = world.sandbox.infra_repo();
        let address = url.trim_start_matches("http://").split('/').next().unwrap();
        let front = Front::before(address.parse().unwrap()).unwrap();
        front.after(
            1,
            "/git-upload-pack HTTP",
            Manner::Drips("application/x-git-upload-pack-result"),
        );
        let url = url.replacen(address, &front.address().to_string(), 1);
        let begun = Instant::now();
        let ran = if words.starts_with("hold") || words.starts_with("release") {
            let args: Vec<&str> = words
                .split(' ')
                .chain(["--infra-repo", &url, "--output", "json"])
                .collect();
            let env = [("PROMOTE_TOKEN", world.sandbox.git_token())];
            start(world.folder.path(), &env, &args).wait()
        } else {
            world.live_at(&url, words)
        };
        let report = ran.ends("unreachable", 4);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(bound + 15), "{words}: {took:?} {report:#}");
        assert!(
            report["reason"].as_str().unwrap().contains("timeout`"),
            "{words}: {report:#}"
        );
    }
}
