//! The manual page, made by clap from the declarations of commands, inputs and outcomes.

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::super::flags;
use crate::model::{Command, Outcome};

/// Returns the page.
pub(super) fn page() -> String {
    let mut out = Vec::new();
    // Writing into memory does not fail.
    let _ = write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn write(out: &mut Vec<u8>) -> std::io::Result<()> {
    let man = Man::new(flags::every_flag())
        .title("PROMOTE")
        .date("")
        .source(concat!("promote ", env!("CARGO_PKG_VERSION")));
    man.render_title(out)?;
    man.render_name_section(out)?;
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold("promote"), roman(" [COMMAND] [FLAGS]")]);
    roff.control("br", []);
    roff.text([
        bold("promote set-image"),
        roman(" [--dir DIR] -- NAME[=NEW_NAME][:TAG][@DIGEST]..."),
    ]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(
        "Changes the pin of an image in an overlay, pushes exactly one commit, and waits until Argo CD has made exactly that commit live and \
         healthy. Where no flag is given, an environment variable decides (PROMOTE_INFRA_REPO is --infra-repo), then promote.yaml at the root of the infra-repo, then the \
         default. Repeat the flag of a list, or separate its values by commas. No flag takes the value of a secret: promote reads it \
         from a file (- is stdin) or an environment variable.",
    )]);
    roff.control("SH", ["COMMANDS"]);
    for command in Command::ALL {
        entry(&mut roff, command.name(), command.about());
    }
    entry(&mut roff, "help, version", "print the help of a command, the version");
    entry(
        &mut roff,
        "completions SHELL",
        "print completions: source <(promote completions bash)",
    );
    entry(&mut roff, "man", "print this page: promote man | man -l -");
    roff.to_writer(out)?;
    man.render_options_section(out)?;
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for outcome in &Outcome::ALL {
        let name = format!("{} {}", outcome.exit_code(), outcome.name());
        entry(&mut roff, &name, outcome.meaning());
    }
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for example in [
        "promote --app api --environment dev --tag a3f1c8b --infra-repo myorg/infra-repo",
        "promote plan --app api --environment staging --from dev --infra-repo myorg/infra-repo",
        "promote set-image --dir apps/api/overlays/dev -- myorg/api:a3f1c8b",
    ] {
        roff.text([roman(example)]);
    }
    roff.control("fi", []);
    roff.to_writer(out)
}

fn entry(roff: &mut Roff, name: &str, about: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(about.replace('`', ""))]);
}
