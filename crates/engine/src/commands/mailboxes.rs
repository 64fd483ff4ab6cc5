//! Mailboxes: connected, checked, edited. Pausing and disconnecting are in `mailbox_states`.

pub use super::mailbox_pace::NewRampUp;
use super::{
    access,
    audit::Object,
    email_html,
    mailbox_access::{mailbox_with, own_mailbox},
    mailbox_check::{judge, only_with_password},
    mailbox_pace::changes,
};
use crate::{
    Engine, EngineError, Result,
    accounts::{OpenError, Way},
};
use relance_domain::{
    MailboxId, Refused, Timestamp, UserId,
    audit::Act,
    mailbox::{Away, Endpoint, JITTER_PERCENT, Mailbox, MailboxState, Provider},
    mailbox_access::MailboxAccess,
    person::clean_line,
    user::{Actor, User},
};
use relance_mail::check::DirectionCheck;
use relance_storage::{
    StorageError, Tx, enrollment_sets,
    mailboxes::{self, Credentials},
};
use secrecy::SecretString;
use serde::Serialize;

/// What a mailbox that works again releases.
pub(crate) const RELEASED_BY_MAILBOX: [&str; 3] = ["mailbox_disconnected", "auth_failed", "mailbox_settings"];

/// One direction of a mailbox with its password.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Host, port, security, user name.
    pub endpoint: Endpoint,
    /// Password or app password; `None` in an edit = the one that is stored.
    pub password: Option<SecretString>,
}

/// A mailbox to connect.
#[derive(Debug, Clone)]
pub struct NewMailbox {
    /// Whose it is; `None` = the one who asks.
    pub user_id: Option<UserId>,
    /// Its address.
    pub address: String,
    /// The name mail comes from; empty = the user's.
    pub from_name: String,
    /// IMAP + SMTP, or a sandbox.
    pub provider: Provider,
    /// Submission; `None` for a sandbox.
    pub smtp: Option<NewEndpoint>,
    /// Reading; `None` for a sandbox.
    pub imap: Option<NewEndpoint>,
    /// Further addresses that count as ours.
    pub aliases: Vec<String>,
    /// Signature.
    pub signature_html: String,
    /// IANA zone; empty = the user's.
    pub time_zone: String,
    /// Most emails a day; `None` = 200.
    pub daily_quota: Option<u32>,
    /// Least seconds between two emails; `None` = 60.
    pub min_gap_seconds: Option<u32>,
    /// Most per cent of the gap that chance adds to it; `None` = 50.
    pub jitter_percent: Option<u32>,
    /// Fewer emails at first; `None` = no.
    pub ramp_up: Option<NewRampUp>,
    /// Away dates.
    pub away: Vec<Away>,
    /// Folders that are read besides the usual ones, as the server writes them.
    pub watched_folders: Vec<String>,
    /// Both directions are tried before it is saved.
    pub check: bool,
}

/// What to change of a mailbox; `None` = leave as it is.
#[derive(Debug, Clone, Default)]
pub struct MailboxChange {
    /// The name mail comes from.
    pub from_name: Option<String>,
    /// Submission.
    pub smtp: Option<NewEndpoint>,
    /// Reading.
    pub imap: Option<NewEndpoint>,
    /// Further addresses that count as ours.
    pub aliases: Option<Vec<String>>,
    /// Signature.
    pub signature_html: Option<String>,
    /// IANA zone.
    pub time_zone: Option<String>,
    /// Most emails a day.
    pub daily_quota: Option<u32>,
    /// Least seconds between two emails.
    pub min_gap_seconds: Option<u32>,
    /// Most per cent of the gap that chance adds to it.
    pub jitter_percent: Option<u32>,
    /// Fewer emails at first; `Some(None)` = no longer.
    pub ramp_up: Option<Option<NewRampUp>>,
    /// Away dates.
    pub away: Option<Vec<Away>>,
    /// Folders that are read besides the usual ones, as the server writes them.
    pub watched_folders: Option<Vec<String>>,
    /// Emails of its user leave from here where nothing else is said; another is taken by naming that one.
    pub is_default: Option<bool>,
    /// Changed servers are tried before they are saved.
    pub check: bool,
}

