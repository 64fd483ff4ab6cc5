//! What Google and Microsoft know this installation by: registered by an admin, the secret sealed and never shown.

use super::{access, audit::Object};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    audit::Act,
    mail_provider::{MailProvider, Registration},
    user::Actor,
};
use relance_storage::mail_providers::{self, StoredRegistration};
use secrecy::{ExposeSecret, SecretString};

/// To what a sealed client secret belongs.
pub(crate) fn place(provider: MailProvider) -> String {
    format!("mail-provider:{}", provider.as_str())
}

/// A registration to store.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// At whom.
    pub provider: MailProvider,
    /// The client id.
    pub client_id: String,
    /// The client secret; `None` = the one that is stored.
    pub client_secret: Option<SecretString>,
    /// Microsoft: the tenant; empty = everyone's.
    pub tenant: String,
}

impl Engine {
    /// The registrations there are, without their secrets.
    pub async fn mail_providers(&self) -> Result<Vec<Registration>> {
        let mut tx = self.store.read().await?;
        Ok(mail_providers::all(&mut tx).await?.into_iter().map(|stored| stored.registration).collect())
    }

    /// Stores a registration; admins only.
    pub async fn save_mail_provider(&self, actor: &Actor, new: NewRegistration) -> Result<Registration> {
        access::admins_only(actor, "register Relance at mail providers")?;
        let registration = Registration::new(new.provider, &new.client_id, &new.tenant);
        let typed = new.client_secret.filter(|secret| !secret.expose_secret().trim().is_empty());
        let mut tx = self.store.begin().await?;
        let before = mail_providers::find(&mut tx, new.provider).await?;
        let wrong = registration.wrong(typed.is_some() || before.is_some());
        if !wrong.is_empty() {
            return Err(wrong.into());
        }
        let sealed = match (&typed, before) {
            (Some(secret), _) => {
                let secret = SecretString::from(secret.expose_secret().trim().to_owned());
                self.keys.seal(&place(new.provider), &secret)
            }
            (None, Some(before)) => before.client_secret,
            (None, None) => return Err(EngineError::Corrupt("a registration without a secret".to_owned())),
        };
        let stored = StoredRegistration { registration: registration.clone(), client_secret: sealed };
        mail_providers::save(&mut tx, &stored, self.now()).await?;
        let detail = if typed.is_some() { "With a new secret." } else { "" };
        self.note(&mut tx, actor, Act::MailProviderSaved, Object::named(new.provider.name()), detail).await?;
        // Mailboxes that only waited for this look at once.
        relance_storage::mailboxes::hasten_all(&mut tx, self.now()).await?;
        tx.commit().await?;
        self.signals.mailboxes.notify_one();
        self.signals.due.notify_waiters();
        Ok(registration)
    }

    /// Forgets a registration; how many mailboxes have to be connected again once there is a new one. Admins only.
    pub async fn delete_mail_provider(&self, actor: &Actor, provider: MailProvider) -> Result<u32> {
        access::admins_only(actor, "register Relance at mail providers")?;
        let mut tx = self.store.begin().await?;
        if !mail_providers::delete(&mut tx, provider).await? {
            return Err(EngineError::NotFound("registration"));
        }
        let mailboxes = mail_providers::mailboxes_of(&mut tx, provider).await?;
        self.note(&mut tx, actor, Act::MailProviderRemoved, Object::named(provider.name()), "").await?;
        tx.commit().await?;
        Ok(mailboxes)
    }
}
