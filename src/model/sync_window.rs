//! Sync windows: when an application may, or may not, be synced.

/// Whether a window opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// Syncs are allowed inside.
    Allow,
    /// Syncs are refused inside.
    Deny,
}

/// A window in which an application may, or may not, be synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncWindow {
    /// Which of both.
    pub kind: WindowKind,
    /// When it begins: cron.
    pub schedule: String,
    /// The zone of that schedule; empty = UTC.
    pub time_zone: String,
    /// How long it is, as Argo CD writes it.
    pub duration: String,
    /// Whether manual syncs are exempt.
    pub manual: bool,
}

/// The windows of an application.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncWindows {
    /// Whether a manual sync is possible now.
    pub manual_possible: bool,
    /// Those that are at work now.
    pub active: Vec<SyncWindow>,
    /// All of them.
    pub assigned: Vec<SyncWindow>,
}
