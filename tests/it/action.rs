//! The runner contract: the binary as a step of a workflow.

mod foreign;
mod log;
mod runner;

use crate::support::{Step, Stepped, World, ignores_hangup, skipped};
use runner::{commands, lines};

/// A step in which only what the test sets is wrong: it ends before any request, with exit code 2 for a branch that cannot be.
fn step() -> Step {
    Step::new()
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "abc1234")
        .with("infra-repo", "myorg/infra-repo")
        .with("token", "a-token-of-the-job")
        .with("branch", "no branch")
}

fn names(step: &Stepped) -> Vec<String> {
    commands(&step.ran.stdout)
        .into_iter()
        .map(|command| command.name)
        .collect()
}

fn reason(step: &Stepped) -> String {
    let report: serde_json::Value = serde_json::from_str(&step.outputs["report"]).unwrap();
    report["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_step_that_sets_no_more_than_it_must_has_every_default_of_the_action() {
    let world = World::at_speed(200.0);
    let action = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    let action: serde_json::Value = serde_yaml::from_str(&std::fs::read_to_string(action).unwrap()).unwrap();
    let defaults = action["inputs"].as_object().unwrap().iter();
    let defaults: Vec<(&str, &str)> = defaults
        .filter_map(|(name, input)| Some((name.as_str(), input["default"].as_str()?)))
        .filter(|(_, default)| !default.contains("${{"))
        .collect();
    assert!(defaults.contains(&("merge", "none")), "{defaults:?}");
    for (command, outcome) in [("promote", "promoted"), ("rollback", "reverted")] {
        let mut step = Step::new();
        for (name, default) in &defaults {
            step = step.with(name, default);
        }
        let mut step = step
            .with("command", command)
            .with("app", "api")
            .with("environment", "dev")
            .with("settle", "300ms")
            .with("infra-repo", &world.sandbox.infra_repo())
            .with("token", world.sandbox.git_token())
            .with("argocd-server", world.sandbox.argocd.url())
            .with("argocd-token", &world.sandbox.argocd.token("ci"));
        step = match command {
            "promote" => step.with("tag", "abc1234"),
            _ => step.with("to", "4f9d2c1"),
        };
        let done = step.run();
        assert_eq!(done.outputs["outcome"], outcome, "{}", done.ran.stdout);
    }
}

#[test]
fn a_failing_step_has_outputs_a_summary_an_error_and_leaves_no_file() {
    let step = step();
    let done = step.run();
    assert_eq!(done.ran.code, 2);
    let file = std::fs::read_to_string(step.path("output")).unwrap();
    let outputs = runner::outputs(&file).unwrap();
    for spec in promote_action::report::OUTPUTS {
        assert!(outputs.contains_key(spec.name), "{}", spec.name);
    }
    assert_eq!(
        (outputs["outcome"].as_str(), outputs["exit-code"].as_str()),
        ("invalid", "2")
    );
    assert_eq!(
        (outputs["changed"].as_str(), outputs["live"].as_str()),
        ("false", "false")
    );
    assert!(
        done.summary.starts_with("## ❌ ") && done.summary.contains("`invalid`"),
        "{}",
        done.summary
    );
    assert_eq!(names(&done), ["add-mask", "error"]);
    assert_eq!(std::fs::read_dir(step.path("workspace")).unwrap().count(), 0);
    for untouched in ["env", "path", "state"] {
        assert_eq!(
            std::fs::read_to_string(step.path(untouched)).unwrap(),
            "",
            "{untouched}"
        );
    }
}

#[test]
fn every_secret_and_each_of_its_lines_is_masked_before_the_first_other_line() {
    let done = step()
        .with("token", "first-line\nsecond-line")
        .with("github-token", "ghs_abcdef")
        .with("argocd-server", "https://argocd.example.com")
        .with("argocd-token", "argo-secret")
        .with("argocd-headers", "X-Id: one-value\nX-Key: two-value")
        .run();
    let all = commands(&done.ran.stdout);
    let masks: Vec<&str> = all
        .iter()
        .take_while(|command| command.name == "add-mask")
        .map(|command| command.data.as_str())
        .collect();
    for secret in [
        "first-line\nsecond-line",
        "first-line",
        "second-line",
        "ghs_abcdef",
        "argo-secret",
        "one-value",
        "two-value",
    ] {
        assert!(masks.contains(&secret), "{secret:?} in {masks:?}");
    }
    let first_other = lines(&done.ran.stdout)
        .iter()
        .position(|line| !line.starts_with("::add-mask::"));
    assert_eq!(first_other, Some(masks.len()));
}

#[test]
fn hyphens_and_underscores_name_the_same_input() {
    let done = Step::new()
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "abc1234")
        .env("INPUT_INFRA_REPO", "ftp://nowhere")
        .run();
    assert!(
        reason(&done).contains("`infra-repo` \"ftp://nowhere\" (INPUT_INFRA_REPO)"),
        "{}",
        reason(&done)
    );
}

