//! Connecting a mailbox at Google or Microsoft: someone is sent there, gives the permission, and comes back.
//!
//! What is sent along comes back once, within 15 minutes, to the same user and session; then a code becomes tokens, both
//! directions are tried, and only then anything is saved. Every way it can fail is a sentence with its cure. A mailbox
//! that is connected again keeps its enrollments. Times are the system clock's.

use super::{
    access,
    audit::Object,
    mailbox_access::own_mailbox,
    mailboxes::{NewEndpoint, NewMailbox},
};
use crate::{
    Engine, EngineError, Result,
    oauth::{Granted, OauthClient, TokenError},
    secrets,
};
use relance_domain::{
    MailboxId, Refused, Timestamp,
    audit::Act,
    mail_provider::{MailProvider, Meaning, Place},
    mailbox::Mailbox,
    person::email_key,
    time::MINUTE,
    user::Actor,
};
use relance_mail::Credential;
use relance_storage::{
    mail_providers::{self, Consent},
    mailbox_grants, mailboxes,
};
use secrecy::{ExposeSecret, SecretString};

/// How long someone may take, in ms.
const CONSENT_MS: i64 = 15 * MINUTE;

/// Whom to send where.
#[derive(Debug, Clone)]
pub struct ConsentRequest {
    /// To whom.
    pub provider: MailProvider,
    /// The mailbox to connect again; `None` = a new one.
    pub mailbox: Option<MailboxId>,
    /// The secret of the session that must come back; `None` = any of the user's.
    pub session: Option<SecretString>,
}

/// Where someone goes to give the permission.
#[derive(Debug, Clone)]
pub struct ConsentBegun {
    /// The provider's page.
    pub url: String,
    /// Until when they must be back.
    pub expires_at: Timestamp,
}

/// What someone came back with.
#[derive(Debug, Clone, Default)]
pub struct ConsentAnswer {
    /// What was sent along.
    pub state: String,
    /// What becomes tokens.
    pub code: Option<SecretString>,
    /// The provider's error code.
    pub error: Option<String>,
    /// The provider's words.
    pub words: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Consented {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// It was there before and works again.
    pub is_again: bool,
}

fn not_registered(provider: MailProvider) -> EngineError {
    let message = format!(
        "{} is not set up yet: an admin registers Relance at {} under Settings, Mailboxes, Gmail and Microsoft 365.",
        provider.product(),
        provider.name()
    );
    EngineError::refused("provider_not_registered", message)
}

impl Engine {
    /// Sends someone to a provider's page of permission.
    pub async fn begin_consent(&self, actor: &Actor, request: ConsentRequest) -> Result<ConsentBegun> {
        let user_id = actor.user_id().ok_or(EngineError::NotFound("user"))?;
        if self.settings.demo {
            let message = "The demo connects sandbox mailboxes only, so that nothing leaves this machine.";
            return Err(Refused::at("provider", "demo", message).into());
        }
        let provider = request.provider;
        let client = self.oauth_client(provider).await?.ok_or_else(|| not_registered(provider))?;
        let address = match request.mailbox {
            None => None,
            Some(id) => {
                let mut tx = self.store.read().await?;
                let (mailbox, _) = own_mailbox(&mut tx, actor, id).await?;
                if mailbox.provider != provider.kind() {
                    let message = format!("This mailbox is not at {}.", provider.name());
                    return Err(EngineError::refused("other_provider", message));
                }
                Some(mailbox.address)
            }
        };
        let state = secrets::new_token("oas");
        let (url, verifier) = client.page_of_permission(&state, address.as_deref())?;
        let state_hash = secrets::token_hash(state.expose_secret());
        let now = self.clock.system_now();
        let consent = Consent {
            verifier: self.keys.seal(&place(&state_hash), &verifier),
            state_hash,
            user_id,
            session_hash: request.session.map(|session| secrets::token_hash(session.expose_secret())),
            provider,
            mailbox_id: request.mailbox,
            expires_at: now.plus_ms(CONSENT_MS),
        };
        let mut tx = self.store.begin().await?;
        mail_providers::purge_consents(&mut tx, now).await?;
        mail_providers::begin_consent(&mut tx, &consent).await?;
        tx.commit().await?;
        Ok(ConsentBegun { url, expires_at: consent.expires_at })
    }

