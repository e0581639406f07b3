//! Every byte outside of the entries stays, whatever the style.

use super::*;

const NEW: &[(&str, &str)] = &[("app", "web"), ("environment", "*"), ("reason", "it's: broken")];

fn appended(text: &str) -> String {
    let new = append(text.as_bytes(), &[NEW.to_vec()]).unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
    let entries = read(&new).unwrap();
    let last = entries.last().unwrap();
    let fields: Vec<(&str, &str)> = (last.fields.iter())
        .map(|(key, value, _)| (key.as_str(), value.as_deref().unwrap()))
        .collect();
    assert_eq!(fields, NEW);
    assert_eq!(entries.len(), read(text.as_bytes()).unwrap().len() + 1);
    // Removing it again gives what was there, or at most a line break or brackets more.
    let back = remove(&new, &[entries.len() - 1])
        .unwrap_or_else(|fault| panic!("{:?}: {fault}", String::from_utf8_lossy(&new)));
    let back = String::from_utf8(back).unwrap();
    let bare = |text: &str| text.replace("[]", "").replace("...", "").trim_end().to_owned();
    assert_eq!(bare(&back), bare(text));
    String::from_utf8(new).unwrap()
}

fn removed(text: &str, numbers: &[usize]) -> String {
    String::from_utf8(remove(text.as_bytes(), numbers).unwrap_or_else(|fault| panic!("{text:?}: {fault}"))).unwrap()
}

#[test]
fn an_entry_is_added_in_the_style_of_the_file() {
    let lines = "- app: web\n  environment: '*'\n  reason: \"it's: broken\"\n";
    for (text, right) in [
        ("", lines.to_owned()),
        ("# none yet\n", format!("# none yet\n{lines}")),
        ("# none yet", format!("# none yet\n{}", lines.trim_end())),
        ("---\n", format!("---\n{lines}")),
        ("---\n# none\n...\n", format!("---\n# none\n{lines}...\n")),
        ("# x\r\n", format!("# x\r\n{}", lines.replace('\n', "\r\n"))),
        ("\u{feff}# x\n", format!("\u{feff}# x\n{lines}")),
        (
            "# top\n- app: api # beside\n  reason: x\n# below\n",
            format!("# top\n- app: api # beside\n  reason: x\n{lines}# below\n"),
        ),
        (
            "- app: api\n  reason: x\n  # its own\n# below\n",
            format!("- app: api\n  reason: x\n  # its own\n{lines}# below\n"),
        ),
        (
            "  - app: api\n    reason: x",
            "  - app: api\n    reason: x\n  - app: web\n    environment: '*'\n    reason: \"it's: broken\"".to_owned(),
        ),
        (
            "- app: api\r\n",
            format!("- app: api\r\n{}", lines.replace('\n', "\r\n")),
        ),
        (
            "- app: api\n  reason: |\n    long\n    text\n\n# below\n",
            format!("- app: api\n  reason: |\n    long\n    text\n{lines}\n# below\n"),
        ),
        ("-\n  app: api\n", format!("-\n  app: api\n{lines}")),
        ("- app: api\n  image:\n", format!("- app: api\n  image:\n{lines}")),
        (
            "- {app: api, reason: x} # beside\n",
            "- {app: api, reason: x} # beside\n- {app: web, environment: \"*\", reason: \"it's: broken\"}\n".to_owned(),
        ),
        (
            "[]\n",
            "[{app: web, environment: \"*\", reason: \"it's: broken\"}]\n".to_owned(),
        ),
        (
            "[{app: api}] # all\n",
            "[{app: api}, {app: web, environment: \"*\", reason: \"it's: broken\"}] # all\n".to_owned(),
        ),
        (
            "[\n  {app: api}, # one\n]\n",
            "[\n  {app: api}, # one\n  {app: web, environment: \"*\", reason: \"it's: broken\"},\n]\n".to_owned(),
        ),
        (
            "[\n  {\"app\": \"api\"}\n]\n",
            "[\n  {\"app\": \"api\"},\n  {\"app\": \"web\", \"environment\": \"*\", \"reason\": \"it's: broken\"}\n]\n"
                .to_owned(),
        ),
    ] {
        let new = appended(text);
        assert_eq!(new.replace("'*'", "\"*\""), right.replace("'*'", "\"*\""), "{text:?}");
    }
}

