//! The reusable workflow: the check that stands before the token, run by the shell that runs it on a runner.

use std::path::Path;
use std::process::Command;

fn steps(file: &str) -> Vec<serde_yaml::Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(".github/workflows")
        .join(file);
    let workflow: serde_yaml::Value = serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    workflow["jobs"]["promote"]["steps"].as_sequence().unwrap().clone()
}

/// Runs the first step, and returns whether it passed and what it wrote.
fn checked(script: &str, values: [(&str, &str); 4]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    std::fs::write(&output, "").unwrap();
    let ran = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .envs(values)
        .env("GITHUB_OUTPUT", &output)
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    (ran.status.success(), said + &std::fs::read_to_string(output).unwrap())
}

#[test]
fn the_reusable_workflow_takes_exactly_one_environment() {
    for file in ["promote.yml", "promote-enterprise-server.yml", "rollback.yml"] {
        let steps = steps(file);
        let names: Vec<&str> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
        assert_eq!(names[0], "Check the names", "before a token exists");
        let script = steps[0]["run"].as_str().unwrap();
        let run = |app, environment, repo, client| {
            let values = [
                ("APP", app),
                ("ENVIRONMENT", environment),
                ("INFRA_REPO", repo),
                ("CLIENT_ID", client),
            ];
            checked(script, values)
        };
        let (passed, said) = run("api", "production", "o/infra-repo", "Iv1");
        assert!(passed && said == "owner=o\nname=infra-repo\n", "{said}");
        assert!(run("api,web", "dev", "git@host:o/r.git", "").0);
        for environment in [
            "production,",
            ",production",
            " production",
            "production ",
            "dev,production",
            "dev\nproduction",
            "production\n",
            "",
            "-x",
            "a/b",
            "..",
            "$(id)",
            "\u{ff50}roduction",
        ] {
            let (passed, said) = run("api", environment, "o/r", "Iv1");
            assert!(!passed && !said.contains("owner="), "{environment:?}");
            assert!(
                environment.trim().is_empty() || !said.contains(environment),
                "{environment:?} is echoed: {said}"
            );
        }
        for app in ["", "api,", ",api", "api\nweb", "a b", "../x"] {
            assert!(!run(app, "dev", "o/r", "Iv1").0, "{app:?}");
        }
        for repo in [
            "o",
            "o/r/x",
            "../r",
            "o/..",
            "o/r\nowner=evil",
            "https://github.com/o/r",
            "o/.git",
        ] {
            assert!(!run("api", "dev", repo, "Iv1").0, "{repo:?}");
        }
    }
}

#[test]
fn the_reusable_workflow_passes_on_every_input_and_every_output() {
    let action: serde_yaml::Value = serde_yaml::from_str(
        &std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap(),
    )
    .unwrap();
    for file in ["promote.yml", "promote-enterprise-server.yml"] {
        let steps = steps(file);
        let with = steps.last().unwrap()["with"].as_mapping().unwrap();
        // The job has an environment, and GitHub makes the deployment of the job.
        for name in action["inputs"]
            .as_mapping()
            .unwrap()
            .keys()
            .filter(|name| *name != "deployment")
        {
            assert!(with.contains_key(name), "{file} does not pass on {name:?}");
        }
    }
}

/// Whoever can push a branch can neither push an image nor attest one, and the documented check accepts no other workflow or branch.
#[test]
fn what_a_release_attests_comes_from_its_workflow_on_main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let workflow: serde_yaml::Value = serde_yaml::from_str(&read(".github/workflows/release.yml")).unwrap();
    let mut writing = 0;
    for (name, job) in workflow["jobs"].as_mapping().unwrap() {
        let rights = job["permissions"].as_mapping().unwrap();
        if rights.values().any(|right| right.as_str() == Some("write")) {
            assert_eq!(job["environment"].as_str(), Some("release"), "{name:?}");
            writing += 1;
        }
    }
    assert!(writing >= 3, "{writing}");
    for page in ["docs/install.md", "docs/releasing.md"] {
        let text = read(page);
        for command in text.split("gh attestation verify ").skip(1) {
            let lines: Vec<&str> = command.lines().take(2).collect();
            let command = lines.concat();
            assert!(
                command.contains("--signer-workflow org/promote-action/.github/workflows/release.yml"),
                "{page}: {command}"
            );
            assert!(command.contains("--source-ref refs/heads/main"), "{page}: {command}");
        }
    }
}

/// Whether a job checks the names before everything else, or runs only after one that does.
fn is_checked(jobs: &serde_yaml::Value, name: &str) -> bool {
    let job = &jobs[name];
    if job["steps"][0]["name"].as_str() == Some("Check the names") {
        return true;
    }
    let needs = match &job["needs"] {
        serde_yaml::Value::String(one) => vec![one.as_str()],
        many => many
            .as_sequence()
            .into_iter()
            .flatten()
            .filter_map(serde_yaml::Value::as_str)
            .collect(),
    };
    needs.into_iter().any(|before| is_checked(jobs, before))
}

/// GitHub makes an environment without rules of any name that it does not know, and promote reads a list of names in a comma.
#[test]
fn every_workflow_with_a_free_environment_checks_the_names_first() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked_jobs = Vec::new();
    for folder in ["examples/workflows", ".github/workflows"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let workflow: serde_yaml::Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let jobs = &workflow["jobs"];
            for (name, job) in jobs.as_mapping().unwrap() {
                let name = name.as_str().unwrap();
                let environment = &job["environment"];
                let environment = environment
                    .as_str()
                    .or_else(|| environment["name"].as_str())
                    .unwrap_or_default();
                if !environment.contains("inputs.") {
                    continue;
                }
                assert!(
                    is_checked(jobs, name),
                    "{}: {name} does not check `{environment}`",
                    path.display()
                );
                checked_jobs.push(name.to_owned());
                let Some(script) = job["steps"][0]["run"]
                    .as_str()
                    .filter(|script| script.contains("wrong()"))
                else {
                    continue;
                };
                for (app, environment, passes) in [
                    ("api", "production", true),
                    ("api, web", "dev", true),
                    ("api", "production,", false),
                    ("api", "dev\nproduction", false),
                    ("api\nweb", "production", false),
                    ("", "production", false),
                ] {
                    let values = [
                        ("APP", app),
                        ("ENVIRONMENT", environment),
                        ("INFRA_REPO", "o/r"),
                        ("CLIENT_ID", ""),
                    ];
                    assert_eq!(
                        checked(script, values).0,
                        passes,
                        "{}: {app:?} {environment:?}",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(checked_jobs.len() >= 7, "{checked_jobs:?}");
}