#[test]
fn an_unknown_input_is_an_error_that_offers_the_nearest_name() {
    let done = step()
        .with("enviroment", "")
        .with("args", "x")
        .with("entrypoint", "x")
        .run();
    assert_eq!(done.ran.code, 2);
    assert!(
        reason(&done)
            .contains("`enviroment` (INPUT_ENVIROMENT) is not an input of this version: did you mean `environment`?")
    );
    assert!(!reason(&done).contains("entrypoint"));
}

#[test]
fn an_empty_input_is_unset_and_an_empty_required_one_says_why() {
    let done = step()
        .with("timeout", "")
        .with("token", " ")
        .with("github-token", "")
        .with("environment", "")
        .run();
    let said = reason(&done);
    for name in ["token", "environment"] {
        assert!(
            said.contains(&format!(
                "`{name}` is empty: the secret or variable in `with:` does not exist for this job"
            )),
            "{said}"
        );
    }
    assert!(!said.contains("timeout"), "{said}");
}

#[test]
fn booleans_are_read_as_the_toolkit_reads_them() {
    for (text, right) in [
        ("true", true),
        ("True", true),
        ("TRUE", true),
        (" false\n", true),
        ("False", true),
        ("FALSE", true),
        ("tRUE", false),
        ("yes", false),
        ("on", false),
        ("1", false),
    ] {
        let said = reason(&step().with("dry-run", text).run());
        assert_eq!(said.contains("`dry-run`"), !right, "{text}: {said}");
        if !right {
            assert!(
                said.contains("YAML 1.2 core schema") && said.contains("true | True | TRUE"),
                "{said}"
            );
        }
    }
}

#[test]
fn lists_may_have_lines() {
    let said = reason(&step().with("app", "api\n  web\n,x y\n").run());
    assert!(said.contains("`app` \"x y\"") && !said.contains("\"web\""), "{said}");
}

#[test]
fn only_a_step_reads_its_inputs() {
    let done = step()
        .env("PROMOTE_BRANCH", "main")
        .env("ARGOCD_SERVER", "x")
        .env("GH_TOKEN", "laptop-secret")
        .run();
    assert!(reason(&done).contains("(INPUT_BRANCH)"));
    assert!(!done.ran.stdout.contains("laptop-secret"));
    assert!(!reason(&done).contains("argocd"), "{}", reason(&done));
}

#[test]
fn hostile_values_are_shown_and_not_obeyed() {
    let hostile = "x\n::add-mask::api\n  ::stop-commands::t\r::set-output name=a::b ##[error]y";
    let done = step()
        .with("app", hostile)
        .with("environment", hostile)
        .with("image", hostile)
        .with("message", hostile)
        .with("sync", hostile)
        .with(hostile.lines().next().unwrap(), hostile)
        .run();
    assert_eq!(done.ran.code, 2);
    assert_eq!(names(&done), ["add-mask", "error"]);
    assert!(commands(&done.ran.stderr).is_empty());
    let outside_code: String = done.summary.split('`').step_by(2).collect();
    assert!(!outside_code.contains("<script"));
}

#[test]
fn markup_in_values_is_escaped_in_the_summary() {
    let done = step()
        .with("sync", "<img src=x onerror=y> [a](https://evil.example) | b")
        .run();
    for bad in ["<img", "](https", " | b"] {
        assert!(!done.summary.contains(bad), "{bad} in {}", done.summary);
    }
    assert!(done.summary.contains("&lt;img"), "{}", done.summary);
}

#[test]
fn files_that_cannot_be_written_are_a_warning() {
    for (name, value) in [
        ("GITHUB_OUTPUT", ""),
        ("GITHUB_OUTPUT", "/no/such/folder/x"),
        ("GITHUB_STEP_SUMMARY", ""),
        ("GITHUB_STEP_SUMMARY", "/no/such/folder/x"),
    ] {
        let done = step().env(name, value).run();
        assert_eq!(done.ran.code, 2, "{name}={value}");
        let warnings: Vec<_> = commands(&done.ran.stdout)
            .into_iter()
            .filter(|command| command.name == "warning")
            .collect();
        assert_eq!(warnings.len(), 1, "{name}={value}: {warnings:?}");
        assert!(warnings[0].data.contains(name));
    }
}

#[test]
fn a_path_outside_the_workspace_is_refused_with_the_reason() {
    let said = reason(&step().with("ca-bundle", "/etc/ssl/certs/ca.pem").run());
    assert!(
        said.contains("`ca-bundle`") && said.contains("is outside the workspace"),
        "{said}"
    );
    let said = reason(&step().with("ca-bundle", "certs/none.pem").run());
    assert!(said.contains("cannot be read") && !said.contains("outside"), "{said}");
}