    /// Someone came back: the mailbox is connected, or a refusal says why not.
    pub async fn finish_consent(
        &self,
        actor: &Actor,
        session: Option<&SecretString>,
        answer: ConsentAnswer,
    ) -> Result<Consented> {
        let consent = self.take_consent(actor, session, &answer.state).await?;
        let provider = consent.provider;
        if let Some(error) = &answer.error {
            let words: String = answer.words.unwrap_or_default().chars().take(300).collect();
            return Err(provider.refusal(error, &words).into());
        }
        let code = answer.code.ok_or_else(|| provider.refusal("no_code", ""))?;
        let client = self.oauth_client(provider).await?.ok_or_else(|| not_registered(provider))?;
        let verifier = self
            .keys
            .open(&place(&consent.state_hash), &consent.verifier)
            .map_err(|_| EngineError::Corrupt("a verifier that was sealed with another key".to_owned()))?;
        let granted = self.exchange(&client, &code, &verifier).await?;
        let address = judged(provider, &granted)?;
        let again = self.mailbox_again(actor, &consent, &address).await?;
        match again {
            Some(mailbox) => self.connect_again(actor, mailbox, granted).await,
            None => self.connect_granted(actor, &client, &address, granted).await,
        }
    }

    /// What was sent along is used up, whatever comes of it.
    async fn take_consent(&self, actor: &Actor, session: Option<&SecretString>, state: &str) -> Result<Consent> {
        let unknown = || {
            let message =
                "This sign-in was used already, took longer than 15 minutes, or was not begun here. Connect again.";
            EngineError::refused("consent_unknown", message)
        };
        let mut tx = self.store.begin().await?;
        let taken = mail_providers::take_consent(&mut tx, &secrets::token_hash(state)).await?;
        tx.commit().await?;
        let consent = taken.filter(|taken| taken.expires_at > self.clock.system_now()).ok_or_else(unknown)?;
        let session_hash = session.map(|session| secrets::token_hash(session.expose_secret()));
        let is_theirs = Some(consent.user_id) == actor.user_id();
        if !is_theirs || (consent.session_hash.is_some() && consent.session_hash != session_hash) {
            let message = "This sign-in was begun by someone else or in another browser. Connect again here.";
            return Err(EngineError::refused("consent_elsewhere", message));
        }
        Ok(consent)
    }

    async fn exchange(&self, client: &OauthClient, code: &SecretString, verifier: &SecretString) -> Result<Granted> {
        let provider = client.provider;
        client.exchange(&self.http, code, verifier).await.map_err(|error| match error {
            TokenError::Refused { code, words } => {
                tracing::warn!(provider = provider.as_str(), code, "a provider gave no tokens");
                match MailProvider::meaning(&code) {
                    // Of a code that has just been given, this can only mean that it took too long or was used.
                    Meaning::AskAgain => provider.refusal("invalid_grant", &words).into(),
                    _ => provider.refusal(&code, &words).into(),
                }
            }
            TokenError::Unreachable(why) => {
                tracing::warn!(provider = provider.as_str(), why, "a provider could not be asked");
                let message = format!("{} could not be asked ({why}). Connect again in a moment.", provider.name());
                EngineError::refused("provider_unavailable", message)
            }
        })
    }

    /// The mailbox that is connected again: the one that was meant, or one of this address that is there already.
    async fn mailbox_again(&self, actor: &Actor, consent: &Consent, address: &str) -> Result<Option<Mailbox>> {
        let mut tx = self.store.read().await?;
        let Some(id) = consent.mailbox_id else {
            let found = mailboxes::find_by_address(&mut tx, address).await?;
            return Ok(found.filter(|mailbox| {
                mailbox.provider == consent.provider.kind() && Some(mailbox.user_id) == actor.user_id()
            }));
        };
        let (mailbox, _) = own_mailbox(&mut tx, actor, id).await?;
        if email_key(&mailbox.address) != email_key(address) {
            let message = format!(
                "You signed in as {address}, but this mailbox is {}. Connect again and choose that account.",
                mailbox.address
            );
            return Err(EngineError::refused("other_account", message));
        }
        Ok(Some(mailbox))
    }