/// Both directions of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailboxCheck {
    /// Sending.
    pub smtp: DirectionCheck,
    /// Receiving.
    pub imap: DirectionCheck,
    /// What a test email to oneself showed about the Sent folder, in words; `None` = none was sent.
    pub sent_folder: Option<String>,
}

impl MailboxChange {
    fn put_into(self, mailbox: &mut Mailbox, now: Timestamp) {
        if let Some(smtp) = self.smtp {
            mailbox.smtp = Some(smtp.endpoint);
        }
        if let Some(imap) = self.imap {
            mailbox.imap = Some(imap.endpoint);
        }
        for (field, text) in [(&mut mailbox.from_name, self.from_name), (&mut mailbox.time_zone, self.time_zone)] {
            if let Some(text) = text {
                *field = clean_line(&text);
            }
        }
        if let Some(aliases) = self.aliases {
            mailbox.aliases = aliases.iter().map(|alias| clean_line(alias)).filter(|alias| !alias.is_empty()).collect();
        }
        if let Some(signature) = self.signature_html {
            mailbox.signature_html = email_html::clean_source(&signature);
        }
        mailbox.daily_quota = self.daily_quota.unwrap_or(mailbox.daily_quota);
        mailbox.min_gap_seconds = self.min_gap_seconds.unwrap_or(mailbox.min_gap_seconds);
        mailbox.jitter_percent = self.jitter_percent.unwrap_or(mailbox.jitter_percent);
        mailbox.away = self.away.unwrap_or_else(|| mailbox.away.clone());
        mailbox.watched_folders = self.watched_folders.unwrap_or_else(|| mailbox.watched_folders.clone());
        if let Some(ramp_up) = self.ramp_up {
            mailbox.ramp_up = ramp_up.map(|new| new.of(mailbox.ramp_up, mailbox, now));
        }
    }
}

fn address_taken(error: StorageError) -> EngineError {
    match error {
        StorageError::Conflict(_) => {
            let message = "This mailbox is already connected. Edit it, or disconnect it first.";
            Refused::at("address", "already_connected", message).into()
        }
        error => error.into(),
    }
}

impl NewMailbox {
    pub(crate) fn mailbox(&self, engine: &Engine, owner: &User) -> Mailbox {
        let or = |text: &str, other: &str| if text.trim().is_empty() { other.to_owned() } else { clean_line(text) };
        let mut mailbox = Mailbox {
            id: engine.new_mailbox_id(),
            user_id: owner.id,
            address: clean_line(&self.address),
            from_name: or(&self.from_name, &owner.name),
            provider: self.provider,
            smtp: self.smtp.as_ref().map(|smtp| smtp.endpoint.clone()),
            imap: self.imap.as_ref().map(|imap| imap.endpoint.clone()),
            aliases: self.aliases.iter().map(|alias| clean_line(alias)).filter(|alias| !alias.is_empty()).collect(),
            signature_html: email_html::clean_source(&self.signature_html),
            time_zone: or(&self.time_zone, &owner.time_zone),
            daily_quota: self.daily_quota.unwrap_or(200),
            min_gap_seconds: self.min_gap_seconds.unwrap_or(60),
            jitter_percent: self.jitter_percent.unwrap_or(JITTER_PERCENT),
            ramp_up: None,
            away: self.away.clone(),
            watched_folders: self.watched_folders.clone(),
            is_default: false,
            state: MailboxState::Connected,
            revision: 0,
            proved_at: None,
            last_sent_at: None,
            created_at: engine.now(),
        };
        mailbox.ramp_up = self.ramp_up.map(|new| new.of(None, &mailbox, engine.now()));
        mailbox
    }

    fn password(&self, way: Way) -> SecretString {
        let of = match way {
            Way::Smtp => &self.smtp,
            Way::Imap => &self.imap,
        };
        of.as_ref().and_then(|endpoint| endpoint.password.clone()).unwrap_or_default()
    }
}

