//! Kustomization files: the `images` list.

use super::{Edited, Format, ManifestFault, PinEdit};
use crate::model::Pin;

/// The format of `kustomization.yaml`.
#[derive(Clone, Copy, Debug)]
pub struct Kustomize;

impl Format for Kustomize {
    fn file_names(&self) -> &'static [&'static str] {
        &["kustomization.yaml", "kustomization.yml", "Kustomization"]
    }

    fn pins(&self, _text: &[u8]) -> Result<Vec<Pin>, ManifestFault> {
        Err(ManifestFault::new("kustomization files cannot be read yet")
            .at(1)
            .hint("wait for the next build"))
    }

    fn edit(&self, _text: &[u8], _edits: &[PinEdit]) -> Result<Edited, ManifestFault> {
        Err(ManifestFault::new("kustomization files cannot be edited yet"))
    }
}