#[test]
fn with_json_stdout_is_one_document_whatever_the_outcome() {
    let done = step().with("output", "json").run();
    let report = done.ran.report();
    assert_eq!(report["outcome"], "invalid");
    assert!(done.ran.stderr.starts_with("::add-mask::"), "{}", done.ran.stderr);
}

#[test]
fn a_step_that_promotes_says_what_it_wrote() {
    let world = World::new();
    let step = world
        .step()
        .with("app", "api")
        .with("environment", "dev")
        .with("image", "myorg/api:abc1234")
        .with("settle", "1s");
    let done = step.run();
    assert_eq!(done.ran.code, 0, "{}", done.ran.stdout);
    let tip = world.sandbox.tip().unwrap();
    for (name, value) in [
        ("outcome", "promoted"),
        ("exit-code", "0"),
        ("changed", "true"),
        ("live", "true"),
        ("commit", tip.trim()),
        ("after", "myorg/api:abc1234"),
        ("tag", "abc1234"),
        ("digest", ""),
        ("applications", "api-dev"),
        ("health", "Healthy"),
        ("sync", "Synced"),
    ] {
        assert_eq!(done.outputs[name], value, "{name}");
    }
    assert!(
        done.summary
            .starts_with("## ✅ api is live in dev <sub>`promoted`</sub>"),
        "{}",
        done.summary
    );
    let names = names(&done);
    assert!(
        !names.contains(&"error".to_owned()) && !names.contains(&"warning".to_owned()),
        "{names:?}"
    );
    assert_eq!(
        names.iter().filter(|name| *name == "group").count(),
        names.iter().filter(|name| *name == "endgroup").count()
    );
    assert_eq!(std::fs::read_dir(step.path("workspace")).unwrap().count(), 0);

    let again = step.run();
    assert_eq!(
        (again.outputs["outcome"].as_str(), again.outputs["changed"].as_str()),
        ("no-change", "false")
    );
    assert_eq!(again.outputs["commit"], tip.trim());
    assert_eq!(
        (again.outputs["tag"].as_str(), again.outputs["live"].as_str()),
        ("abc1234", "true")
    );
}

#[test]
fn the_first_process_of_a_container_obeys_signals_too() {
    let world = World::new();
    for (signal, code, tag) in [(2, 130, "slow0001"), (15, 143, "slow0002")] {
        let step = world
            .step()
            .with("app", "api")
            .with("environment", "dev")
            .with("tag", tag);
        let before = world.commits();
        let Some(running) = step.start_as_first() else {
            return skipped("signals to the first process of a container: there may be no namespace of our own here");
        };
        world.until("the commit", |_| world.commits() > before);
        running.signal_within(signal);
        let sent = std::time::Instant::now();
        let done = step.after(running.wait());
        assert!(sent.elapsed().as_secs_f64() < 5.0);
        assert_eq!(done.ran.code, code, "{}", done.ran.stderr);
        assert_eq!(done.outputs["outcome"], "cancelled");
    }
}

#[test]
fn a_cancelled_step_ends_in_time_with_everything_it_knows() {
    let world = World::new();
    for (signal, code, tag) in [(2, 130, "slow0001"), (15, 143, "slow0002"), (1, 129, "slow0003")] {
        if signal == 1 && ignores_hangup() {
            skipped("the end by SIGHUP: whoever started the tests has them ignore it, as nohup does");
            continue;
        }
        let before = world.commits();
        let step = world
            .step()
            .with("app", "api")
            .with("environment", "dev")
            .with("tag", tag);
        let running = step.start();
        world.until("the commit", |_| world.commits() > before);
        // It is known before the wait, so that a step that is killed has it, too.
        world.until("the output", |_| {
            std::fs::read_to_string(step.path("output"))
                .unwrap()
                .contains("commit<<")
        });
        running.signal(signal);
        let sent = std::time::Instant::now();
        let done = step.after(running.wait());
        // The promise is 2 s on a machine with time for it; this one runs other tests, too.
        assert!(
            sent.elapsed().as_secs_f64() < 5.0,
            "ended after {:?}, and the runner kills the step after 7.5 s",
            sent.elapsed()
        );
        assert_eq!(done.ran.code, code, "{}", done.ran.stdout);
        assert_eq!(done.outputs["outcome"], "cancelled");
        assert_eq!(
            (done.outputs["changed"].as_str(), done.outputs["live"].as_str()),
            ("true", "false")
        );
        assert_eq!(done.outputs["commit"], world.sandbox.tip().unwrap().trim());
        assert!(
            done.summary
                .starts_with("## 🛑 The promotion of api to dev was cancelled"),
            "{}",
            done.summary
        );
    }
}