impl Engine {
    /// Connects a mailbox. A failed check is refused with one entry per direction (fields `smtp`, `imap`).
    pub async fn connect_mailbox(&self, actor: &Actor, new: NewMailbox) -> Result<Mailbox> {
        let owner = self.owner_of_new(actor, &new).await?;
        let mailbox = new.mailbox(self, &owner);
        judge(&mailbox, self.settings.demo)?;
        only_with_password(mailbox.provider)?;
        let (smtp, imap) = (new.password(Way::Smtp), new.password(Way::Imap));
        let proofs = (smtp.clone().into(), imap.clone().into());
        if new.check {
            self.try_ways(&mailbox, &proofs.0, &proofs.1).await?.into_refusal()?;
        }
        let sealed = |way: Way, password: &SecretString, has: bool| {
            has.then(|| self.keys.seal(&way.place(mailbox.id), password))
        };
        let credentials = Credentials {
            smtp: sealed(Way::Smtp, &smtp, mailbox.smtp.is_some()),
            imap: sealed(Way::Imap, &imap, mailbox.imap.is_some()),
        };
        let mut tx = self.store.begin().await?;
        self.insert_mailbox(&mut tx, actor, &mailbox, credentials).await?;
        tx.commit().await?;
        if new.check {
            self.test_sent_folder(&mailbox, &proofs.0, &proofs.1).await?;
        }
        self.signals.mailboxes.notify_one();
        self.signals.due.notify_waiters();
        Ok(mailbox)
    }

    /// Stores a new mailbox, which goes on from what its address left behind.
    pub(crate) async fn insert_mailbox(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        mailbox: &Mailbox,
        credentials: Credentials,
    ) -> Result<()> {
        mailboxes::insert(tx, mailbox, credentials).await.map_err(address_taken)?;
        self.take_over(tx, mailbox).await?;
        mailboxes::hasten(tx, mailbox.id, self.now()).await?;
        self.note(tx, actor, Act::MailboxConnected, Object::new(mailbox.id, &mailbox.address), "").await
    }

    /// What a mailbox of the same address left behind when it was disconnected goes on from the new one.
    async fn take_over(&self, tx: &mut Tx, mailbox: &Mailbox) -> Result<()> {
        relance_storage::enrollment_lookups::take_over(tx, mailbox.id, mailbox.user_id, &mailbox.address).await?;
        enrollment_sets::release_mailbox(tx, mailbox.id, &RELEASED_BY_MAILBOX, self.now()).await?;
        Ok(())
    }

    async fn owner_of_new(&self, actor: &Actor, new: &NewMailbox) -> Result<User> {
        let owner = new.user_id.or(actor.user_id()).ok_or(EngineError::NotFound("user"))?;
        if actor.user_id() != Some(owner) {
            access::admins_only(actor, "connect mailboxes for others")?;
        }
        let mut tx = self.store.read().await?;
        access::user(&mut tx, owner).await
    }

