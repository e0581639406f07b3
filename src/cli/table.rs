//! Every input of the binary, joined from the rooms that declare them. A new input is a declaration there and, for a new room, a line here.

use super::inputs::{COMMAND, OUTPUT};
use crate::inputs::InputSpec;
use crate::{delivery, githost, infrarepo, metrics, plan, promote, registry};

/// Inputs that belong together, for the help text and the reference page.
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// The inputs, in the order in which people meet them.
    pub specs: &'static [InputSpec],
}

/// Every group.
pub static GROUPS: [Group; 11] = [
    Group {
        title: "Apps, environments and images",
        specs: &plan::inputs::REQUEST,
    },
    Group {
        title: "The infra-repo",
        specs: &infrarepo::inputs::ALL,
    },
    Group {
        title: "The pull request",
        specs: &githost::inputs::ALL,
    },
    Group {
        title: "Approvals",
        specs: &githost::inputs::APPROVALS,
    },
    Group {
        title: "The source repository",
        specs: &githost::inputs::SHOWN,
    },
    Group {
        title: "Argo CD",
        specs: &delivery::inputs::ALL,
    },
    Group {
        title: "The registry",
        specs: &registry::inputs::ALL,
    },
    Group {
        title: "Metrics",
        specs: &metrics::inputs::ALL,
    },
    Group {
        title: "How the applications are followed",
        specs: plan::policy::INPUTS,
    },
    Group {
        title: "The run",
        specs: &promote::inputs::ALL,
    },
    Group {
        title: "What comes out",
        specs: &[OUTPUT, COMMAND],
    },
];

/// Returns every input.
pub fn all() -> impl Iterator<Item = &'static InputSpec> {
    GROUPS.iter().flat_map(|group| group.specs)
}

/// Returns the input of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static InputSpec> {
    all().find(|spec| spec.name == name)
}