#[test]
fn entries_go_with_their_lines_and_nothing_else() {
    let text = "# top\n- app: api # beside\n  reason: x\n# above web\n- app: web\n  reason: |\n    y\n    z\n\n- {app: c}\n# end\n";
    assert_eq!(
        removed(text, &[0]),
        "# top\n# above web\n- app: web\n  reason: |\n    y\n    z\n\n- {app: c}\n# end\n"
    );
    assert_eq!(
        removed(text, &[1]),
        "# top\n- app: api # beside\n  reason: x\n# above web\n\n- {app: c}\n# end\n"
    );
    assert_eq!(removed(text, &[2]), text.replace("- {app: c}\n", ""));
    assert_eq!(removed(text, &[0, 1, 2]), "# top\n# above web\n\n# end\n");
    assert_eq!(removed(text, &[]), text);
    assert_eq!(removed("---\n- app: api\n", &[0]), "---\n[]\n");
    assert_eq!(removed("- app: api\r\n- app: web", &[1]), "- app: api\r\n");
    assert_eq!(removed("- app: api\r\n- app: web", &[0]), "- app: web");
    assert_eq!(removed("- &a {app: api}\n- {app: web}\n", &[0]), "- {app: web}\n");
    for (text, numbers, right) in [
        ("[{app: a}, {app: b}, {app: c}]\n", &[0][..], "[{app: b}, {app: c}]\n"),
        ("[{app: a}, {app: b}, {app: c}]\n", &[1], "[{app: a}, {app: c}]\n"),
        ("[{app: a}, {app: b}, {app: c}]\n", &[2], "[{app: a}, {app: b}]\n"),
        ("[{app: a}, {app: b}, {app: c}]\n", &[1, 2], "[{app: a}]\n"),
        ("[{app: a}, {app: b}]\n", &[0, 1], "[]\n"),
        (
            "[\n  {app: a}, # one\n  {app: b}\n]\n",
            &[1],
            "[\n  {app: a} # one\n]\n",
        ),
        ("[\n  {app: a}, # one\n  {app: b},\n]\n", &[0], "[\n  {app: b},\n]\n"),
    ] {
        assert_eq!(removed(text, numbers), right, "{text:?} {numbers:?}");
    }
}

#[test]
fn what_is_no_list_of_texts_is_named_with_its_line() {
    for (text, line, part) in [
        ("app: api\n", 1, "must be a list"),
        ("# x\n- api\n", 2, "an entry must be a mapping"),
        ("- app: api\n  app: web\n", 2, "already on line 1"),
        ("- app: [a]\n", 1, "must be a text"),
        ("- app: *\n", 1, ""),
        ("- app: api\n---\n- app: web\n", 3, "second document"),
        ("- {{ x }}\n", 1, "unfilled template"),
    ] {
        let fault = read(text.as_bytes()).unwrap_err();
        assert_eq!(fault.line, Some(line), "{text:?}: {fault}");
        assert!(fault.message.contains(part), "{fault}");
    }
    assert_eq!(read(b"").unwrap(), []);
    assert_eq!(read(b"# none\n").unwrap(), []);
    assert_eq!(read(b"~\n").unwrap(), []);
}

#[test]
fn what_others_refer_to_is_not_removed() {
    let text = "- &a {app: api}\n- *a\n";
    assert!(remove(text.as_bytes(), &[0]).is_err());
    assert_eq!(removed(text, &[1]), "- &a {app: api}\n");
}
