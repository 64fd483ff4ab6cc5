//! What mailboxes look like in JSON. Passwords never go out.

use super::{
    doc,
    mailbox_shapes::{AwayDays, RampUpBody},
};
use relance_domain::{
    MailboxId, Timestamp, UserId,
    mailbox::{Endpoint, Mailbox, Provider, Security},
    mailbox_access::MailboxAccess,
    quota,
};
use relance_engine::commands::mailboxes::MailboxCheck;
use serde::Serialize;
use utoipa::ToSchema;

/// One direction of a mailbox, without its password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Endpoint)]
pub struct EndpointBody {
    /// Host name.
    host: String,
    /// Port.
    port: u16,
    /// TLS, STARTTLS or none.
    #[schema(value_type = doc::Security)]
    security: Security,
    /// User name.
    username: String,
}

impl From<Endpoint> for EndpointBody {
    fn from(endpoint: Endpoint) -> Self {
        let Endpoint { host, port, security, username } = endpoint;
        Self { host, port, security, username }
    }
}

/// A mailbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mailbox)]
pub struct MailboxBody {
    /// Its id.
    #[schema(value_type = doc::MailboxId)]
    pub id: MailboxId,
    /// Whose it is.
    #[schema(value_type = doc::UserId)]
    user_id: UserId,
    /// Its address.
    address: String,
    /// The name mail comes from.
    from_name: String,
    /// How it is reached.
    #[schema(value_type = doc::Provider)]
    provider: Provider,
    /// Submission; `null` for a sandbox, and if it is neither yours nor you are an admin.
    smtp: Option<EndpointBody>,
    /// Reading; `null` for a sandbox, and if it is neither yours nor you are an admin.
    imap: Option<EndpointBody>,
    /// Further addresses that count as ours; `null` if it is neither yours nor you are an admin.
    aliases: Option<Vec<String>>,
    /// Signature; `null` if it is neither yours nor you are an admin.
    signature_html: Option<String>,
    /// IANA zone of its quota days.
    time_zone: String,
    /// Most emails a day.
    daily_quota: u32,
    /// Least seconds between two emails.
    min_gap_seconds: u32,
    /// Most per cent of the gap that chance adds to it.
    jitter_percent: u32,
    /// Fewer emails at first; `null` = no.
    ramp_up: Option<RampUpBody>,
    /// Most emails today: the daily quota, or less while it ramps up.
    quota_today: u32,
    /// Away dates.
    away: Vec<AwayDays>,
    /// Folders that are read besides the usual ones, as the server writes them; `null` if it is neither yours nor you are
    /// an admin.
    watched_folders: Option<Vec<String>>,
    /// It was chosen as the one that emails of its user leave from; without such a choice the oldest is.
    is_default: bool,
    /// `connected`, `paused`, `unreachable`, `auth_failed` or `misconfigured`.
    state: &'static str,
    /// What happened and the cure, when it needs attention.
    state_message: Option<String>,
    /// When its inbox was last read.
    #[schema(value_type = Option<doc::Instant>)]
    last_checked_at: Option<Timestamp>,
    /// When an email last left.
    #[schema(value_type = Option<doc::Instant>)]
    last_sent_at: Option<Timestamp>,
    /// Emails that left today, in its zone.
    sent_today: u32,
    /// When it was connected.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
}

impl MailboxBody {
    /// A mailbox with what it has sent today, as far as one gets into it.
    pub fn of(mailbox: Mailbox, access: MailboxAccess, sent_today: u32, now: Timestamp) -> Self {
        let quota_today = mailbox.quota_on(quota::day_of(&mailbox, now));
        let is_open = access >= MailboxAccess::Settings;
        Self {
            id: mailbox.id,
            user_id: mailbox.user_id,
            address: mailbox.address,
            from_name: mailbox.from_name,
            provider: mailbox.provider,
            smtp: mailbox.smtp.filter(|_| is_open).map(EndpointBody::from),
            imap: mailbox.imap.filter(|_| is_open).map(EndpointBody::from),
            aliases: is_open.then_some(mailbox.aliases),
            signature_html: is_open.then_some(mailbox.signature_html),
            time_zone: mailbox.time_zone,
            daily_quota: mailbox.daily_quota,
            min_gap_seconds: mailbox.min_gap_seconds,
            jitter_percent: mailbox.jitter_percent,
            ramp_up: mailbox.ramp_up.map(RampUpBody::from),
            quota_today,
            watched_folders: is_open.then_some(mailbox.watched_folders),
            is_default: mailbox.is_default,
            away: mailbox.away.into_iter().map(AwayDays::from).collect(),
            state: mailbox.state.as_str(),
            state_message: mailbox.state.message().map(str::to_owned),
            last_checked_at: mailbox.proved_at,
            last_sent_at: mailbox.last_sent_at,
            sent_today,
            created_at: mailbox.created_at,
        }
    }
}

/// The outcome of a check for one direction.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectionBody {
    /// Whether it works.
    ok: bool,
    /// `ok`, or what is wrong, for programs.
    code: String,
    /// What happened and what to do.
    message: String,
}

/// Both directions of a mailbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailboxCheck)]
pub struct CheckBody {
    /// Both work.
    ok: bool,
    /// Sending.
    smtp: DirectionBody,
    /// Receiving.
    imap: DirectionBody,
    /// What a test email to oneself showed about the Sent folder; `null` if none was sent.
    sent_folder: Option<String>,
}

impl From<MailboxCheck> for CheckBody {
    fn from(check: MailboxCheck) -> Self {
        let ok = check.ok();
        let MailboxCheck { smtp, imap, sent_folder } = check;
        Self {
            ok,
            smtp: DirectionBody { ok: smtp.ok, code: smtp.code, message: smtp.sentence },
            imap: DirectionBody { ok: imap.ok, code: imap.code, message: imap.sentence },
            sent_folder,
        }
    }
}
