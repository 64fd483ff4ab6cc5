//! Opens the sealed credentials of a mailbox, for those who connect: sender, watcher, check. At Google and Microsoft that
//! is an access token, renewed where it must be (`access_tokens`).
//!
//! A secret is bound to its mailbox and direction (`mailbox:mbx_…:smtp`), so a row copied elsewhere opens nothing.

use crate::{Engine, EngineError, Result};
use relance_domain::{
    MailboxId,
    mail_provider::MailProvider,
    mailbox::{Endpoint, Mailbox, Provider, Security},
};
use relance_mail::{Account, Credential, Fault, Server};
use relance_storage::{
    StorageError,
    mailboxes::{self, Credentials},
};
use secrecy::SecretString;
use std::path::PathBuf;

/// One direction of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Submission.
    Smtp,
    /// Reading.
    Imap,
}

impl Way {
    /// `smtp` or `imap`: as in fields of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
        }
    }

    /// To what a sealed password belongs.
    pub fn place(self, mailbox: MailboxId) -> String {
        format!("mailbox:{mailbox}:{}", self.as_str())
    }
}

/// Where the mail of a mailbox is read.
#[derive(Debug, Clone)]
pub enum Reading {
    /// An IMAP server.
    Imap(Server),
    /// The folder of a sandbox mailbox.
    Sandbox(PathBuf),
}

/// A mailbox with both ways opened.
#[derive(Debug, Clone)]
pub struct OpenMailbox {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Where its mail is handed over.
    pub account: Account,
    /// Where its mail is read.
    pub reading: Reading,
}

/// Why a mailbox cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its provider gives no access, for now or until somebody acts.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The database, or what is stored.
    #[error("{0}")]
    Engine(#[from] EngineError),
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        Self::Engine(error.into())
    }
}

/// The result of opening a mailbox.
type Opened<T> = std::result::Result<T, OpenError>;

/// A server as `mail` connects to it.
pub(crate) fn server(endpoint: &Endpoint, credential: Credential) -> Server {
    Server {
        host: endpoint.host.clone(),
        port: endpoint.port,
        security: match endpoint.security {
            Security::Tls => relance_mail::Security::Tls,
            Security::Starttls => relance_mail::Security::StartTls,
            Security::None => relance_mail::Security::None,
        },
        username: endpoint.username.clone(),
        credential,
    }
}

/// The token a server did not take; `None` if it was a password.
fn token_of(server: &Server) -> Option<&SecretString> {
    match &server.credential {
        Credential::AccessToken(token) => Some(token),
        Credential::Password(_) => None,
    }
}

impl Engine {
    /// Opens the sealed password of one direction; an empty one where none was stored.
    pub(crate) fn open_password(&self, mailbox: MailboxId, way: Way, sealed: Option<&[u8]>) -> Result<SecretString> {
        let Some(sealed) = sealed else { return Ok(SecretString::from(String::new())) };
        let wrong_key = |_| {
            let message = "The password of this mailbox was sealed with another key. Enter it again.";
            EngineError::Corrupt(message.to_owned())
        };
        self.keys.open(&way.place(mailbox), sealed).map_err(wrong_key)
    }

    /// Both ways of a mailbox in use; `None` if it was disconnected.
    pub async fn open_mailbox(&self, id: MailboxId) -> Opened<Option<OpenMailbox>> {
        let found = {
            let mut tx = self.store.read().await?;
            mailboxes::find_with_credentials(&mut tx, id).await?
        };
        match found {
            Some((mailbox, credentials)) => self.open_ways(mailbox, &credentials).await.map(Some),
            None => Ok(None),
        }
    }

    /// Where a mailbox hands over its emails; `None` if it was disconnected.
    pub async fn account_of(&self, id: MailboxId) -> Opened<Option<Account>> {
        Ok(self.open_mailbox(id).await?.map(|open| open.account))
    }

    /// Where the mail of a mailbox is read; `None` if it was disconnected.
    pub async fn reading_of(&self, id: MailboxId) -> Opened<Option<Reading>> {
        Ok(self.open_mailbox(id).await?.map(|open| open.reading))
    }

    /// Proof for both directions of a mailbox.
    pub(crate) async fn credentials_of(
        &self,
        mailbox: &Mailbox,
        credentials: &Credentials,
    ) -> Opened<(Credential, Credential)> {
        if let Some(provider) = MailProvider::of(mailbox.provider) {
            let token = Credential::AccessToken(self.access_token(mailbox.id, provider, None).await?);
            return Ok((token.clone(), token));
        }
        let smtp = self.open_password(mailbox.id, Way::Smtp, credentials.smtp.as_deref())?;
        let imap = self.open_password(mailbox.id, Way::Imap, credentials.imap.as_deref())?;
        Ok((smtp.into(), imap.into()))
    }

    /// The same server with a new access token, after it did not take the one it was given.
    pub(crate) async fn with_new_token(&self, mailbox: &Mailbox, server: &Server) -> Opened<Option<Server>> {
        let (Some(provider), Some(rejected)) = (MailProvider::of(mailbox.provider), token_of(server)) else {
            return Ok(None);
        };
        let token = self.access_token(mailbox.id, provider, Some(rejected)).await?;
        Ok(Some(Server { credential: Credential::AccessToken(token), ..server.clone() }))
    }

    pub(crate) async fn open_ways(&self, mailbox: Mailbox, credentials: &Credentials) -> Opened<OpenMailbox> {
        let (account, reading) = match (mailbox.provider, &mailbox.smtp, &mailbox.imap) {
            (Provider::Sandbox, ..) => {
                let folder = self.settings.sandbox(mailbox.id);
                (Account::Sandbox(folder.clone()), Reading::Sandbox(folder))
            }
            // Whatever a data folder brings along: in the demo nothing leaves this machine.
            _ if self.settings.demo => {
                return Err(EngineError::refused("demo", "The demo uses sandbox mailboxes only.").into());
            }
            (_, Some(smtp), Some(imap)) => {
                let (smtp_proof, imap_proof) = self.credentials_of(&mailbox, credentials).await?;
                (Account::Smtp(server(smtp, smtp_proof)), Reading::Imap(server(imap, imap_proof)))
            }
            _ => return Err(EngineError::Corrupt("a mailbox without its servers".to_owned()).into()),
        };
        Ok(OpenMailbox { mailbox, account, reading })
    }
}
