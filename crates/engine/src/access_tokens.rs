//! Access tokens of mailboxes at Google and Microsoft: fresh when a connection is made, renewed by one at a time.
//!
//! A pair of tokens has a version. Whoever renews it claims the version in the database first, so that of all nodes and
//! tasks one asks the provider; the new pair is stored only in the place of that version. A provider may give a new
//! refresh token with every renewal and void the old one: a new pair is therefore kept in memory and stored again and
//! again until it is stored. No tokens at the moment is a fault that passes, a withdrawn permission is one that does not.

use crate::{
    Engine, EngineError, Result,
    accounts::OpenError,
    oauth::{Granted, OauthClient, TokenError},
};
use relance_domain::{
    MailboxId,
    mail_provider::{MailProvider, Meaning, is_fresh, is_usable},
};
use relance_mail::Fault;
use relance_storage::{
    mail_providers,
    mailbox_grants::{self, Grant, Tokens},
};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::HashMap, sync::Mutex, time::Duration};

/// How long a renewal is claimed, in ms: longer than a provider may take to answer.
const CLAIM_MS: i64 = 60_000;
/// Between two looks at a renewal that someone else does.
const LOOK: Duration = Duration::from_millis(200);
/// How often is looked before giving up: 40 seconds.
const LOOKS: u32 = 200;
/// How often a new pair is tried to be stored at once.
const STORE_TRIES: u32 = 6;

/// New pairs that could not be stored yet, with the version they were made from.
#[derive(Default)]
pub struct Unstored(Mutex<HashMap<MailboxId, (i64, Tokens)>>);

impl Unstored {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<MailboxId, (i64, Tokens)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What became of a renewal.
enum Renewal {
    /// This is the new access token.
    Done(SecretString),
    /// Someone else renews it, or has: look again.
    Elsewhere,
    /// There is none.
    Failed(Fault),
}

/// To what a sealed token belongs.
fn place(mailbox: MailboxId, what: &str) -> String {
    format!("mailbox:{mailbox}:{what}")
}

impl Engine {
    /// The tokens as they are stored; `refresh` = the refresh token before, where no new one was given.
    pub(crate) fn sealed_tokens(
        &self,
        mailbox: MailboxId,
        granted: &Granted,
        refresh: Option<&SecretString>,
    ) -> Result<Tokens> {
        let lasting = granted.refresh_token.as_ref().or(refresh);
        let lasting = lasting.ok_or_else(|| EngineError::Corrupt("a permission without a refresh token".to_owned()))?;
        Ok(Tokens {
            refresh_token: self.keys.seal(&place(mailbox, "refresh_token"), lasting),
            access_token: self.keys.seal(&place(mailbox, "access_token"), &granted.access_token),
            expires_at: self.clock.system_now().plus_ms(granted.lasts_ms),
        })
    }

    fn open_token(&self, mailbox: MailboxId, what: &str, sealed: &[u8]) -> Result<SecretString> {
        let wrong_key = |_| {
            let message = "The permission of this mailbox was sealed with another key. Connect it again.";
            EngineError::Corrupt(message.to_owned())
        };
        self.keys.open(&place(mailbox, what), sealed).map_err(wrong_key)
    }

    /// This installation at a provider; `None` = no admin has registered it.
    pub(crate) async fn oauth_client(&self, provider: MailProvider) -> Result<Option<OauthClient>> {
        let stored = {
            let mut tx = self.store.read().await?;
            mail_providers::find(&mut tx, provider).await?
        };
        let Some(stored) = stored else { return Ok(None) };
        let secret = self.keys.open(&crate::commands::mail_providers::place(provider), &stored.client_secret);
        let client_secret = secret.map_err(|_| {
            EngineError::Corrupt(format!("the secret of {} is sealed with another key", provider.name()))
        })?;
        Ok(Some(OauthClient {
            provider,
            client_id: stored.registration.client_id,
            client_secret,
            endpoints: provider.endpoints(&stored.registration.tenant, &self.settings.providers),
            redirect_url: self.settings.oauth_redirect(),
        }))
    }