    async fn connect_again(&self, actor: &Actor, mailbox: Mailbox, granted: Granted) -> Result<Consented> {
        let token = Credential::AccessToken(granted.access_token.clone());
        self.try_ways(&mailbox, &token, &token).await?.into_refusal()?;
        let tokens = self.sealed_tokens(mailbox.id, &granted, None)?;
        let mut tx = self.store.begin().await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, mailbox.id).await?;
        mailbox_grants::give(&mut tx, mailbox.id, &tokens, self.clock.system_now()).await?;
        mailboxes::raise(&mut tx, mailbox.id).await?;
        self.reconnect(&mut tx, &mailbox).await?;
        self.note(&mut tx, actor, Act::MailboxReconnected, Object::new(mailbox.id, &mailbox.address), "").await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, mailbox.id).await?;
        tx.commit().await?;
        self.signals.mailboxes.notify_one();
        self.signals.due.notify_waiters();
        Ok(Consented { mailbox, is_again: true })
    }

    async fn connect_granted(
        &self,
        actor: &Actor,
        client: &OauthClient,
        address: &str,
        granted: Granted,
    ) -> Result<Consented> {
        let owner = {
            let mut tx = self.store.read().await?;
            access::user(&mut tx, actor.user_id().ok_or(EngineError::NotFound("user"))?).await?
        };
        let mailbox = usual(client, address).mailbox(self, &owner);
        super::mailbox_check::judge(&mailbox, self.settings.demo)?;
        let token = Credential::AccessToken(granted.access_token.clone());
        self.try_ways(&mailbox, &token, &token).await?.into_refusal()?;
        let tokens = self.sealed_tokens(mailbox.id, &granted, None)?;
        let mut tx = self.store.begin().await?;
        self.insert_mailbox(&mut tx, actor, &mailbox, mailboxes::Credentials::default()).await?;
        mailbox_grants::give(&mut tx, mailbox.id, &tokens, self.clock.system_now()).await?;
        tx.commit().await?;
        self.test_sent_folder(&mailbox, &token, &token).await?;
        self.signals.mailboxes.notify_one();
        self.signals.due.notify_waiters();
        Ok(Consented { mailbox, is_again: false })
    }
}

/// A mailbox at a provider, with everything as it usually is.
fn usual(client: &OauthClient, address: &str) -> NewMailbox {
    let way = |place: &Place| Some(NewEndpoint { endpoint: place.endpoint(address), password: None });
    NewMailbox {
        user_id: None,
        address: address.to_owned(),
        from_name: String::new(),
        provider: client.provider.kind(),
        smtp: way(&client.endpoints.smtp),
        imap: way(&client.endpoints.imap),
        aliases: Vec::new(),
        signature_html: String::new(),
        time_zone: String::new(),
        daily_quota: None,
        min_gap_seconds: None,
        jitter_percent: None,
        ramp_up: None,
        watched_folders: Vec::new(),
        away: Vec::new(),
        check: true,
    }
}

/// To what a sealed verifier belongs.
fn place(state_hash: &[u8]) -> String {
    format!("consent:{}", hex::encode(state_hash))
}

/// Whose mailbox was given, if it was given wholly and for good.
fn judged(provider: MailProvider, granted: &Granted) -> Result<String> {
    let name = provider.name();
    if let Some(missing) = granted.scopes.as_ref().and_then(|given| provider.missing_scope(given)) {
        let message = format!(
            "{name} gave no access to mail ({missing}), so nothing was connected. Connect again and leave every box ticked."
        );
        return Err(EngineError::refused("scope_missing", message));
    }
    if granted.refresh_token.is_none() {
        let message = format!(
            "{name} gave access for an hour only, so nothing was connected. Remove Relance from the apps of your account \
             there, then connect again."
        );
        return Err(EngineError::refused("no_lasting_access", message));
    }
    granted.address.clone().ok_or_else(|| {
        let message = format!("{name} did not say whose mailbox this is, so nothing was connected. Connect again.");
        EngineError::refused("account_unknown", message)
    })
}
