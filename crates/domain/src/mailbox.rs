//! Mailboxes: the unit of ownership, sending and watching.
//!
//! The state machine is small: a mailbox works, or it needs attention for a stated reason, or someone paused it.
//! Credentials are not here; they are sealed in storage and opened only where a connection is made.

use crate::{MailboxId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// How a mailbox is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// IMAP and SMTP with a password.
    ImapSmtp,
    /// Gmail with OAuth 2.0.
    Google,
    /// Microsoft 365 with OAuth 2.0.
    Microsoft,
    /// A local Maildir pair; nothing leaves the machine.
    Sandbox,
}

impl Provider {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImapSmtp => "imap_smtp",
            Self::Google => "google",
            Self::Microsoft => "microsoft",
            Self::Sandbox => "sandbox",
        }
    }

    /// Reads [`Provider::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ImapSmtp, Self::Google, Self::Microsoft, Self::Sandbox].into_iter().find(|p| p.as_str() == text)
    }
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, required.
    Starttls,
    /// None; only towards loopback addresses.
    None,
}

impl Security {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Starttls => "starttls",
            Self::None => "none",
        }
    }

    /// Reads [`Security::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Tls, Self::Starttls, Self::None].into_iter().find(|s| s.as_str() == text)
    }
}

/// One direction of a mailbox, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS, STARTTLS or none.
    pub security: Security,
    /// User name.
    pub username: String,
}

/// Whether a mailbox works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum MailboxState {
    /// It works.
    Connected,
    /// Someone paused it.
    Paused,
    /// It cannot be reached since then: wait, after an hour its enrollments are blocked.
    Unreachable {
        /// Since when.
        since: Timestamp,
        /// What happened and the cure.
        message: String,
    },
    /// The password or consent was refused.
    AuthFailed {
        /// Since when.
        since: Timestamp,
        /// What happened and the cure.
        message: String,
    },
    /// Another setting or a policy of the provider keeps it from sending.
    Misconfigured {
        /// Since when.
        since: Timestamp,
        /// What happened and the cure.
        message: String,
    },
}

impl MailboxState {
    /// As in the database and the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Paused => "paused",
            Self::Unreachable { .. } => "unreachable",
            Self::AuthFailed { .. } => "auth_failed",
            Self::Misconfigured { .. } => "misconfigured",
        }
    }

    /// The user must do something.
    pub const fn needs_attention(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::AuthFailed { .. } | Self::Misconfigured { .. })
    }

    /// What happened and the cure, when it needs attention.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Unreachable { message, .. }
            | Self::AuthFailed { message, .. }
            | Self::Misconfigured { message, .. } => Some(message),
            Self::Connected | Self::Paused => None,
        }
    }
}

/// Days on which nothing is sent from a mailbox, local dates in its zone, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// First day.
    pub from: jiff::civil::Date,
    /// Last day.
    pub to: jiff::civil::Date,
}

/// Fewer emails at first, more each day, until the daily quota is reached: a new address earns trust slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RampUp {
    /// Most hand-overs on the first day.
    pub first_day_quota: u32,
    /// How many more each day after.
    pub daily_increase: u32,
    /// The first day, a local date in the mailbox's zone.
    pub started_on: jiff::civil::Date,
}

impl RampUp {
    /// Most hand-overs on the first day, where nothing else is said.
    pub const FIRST_DAY_QUOTA: u32 = 20;
    /// How many more each day, where nothing else is said.
    pub const DAILY_INCREASE: u32 = 10;

    /// Most hand-overs on this day, whatever the daily quota; before the first day as on the first.
    pub fn quota_on(&self, day: jiff::civil::Date) -> u32 {
        let days = day.since(self.started_on).map_or(0, |span| span.get_days().max(0).unsigned_abs());
        self.first_day_quota.saturating_add(self.daily_increase.saturating_mul(days))
    }

