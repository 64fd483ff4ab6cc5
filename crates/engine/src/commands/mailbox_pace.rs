//! What follows when a mailbox is to send at another pace: quota, ramp-up, gap, away dates.
//!
//! What was claimed under the old pace does not leave: the mailbox's revision is raised, which the point of no return
//! compares, so that away dates hold from the moment they are acknowledged. What the old pace held is decided anew.

use crate::{Engine, Result};
use jiff::civil::Date;
use relance_domain::{
    Timestamp, audit,
    mailbox::{Mailbox, RampUp},
    quota,
};
use relance_storage::{Tx, enrollment_sets, mailboxes};

/// How a mailbox warms up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRampUp {
    /// Most emails on the first day.
    pub first_day_quota: u32,
    /// How many more each day after.
    pub daily_increase: u32,
    /// The first day; `None` = as it was, or today in the mailbox's zone.
    pub started_on: Option<Date>,
}

impl NewRampUp {
    pub(super) fn of(self, before: Option<RampUp>, mailbox: &Mailbox, now: Timestamp) -> RampUp {
        let Self { first_day_quota, daily_increase, started_on } = self;
        let started_on = started_on.or(before.map(|before| before.started_on));
        let today = || quota::day_of(mailbox, now);
        RampUp { first_day_quota, daily_increase, started_on: started_on.unwrap_or_else(today) }
    }
}

impl Engine {
    /// Raises the revision and releases what the quota held, if the pace differs; whether it does.
    pub(crate) async fn follow_pace(&self, tx: &mut Tx, before: &Mailbox, after: &Mailbox) -> Result<bool> {
        let pace = |mailbox: &Mailbox| {
            let Mailbox { daily_quota, ramp_up, min_gap_seconds, jitter_percent, away, time_zone, .. } = mailbox;
            (*daily_quota, *ramp_up, *min_gap_seconds, *jitter_percent, away.clone(), time_zone.clone())
        };
        if pace(before) == pace(after) {
            return Ok(false);
        }
        mailboxes::raise(tx, after.id).await?;
        enrollment_sets::release_mailbox(tx, after.id, &["quota_reached"], self.now()).await?;
        Ok(true)
    }
}

/// What an edit changed, in words; passwords and signatures are only named.
pub(super) fn changes(before: &Mailbox, after: &Mailbox, touches_servers: bool) -> String {
    let number = |number: u32| number.to_string();
    let days = |mailbox: &Mailbox| -> String {
        mailbox.away.iter().map(|away| format!("{} to {}", away.from, away.to)).collect::<Vec<_>>().join(", ")
    };
    let ramp_up = |mailbox: &Mailbox| match mailbox.ramp_up {
        Some(ramp_up) => format!("{} and {} more a day", ramp_up.first_day_quota, ramp_up.daily_increase),
        None => "off".to_owned(),
    };
    let pairs = [
        ("Emails a day", number(before.daily_quota), number(after.daily_quota)),
        ("Ramp-up", ramp_up(before), ramp_up(after)),
        ("Seconds between two", number(before.min_gap_seconds), number(after.min_gap_seconds)),
        ("Chance adds per cent", number(before.jitter_percent), number(after.jitter_percent)),
        ("Away", days(before), days(after)),
        ("Time zone", before.time_zone.clone(), after.time_zone.clone()),
        ("Name", before.from_name.clone(), after.from_name.clone()),
        ("Other addresses", before.aliases.join(", "), after.aliases.join(", ")),
        ("Folders", before.watched_folders.join(", "), after.watched_folders.join(", ")),
    ];
    let pairs: Vec<(&str, &str, &str)> =
        pairs.iter().map(|(what, before, after)| (*what, before.as_str(), after.as_str())).collect();
    let mut words = audit::changes(&pairs);
    for (changed, what) in
        [(touches_servers, "Servers or password."), (before.signature_html != after.signature_html, "Signature.")]
    {
        if changed {
            words = format!("{words} {what}").trim_start().to_owned();
        }
    }
    words
}
