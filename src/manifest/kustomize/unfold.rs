//! Bounds what aliases may unfold to: a short file can stand for billions of nodes.

use crate::ManifestFault;

/// Refuses a file of `written` nodes whose aliases unfold to a multiple of it, `unfolded` nodes, by the rule of go-yaml.
pub(super) fn check_unfolded(written: usize, unfolded: u64) -> Result<(), ManifestFault> {
    let written = u64::try_from(written).unwrap_or(u64::MAX);
    let by_aliases = unfolded.saturating_sub(written);
    let percent = match unfolded {
        0..=400_000 => 99,
        400_001..4_000_000 => 99 - (89 * (unfolded - 400_000) / 3_600_000),
        _ => 10,
    };
    if by_aliases > 100 && unfolded > 1_000 && by_aliases / percent > unfolded / 100 {
        let message = "the aliases expand to too much text (kustomize rejects the file)";
        return Err(ManifestFault::new(message).hint("replace the aliases with their values"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_may_unfold_but_not_explode() {
        assert!(check_unfolded(50, 900).is_ok());
        assert!(check_unfolded(1_000, 50_000).is_ok());
        assert!(check_unfolded(50, 300_000).is_err());
        assert!(check_unfolded(100, u64::MAX).is_err());
    }
}
