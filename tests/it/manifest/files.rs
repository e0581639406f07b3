//! `set-image` on disk: which file, how it is replaced, and that a failure leaves it alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use promote_action::set_image;
use tempfile::TempDir;

const OLD: &str = "images:\n- name: app\n  newTag: v1 # now\n";
const NEW: &str = "images:\n- name: app\n  newTag: v2 # now\n";

fn run(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let done = set_image::run(dir, &arguments).map(|done| [done.words, done.warnings].concat().join("\n") + "\n");
    done.map_err(|fault| {
        assert_eq!(fault.outcome.exit_code(), 2);
        format!("{fault}; {}", fault.hints.join("; "))
    })
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn each_of_the_three_names_is_found_and_the_change_is_told_with_its_line() {
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        let dir = folder(&[(name, OLD)]);
        let told = run(dir.path(), &["app:v2"]).unwrap();
        assert_eq!(told, format!("{name}:3: app:v1 -> app:v2\n"));
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), NEW);
        assert_eq!(names(dir.path()), [name]);
    }
}

#[test]
fn no_file_several_files_and_a_folder_of_that_name_are_told_apart() {
    let none = folder(&[("Kustomization.yaml", OLD)]);
    assert!(
        run(none.path(), &["app:v2"])
            .unwrap_err()
            .contains("there is no kustomization file")
    );
    let two = folder(&[("kustomization.yaml", OLD), ("Kustomization", OLD)]);
    assert!(
        run(two.path(), &["app:v2"])
            .unwrap_err()
            .contains("kustomization.yaml, Kustomization")
    );
    let dir = folder(&[]);
    fs::create_dir(dir.path().join("kustomization.yaml")).unwrap();
    assert!(run(dir.path(), &["app:v2"]).unwrap_err().contains("is not a file"));
    let missing = dir.path().join("nowhere");
    assert!(
        run(&missing, &["app:v2"])
            .unwrap_err()
            .contains("there is no kustomization file")
    );
}

#[test]
fn mode_and_owner_stay_and_nothing_else_is_left() {
    let dir = folder(&[("kustomization.yaml", OLD)]);
    let path = dir.path().join("kustomization.yaml");
    for mode in [0o640, 0o755, 0o600, 0o444] {
        fs::write(&path, OLD).ok();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let before = fs::metadata(&path).unwrap();
        // Only root may give a file away; elsewhere the owner is ours before and after.
        let _ = std::os::unix::fs::chown(&path, Some(12), Some(34));
        let owner = fs::metadata(&path).map(|now| (now.uid(), now.gid())).unwrap();
        run(dir.path(), &["app:v2"]).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!(after.mode(), before.mode());
        assert_eq!((after.uid(), after.gid()), owner);
        assert_eq!(names(dir.path()), ["kustomization.yaml"]);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_run_without_effect_does_not_touch_the_file() {
    let dir = folder(&[("kustomization.yaml", OLD)]);
    let path = dir.path().join("kustomization.yaml");
    let before = fs::metadata(&path).unwrap();
    assert_eq!(run(dir.path(), &["app:v1"]).unwrap(), "kustomization.yaml: unchanged\n");
    let after = fs::metadata(&path).unwrap();
    assert_eq!((after.ino(), after.mtime_nsec()), (before.ino(), before.mtime_nsec()));
}

#[test]
fn a_link_inside_the_folder_is_followed_and_one_that_leaves_it_is_refused() {
    let dir = folder(&[("real.yaml", OLD)]);
    symlink("real.yaml", dir.path().join("kustomization.yaml")).unwrap();
    run(dir.path(), &["app:v2"]).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("real.yaml")).unwrap(), NEW);
    assert!(
        fs::symlink_metadata(dir.path().join("kustomization.yaml"))
            .unwrap()
            .is_symlink()
    );

    let outside = folder(&[("secret.yaml", OLD)]);
    let dir = folder(&[]);
    symlink(
        outside.path().join("secret.yaml"),
        dir.path().join("kustomization.yaml"),
    )
    .unwrap();
    assert!(
        run(dir.path(), &["app:v2"])
            .unwrap_err()
            .contains("outside of the folder")
    );
    assert_eq!(fs::read_to_string(outside.path().join("secret.yaml")).unwrap(), OLD);
}

#[test]
fn a_file_that_cannot_be_written_stays_as_it_was() {
    let dir = folder(&[("kustomization.yaml", OLD)]);
    fs::set_permissions(dir.path(), Permissions::from_mode(0o555)).unwrap();
    let ran = run(dir.path(), &["app:v2"]);
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    // Root writes into any folder.
    let expected = if ran.is_ok() { NEW } else { OLD };
    assert_eq!(
        fs::read_to_string(dir.path().join("kustomization.yaml")).unwrap(),
        expected
    );
    assert_eq!(names(dir.path()), ["kustomization.yaml"]);
    if let Err(told) = ran {
        assert!(told.contains("it is as it was"), "{told}");
    }
}

#[test]
fn a_refused_edit_leaves_the_file_and_says_line_reason_and_way_out() {
    let text = "images:\n- name: app\n  newTag: v1\n- name: db\n  newTag: 1.10\n";
    let dir = folder(&[("kustomization.yaml", text)]);
    let told = run(dir.path(), &["app:v2"]).unwrap_err();
    assert!(
        told.starts_with("kustomization.yaml, line 5: `newTag` must be a text, and it is a number"),
        "{told}"
    );
    assert!(told.contains("`newTag: \"1.10\"`"), "{told}");
    assert_eq!(fs::read_to_string(dir.path().join("kustomization.yaml")).unwrap(), text);
}

#[test]
fn what_kustomize_takes_away_silently_is_told() {
    let text = "images:\n- name: app\n  newName: reg.io/app\n  newTag: v1\n  digest: sha256:0a\n  tagSuffix: -x\n";
    let dir = folder(&[("kustomization.yaml", text)]);
    let told = run(dir.path(), &["app:a+b"]).unwrap();
    for word in [
        "`newName: reg.io/app`",
        "`digest: sha256:0a`",
        "`tagSuffix`",
        "the tag `a+b`",
    ] {
        assert!(told.contains(word), "{word} is missing in {told}");
    }
    let told = run(dir.path(), &["app=*:v3", "app=*:v3"]).unwrap();
    assert!(!told.contains("warning"), "{told}");
}
