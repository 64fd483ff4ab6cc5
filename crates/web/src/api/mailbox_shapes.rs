//! What is said about mailboxes in JSON by those who connect and change them; `mailbox_bodies` has what goes out.

use super::{body::Patch, doc};
use crate::problem::{Problem, Result};
use relance_domain::{
    UserId,
    mailbox::{Away, Endpoint, Mailbox, Provider, RampUp, Security},
};
use relance_engine::commands::mailboxes::{MailboxChange, NewEndpoint, NewMailbox, NewRampUp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One direction of a mailbox, as clients write it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointFields {
    /// Host name.
    host: String,
    /// Port.
    port: u16,
    /// TLS, STARTTLS or none; none only towards loopback addresses.
    #[schema(value_type = doc::Security)]
    security: Security,
    /// User name.
    username: String,
    /// Password or app password; left out in a change = the one that is stored.
    #[serde(default)]
    #[schema(value_type = Option<doc::Password>)]
    password: Option<String>,
}

impl From<EndpointFields> for NewEndpoint {
    fn from(fields: EndpointFields) -> Self {
        let EndpointFields { host, port, security, username, password } = fields;
        let endpoint = Endpoint { host, port, security, username };
        Self { endpoint, password: password.filter(|text| !text.is_empty()).map(SecretString::from) }
    }
}

/// Days on which nothing is sent, both inclusive.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AwayDays {
    /// First day.
    #[schema(value_type = doc::Date)]
    from: jiff::civil::Date,
    /// Last day.
    #[schema(value_type = doc::Date)]
    to: jiff::civil::Date,
}

impl From<Away> for AwayDays {
    fn from(days: Away) -> Self {
        Self { from: days.from, to: days.to }
    }
}

const fn yes() -> bool {
    true
}

fn domain_away(days: Vec<AwayDays>) -> Vec<Away> {
    days.into_iter().map(|days| Away { from: days.from, to: days.to }).collect()
}

/// Fewer emails at first, more each day, until the daily quota.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RampUp)]
pub struct RampUpBody {
    /// Most emails on the first day; 20 if left out.
    #[serde(default = "first_day_quota")]
    #[schema(required = false)]
    first_day_quota: u32,
    /// How many more each day after; 10 if left out.
    #[serde(default = "daily_increase")]
    #[schema(required = false)]
    daily_increase: u32,
    /// The first day, in the mailbox's zone; as it was, or today, if left out.
    #[serde(default)]
    #[schema(value_type = Option<doc::Date>)]
    started_on: Option<jiff::civil::Date>,
}

const fn first_day_quota() -> u32 {
    RampUp::FIRST_DAY_QUOTA
}

const fn daily_increase() -> u32 {
    RampUp::DAILY_INCREASE
}

impl From<RampUpBody> for NewRampUp {
    fn from(RampUpBody { first_day_quota, daily_increase, started_on }: RampUpBody) -> Self {
        Self { first_day_quota, daily_increase, started_on }
    }
}

impl From<RampUp> for RampUpBody {
    fn from(RampUp { first_day_quota, daily_increase, started_on }: RampUp) -> Self {
        Self { first_day_quota, daily_increase, started_on: Some(started_on) }
    }
}

/// A mailbox to connect.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxFields {
    /// Whose it is; left out = yours.
    #[serde(default)]
    #[schema(value_type = Option<doc::UserId>)]
    user_id: Option<UserId>,
    /// Its address.
    address: String,
    /// The name mail comes from; empty = the user's.
    #[serde(default)]
    from_name: String,
    /// How it is reached.
    #[schema(value_type = doc::Provider)]
    provider: Provider,
    /// Submission; not for a sandbox.
    #[serde(default)]
    smtp: Option<EndpointFields>,
    /// Reading; not for a sandbox.
    #[serde(default)]
    imap: Option<EndpointFields>,
    /// Further addresses that count as ours.
    #[serde(default)]
    aliases: Vec<String>,
    /// Signature.
    #[serde(default)]
    signature_html: String,
    /// IANA zone; empty = the user's.
    #[serde(default)]
    time_zone: String,
    /// Most emails a day; 200 if left out.
    #[serde(default)]
    daily_quota: Option<u32>,
    /// Least seconds between two emails; 60 if left out.
    #[serde(default)]
    min_gap_seconds: Option<u32>,
    /// Most per cent of the gap that chance adds to it; 50 if left out.
    #[serde(default)]
    jitter_percent: Option<u32>,
    /// Fewer emails at first; `null` = no.
    #[serde(default)]
    ramp_up: Option<RampUpBody>,
    /// Away dates.
    #[serde(default)]
    away: Vec<AwayDays>,
    /// Folders that are read besides the usual ones, as the server writes them.
    #[serde(default)]
    watched_folders: Vec<String>,
    /// Both directions are tried before it is saved.
    #[serde(default = "yes")]
    check: bool,
}

