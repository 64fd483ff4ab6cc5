//! The workspace: what holds for everyone in it.

use crate::{Timestamp, holidays::WorkspaceHolidays, schedule::Schedule, user::Visibility};
use serde::{Deserialize, Serialize};

/// Settings of the whole workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// IANA zone.
    pub time_zone: String,
    /// Schedule of sequences that do not set one.
    pub schedule: Schedule,
    /// Calendars and days that schedules may follow.
    #[serde(default)]
    pub holidays: WorkspaceHolidays,
    /// Postal address for the unsubscribe footer.
    pub postal_address: String,
    /// Which people reps see.
    #[serde(default)]
    pub people_visibility: Visibility,
    /// *Stop all sending* since then.
    pub paused_at: Option<Timestamp>,
    /// Raised by every pause; the point of no return compares it.
    pub revision: i64,
}

impl Workspace {
    /// Its zone, UTC if it has none that exists.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        crate::time::zone(&self.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}