    /// Changes a mailbox. New servers or passwords that work reconnect it and release what it blocked.
    pub async fn edit_mailbox(&self, actor: &Actor, id: MailboxId, change: MailboxChange) -> Result<Mailbox> {
        let least = if change.watched_folders.is_some() { MailboxAccess::Own } else { MailboxAccess::Settings };
        let (mut mailbox, credentials) = {
            let mut tx = self.store.read().await?;
            mailbox_with(&mut tx, actor, id, least).await?
        };
        let touches_servers = change.smtp.is_some() || change.imap.is_some();
        if touches_servers {
            only_with_password(mailbox.provider)?;
        }
        let (smtp, imap) = if touches_servers {
            (
                self.password_of(id, Way::Smtp, change.smtp.as_ref(), credentials.smtp.as_deref())?,
                self.password_of(id, Way::Imap, change.imap.as_ref(), credentials.imap.as_deref())?,
            )
        } else {
            Default::default()
        };
        let check = change.check && touches_servers;
        let (before, becomes_default) = (mailbox.clone(), change.is_default == Some(true));
        change.put_into(&mut mailbox, self.now());
        judge(&mailbox, self.settings.demo)?;
        if check {
            self.try_ways(&mailbox, &smtp.clone().into(), &imap.clone().into()).await?.into_refusal()?;
        }
        let now = self.now();
        let mut tx = self.store.begin().await?;
        own_mailbox(&mut tx, actor, id).await?;
        mailboxes::update(&mut tx, &mailbox, now).await?;
        if becomes_default {
            mailboxes::set_default(&mut tx, mailbox.user_id, id).await?;
        }
        let pace_changed = self.follow_pace(&mut tx, &before, &mailbox).await?;
        if touches_servers {
            let seal = |way: Way, password: &SecretString| Some(self.keys.seal(&way.place(id), password));
            let sealed = Credentials { smtp: seal(Way::Smtp, &smtp), imap: seal(Way::Imap, &imap) };
            mailboxes::set_credentials(&mut tx, id, sealed, now).await?;
            mailboxes::raise(&mut tx, id).await?;
            self.reconnect(&mut tx, &mailbox).await?;
        }
        mailboxes::hasten(&mut tx, id, now).await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, id).await?;
        let detail = changes(&before, &mailbox, touches_servers);
        self.note(&mut tx, actor, Act::MailboxChanged, Object::new(id, &mailbox.address), &detail).await?;
        tx.commit().await?;
        if pace_changed {
            self.look_again_at_waiting(Some(id)).await?;
        }
        self.signals.mailboxes.notify_one();
        self.signals.due.notify_waiters();
        Ok(mailbox)
    }

    /// The password that an edit gives, else the one that is stored.
    fn password_of(
        &self,
        id: MailboxId,
        way: Way,
        new: Option<&NewEndpoint>,
        sealed: Option<&[u8]>,
    ) -> Result<SecretString> {
        match new {
            Some(NewEndpoint { password: Some(password), .. }) => Ok(password.clone()),
            _ => self.open_password(id, way, sealed),
        }
    }

    /// A mailbox that works again: connected, and what it blocked is released. One that someone paused stays paused.
    pub(crate) async fn reconnect(&self, tx: &mut Tx, mailbox: &Mailbox) -> Result<()> {
        let now = self.now();
        if mailbox.state.needs_attention() {
            mailboxes::set_state(tx, mailbox.id, &MailboxState::Connected, now).await?;
        }
        enrollment_sets::release_mailbox(tx, mailbox.id, &RELEASED_BY_MAILBOX, now).await?;
        mailboxes::hasten(tx, mailbox.id, now).await?;
        Ok(())
    }

    /// Tries both directions of servers that are not saved.
    pub async fn check_servers(&self, actor: &Actor, new: &NewMailbox) -> Result<MailboxCheck> {
        let owner = self.owner_of_new(actor, new).await?;
        let mailbox = new.mailbox(self, &owner);
        judge(&mailbox, self.settings.demo)?;
        only_with_password(mailbox.provider)?;
        self.try_ways(&mailbox, &new.password(Way::Smtp).into(), &new.password(Way::Imap).into()).await
    }

    /// Tries both directions of a connected mailbox now; success reconnects it.
    pub async fn check_mailbox(&self, actor: &Actor, id: MailboxId) -> Result<MailboxCheck> {
        let (mailbox, credentials) = {
            let mut tx = self.store.read().await?;
            own_mailbox(&mut tx, actor, id).await?
        };
        let (smtp, imap) = match self.credentials_of(&mailbox, &credentials).await {
            Ok(proofs) => proofs,
            Err(OpenError::Fault(fault)) => return Ok(MailboxCheck::untried(&fault)),
            Err(OpenError::Engine(error)) => return Err(error),
        };
        let mut check = self.try_ways(&mailbox, &smtp, &imap).await?;
        if check.ok() {
            check.sent_folder = self.test_sent_folder(&mailbox, &smtp, &imap).await?;
        }
        if check.ok() && mailbox.state.needs_attention() {
            let mut tx = self.store.begin().await?;
            self.reconnect(&mut tx, &mailbox).await?;
            tx.commit().await?;
            self.signals.mailboxes.notify_one();
            self.signals.due.notify_waiters();
        }
        Ok(check)
    }
}