    /// The first day on which so many may leave; `None` if the number never rises that far.
    pub fn reaches(&self, quota: u32) -> Option<jiff::civil::Date> {
        let missing = quota.saturating_sub(self.first_day_quota);
        if missing > 0 && self.daily_increase == 0 {
            return None;
        }
        let days = missing.div_ceil(self.daily_increase.max(1));
        self.started_on.checked_add(jiff::Span::new().try_days(i64::from(days)).ok()?).ok()
    }
}

/// A mailbox, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Its id.
    pub id: MailboxId,
    /// Whose it is.
    pub user_id: UserId,
    /// Its address.
    pub address: String,
    /// The name mail comes from.
    pub from_name: String,
    /// How it is reached.
    pub provider: Provider,
    /// Submission; `None` for a sandbox.
    pub smtp: Option<Endpoint>,
    /// Reading; `None` for a sandbox.
    pub imap: Option<Endpoint>,
    /// Further addresses that count as ours.
    pub aliases: Vec<String>,
    /// Signature for `sender.signature`.
    pub signature_html: String,
    /// IANA zone of its quota days.
    pub time_zone: String,
    /// Most hand-overs per calendar day.
    pub daily_quota: u32,
    /// Fewer at first, if it is warming up.
    pub ramp_up: Option<RampUp>,
    /// Least seconds between two emails.
    pub min_gap_seconds: u32,
    /// At most so many per cent of the gap are added to it by chance.
    pub jitter_percent: u32,
    /// Away dates.
    pub away: Vec<Away>,
    /// Folders that are read besides the usual ones, as the server writes them.
    pub watched_folders: Vec<String>,
    /// Emails of its user leave from here where nothing else is said.
    pub is_default: bool,
    /// Whether it works.
    pub state: MailboxState,
    /// Raised by every pause and disconnection; the point of no return compares it.
    pub revision: i64,
    /// Last proof of freshness of its inbox, by the business clock.
    pub proved_at: Option<Timestamp>,
    /// Last email handed over.
    pub last_sent_at: Option<Timestamp>,
    /// When it was connected; reading starts there.
    pub created_at: Timestamp,
}

impl Mailbox {
    /// The zone of its quota days, UTC if it has none that exists.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        crate::time::zone(&self.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// Most hand-overs on this day of its zone.
    pub fn quota_on(&self, day: jiff::civil::Date) -> u32 {
        self.ramp_up.map_or(self.daily_quota, |ramp_up| ramp_up.quota_on(day).min(self.daily_quota))
    }

    /// It warms up: on this day fewer may leave than its daily quota.
    pub fn is_ramping_up(&self, day: jiff::civil::Date) -> bool {
        self.quota_on(day) < self.daily_quota
    }

    /// The domain its Message-IDs are made at.
    pub fn domain(&self) -> String {
        crate::person::email_domain(&self.address).unwrap_or_else(|| "localhost".to_owned())
    }

    /// The end of the away dates that `at` falls into: the first instant of the day after; `None` if it is not away.
    pub fn away_until(&self, at: Timestamp) -> Option<Timestamp> {
        if self.away.is_empty() {
            return None;
        }
        let zone = self.zone();
        let day = at.zoned(&zone).date();
        let away = self.away.iter().filter(|away| (away.from..=away.to).contains(&day)).max_by_key(|away| away.to)?;
        crate::time::start_of_day(away.to.tomorrow().ok()?, &zone)
    }

    /// Keys of every address that is ours.
    pub fn address_keys(&self) -> Vec<String> {
        std::iter::once(&self.address).chain(&self.aliases).filter_map(|a| crate::person::email_key(a)).collect()
    }
}

/// Most per cent of the gap that chance adds to it, where nothing else is said.
pub const JITTER_PERCENT: u32 = 50;

/// Oldest proof of freshness a follow-up may leave with: 45 s in milliseconds.
pub const PROOF_VALID_MS: i64 = 45_000;

/// The inbox was proved recently enough for a follow-up to leave.
pub fn proof_is_fresh(mailbox: &Mailbox, now: Timestamp) -> bool {
    mailbox.proved_at.is_some_and(|proved| now.since(proved) <= PROOF_VALID_MS)
}