    /// An access token that opens a connection now; never `rejected`, which a server did not take.
    pub(crate) async fn access_token(
        &self,
        mailbox: MailboxId,
        provider: MailProvider,
        rejected: Option<&SecretString>,
    ) -> std::result::Result<SecretString, OpenError> {
        for _ in 0..LOOKS {
            self.store_unstored(mailbox).await?;
            let grant = {
                let mut tx = self.store.read().await?;
                mailbox_grants::find(&mut tx, mailbox).await?
            };
            let Some(grant) = grant else {
                let why = "there is none".to_owned();
                return Err(Fault::ConsentNeeded { provider: provider.name(), why }.into());
            };
            let token = self.open_token(mailbox, "access_token", &grant.tokens.access_token)?;
            let is_good = rejected.is_none_or(|rejected| rejected.expose_secret() != token.expose_secret());
            let now = self.clock.system_now();
            if is_good && is_fresh(grant.tokens.expires_at, now) {
                return Ok(token);
            }
            match self.renew_tokens(mailbox, provider, &grant).await? {
                Renewal::Done(token) => return Ok(token),
                Renewal::Failed(Fault::TokenUnavailable { .. })
                    if is_good && is_usable(grant.tokens.expires_at, now) =>
                {
                    return Ok(token);
                }
                Renewal::Failed(fault) => return Err(fault.into()),
                Renewal::Elsewhere => tokio::time::sleep(LOOK).await,
            }
        }
        let why = "its renewal takes too long".to_owned();
        Err(Fault::TokenUnavailable { provider: provider.name(), why }.into())
    }

    async fn renew_tokens(&self, mailbox: MailboxId, provider: MailProvider, grant: &Grant) -> Result<Renewal> {
        let name = provider.name();
        let Some(client) = self.oauth_client(provider).await? else {
            let why = "the registration was removed".to_owned();
            return Ok(Renewal::Failed(Fault::ProviderSettings { provider: name, why }));
        };
        let refresh_token = self.open_token(mailbox, "refresh_token", &grant.tokens.refresh_token)?;
        let mut tx = self.store.begin().await?;
        let claimed = mailbox_grants::claim(&mut tx, mailbox, grant.version, CLAIM_MS).await?;
        tx.commit().await?;
        if !claimed {
            return Ok(Renewal::Elsewhere);
        }
        let error = match client.refresh(&self.http, &refresh_token).await {
            Ok(granted) => {
                let tokens = self.sealed_tokens(mailbox, &granted, Some(&refresh_token))?;
                return Ok(match self.store_renewed(mailbox, grant.version, tokens).await {
                    true => Renewal::Done(granted.access_token),
                    false => Renewal::Elsewhere,
                });
            }
            Err(error) => error,
        };
        let fault = fault_of(name, error);
        tracing::warn!(%mailbox, fault = fault.code(), "the access token of a mailbox could not be renewed");
        let mut tx = self.store.begin().await?;
        mailbox_grants::release(&mut tx, mailbox, grant.version).await?;
        let current = mailbox_grants::find(&mut tx, mailbox).await?;
        tx.commit().await?;
        // A no to tokens that were replaced meanwhile says nothing about the new ones.
        let is_current = current.is_some_and(|current| current.version == grant.version);
        Ok(if is_current { Renewal::Failed(fault) } else { Renewal::Elsewhere })
    }

    /// Stores a new pair; `false` if there is a newer one. While the database fails it is kept in memory.
    async fn store_renewed(&self, mailbox: MailboxId, version: i64, tokens: Tokens) -> bool {
        self.unstored.lock().insert(mailbox, (version, tokens));
        let mut pause = LOOK;
        for _ in 0..STORE_TRIES {
            match self.store_unstored(mailbox).await {
                Ok(stored) => return stored,
                Err(error) => {
                    tracing::warn!(%error, %mailbox, "new tokens could not be stored; it is tried again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        true
    }

    /// Stores what is still kept in memory; `false` if there was nothing, or the database has something newer.
    async fn store_unstored(&self, mailbox: MailboxId) -> Result<bool> {
        let kept = self.unstored.lock().get(&mailbox).cloned();
        let Some((version, tokens)) = kept else { return Ok(false) };
        let mut tx = self.store.begin().await?;
        let stored = mailbox_grants::renew(&mut tx, mailbox, version, &tokens).await?;
        tx.commit().await?;
        let mut all = self.unstored.lock();
        if all.get(&mailbox).is_some_and(|(of, _)| *of == version) {
            all.remove(&mailbox);
        }
        Ok(stored)
    }
}

fn fault_of(provider: &'static str, error: TokenError) -> Fault {
    match error {
        TokenError::Unreachable(why) => Fault::TokenUnavailable { provider, why },
        TokenError::Refused { code, words } => {
            let why = if words.is_empty() { code.clone() } else { format!("{code}: {words}") };
            match MailProvider::meaning(&code) {
                Meaning::AskAgain => Fault::ConsentNeeded { provider, why },
                Meaning::Registration => Fault::ProviderSettings { provider, why },
                Meaning::Temporary => Fault::TokenUnavailable { provider, why },
            }
        }
    }
}