impl From<MailboxFields> for NewMailbox {
    fn from(fields: MailboxFields) -> Self {
        Self {
            user_id: fields.user_id,
            address: fields.address,
            from_name: fields.from_name,
            provider: fields.provider,
            smtp: fields.smtp.map(NewEndpoint::from),
            imap: fields.imap.map(NewEndpoint::from),
            aliases: fields.aliases,
            signature_html: fields.signature_html,
            time_zone: fields.time_zone,
            daily_quota: fields.daily_quota,
            min_gap_seconds: fields.min_gap_seconds,
            jitter_percent: fields.jitter_percent,
            ramp_up: fields.ramp_up.map(NewRampUp::from),
            watched_folders: fields.watched_folders,
            away: domain_away(fields.away),
            check: fields.check,
        }
    }
}

/// What can be changed of a mailbox; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxPatch {
    /// The name mail comes from.
    from_name: Option<String>,
    /// Submission.
    smtp: Option<EndpointFields>,
    /// Reading.
    imap: Option<EndpointFields>,
    /// Further addresses that count as ours.
    aliases: Option<Vec<String>>,
    /// Signature.
    signature_html: Option<String>,
    /// IANA zone.
    time_zone: Option<String>,
    /// Most emails a day.
    daily_quota: Option<u32>,
    /// Least seconds between two emails.
    min_gap_seconds: Option<u32>,
    /// Most per cent of the gap that chance adds to it.
    jitter_percent: Option<u32>,
    /// Fewer emails at first; `null` = no longer.
    ramp_up: Option<RampUpBody>,
    /// Away dates.
    away: Option<Vec<AwayDays>>,
    /// Folders that are read besides the usual ones, as the server writes them.
    watched_folders: Option<Vec<String>>,
    /// `true`: emails of its user leave from here where nothing else is said.
    is_default: Option<bool>,
    /// Changed servers are tried before they are saved.
    #[serde(default = "yes")]
    check: bool,
}

/// A stored direction that a patch of some of its fields is merged into.
#[derive(Serialize, Deserialize)]
struct StoredDirections {
    smtp: Option<Endpoint>,
    imap: Option<Endpoint>,
}

/// The change a patch asks for: directions are merged into what is stored.
pub fn change(patch: &Patch, stored: &Mailbox) -> Result<MailboxChange> {
    for field in ["user_id", "address", "provider"] {
        if patch.has(field) {
            let message = "This cannot be changed. Connect another mailbox instead.";
            return Err(Problem::at(field, "read_only", message));
        }
    }
    let directions = StoredDirections { smtp: stored.smtp.clone(), imap: stored.imap.clone() };
    let asked: MailboxPatch = patch.completed(&directions, &["smtp", "imap"])?;
    let emptied = |field: &str| patch.is_null(field);
    Ok(MailboxChange {
        from_name: asked.from_name.or_else(|| emptied("from_name").then(String::new)),
        smtp: asked.smtp.map(NewEndpoint::from),
        imap: asked.imap.map(NewEndpoint::from),
        aliases: asked.aliases.or_else(|| emptied("aliases").then(Vec::new)),
        signature_html: asked.signature_html.or_else(|| emptied("signature_html").then(String::new)),
        time_zone: asked.time_zone.or_else(|| emptied("time_zone").then(String::new)),
        daily_quota: asked.daily_quota,
        min_gap_seconds: asked.min_gap_seconds,
        jitter_percent: asked.jitter_percent,
        ramp_up: asked.ramp_up.map(|new| Some(new.into())).or_else(|| emptied("ramp_up").then_some(None)),
        watched_folders: asked.watched_folders.or_else(|| emptied("watched_folders").then(Vec::new)),
        is_default: asked.is_default,
        away: asked.away.or_else(|| emptied("away").then(Vec::new)).map(domain_away),
        check: asked.check,
    })
}
