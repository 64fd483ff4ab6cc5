//! Links with which a user chooses a password: an invitation of someone new, or a forgotten password.
//!
//! An admin makes the link and hands it over; whoever has it chooses the password, once. Times are the system clock's.

use super::{access, audit::Object, passwords, sign_in::SignedIn};
use crate::{Engine, EngineError, Result, secrets};
use relance_domain::{
    Timestamp, UserId,
    audit::Act,
    time::{DAY, HOUR},
    user::{Actor, User},
};
use relance_storage::{Tx, password_links, sessions, users};
use secrecy::{ExposeSecret, SecretString};

/// How long an invitation can be used, in ms.
const INVITATION_MS: i64 = 7 * DAY;
/// How long the link for a forgotten password can be used, in ms.
const FORGOTTEN_MS: i64 = 24 * HOUR;

/// A link that was made: its secret is shown once.
#[derive(Debug, Clone)]
pub struct PasswordLink {
    /// For whom.
    pub user: User,
    /// The last part of its address.
    pub token: SecretString,
    /// Until when it works, system clock.
    pub expires_at: Timestamp,
    /// Whether the user never had a password.
    pub is_invitation: bool,
}

/// Whom a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The user.
    pub user: User,
    /// Whether the user never had a password.
    pub is_invitation: bool,
}

async fn invited(tx: &mut Tx, token: &str, now: Timestamp) -> Result<Option<Invited>> {
    let Some(id) = password_links::find(tx, &secrets::token_hash(token), now).await? else { return Ok(None) };
    let account = users::find_account(tx, id).await?.filter(|account| account.user.deactivated_at.is_none());
    Ok(account.map(|account| Invited { user: account.user, is_invitation: account.password_hash.is_none() }))
}

impl Engine {
    /// Makes a link with which a user chooses a password, for 7 days if they never had one, else for 24 hours; the one
    /// before it stops working. Admins only.
    pub async fn make_password_link(&self, actor: &Actor, id: UserId) -> Result<PasswordLink> {
        access::admins_only(actor, "make links to choose a password")?;
        let now = self.clock.system_now();
        let mut tx = self.store.begin().await?;
        let account = users::find_account(&mut tx, id).await?.ok_or(EngineError::NotFound("user"))?;
        if account.user.deactivated_at.is_some() {
            let message = "This user is deactivated. Reactivate them first.";
            return Err(EngineError::refused("deactivated", message));
        }
        let is_invitation = account.password_hash.is_none();
        let expires_at = now.plus_ms(if is_invitation { INVITATION_MS } else { FORGOTTEN_MS });
        let token = secrets::new_token("pwl");
        password_links::replace(&mut tx, id, &secrets::token_hash(token.expose_secret()), now, expires_at).await?;
        let why = if is_invitation { "Invitation." } else { "Forgotten password." };
        self.note(&mut tx, actor, Act::PasswordLinkMade, Object::new(id, &account.user.name), why).await?;
        tx.commit().await?;
        Ok(PasswordLink { user: account.user, token, expires_at, is_invitation })
    }

    /// Whom a link is for; `None` if it was used, replaced or is too old.
    pub async fn password_link(&self, token: &str) -> Result<Option<Invited>> {
        let mut tx = self.store.read().await?;
        invited(&mut tx, token, self.clock.system_now()).await
    }

    /// Chooses the password with a link, which then stops working; every session of the user ends. The user is signed in
    /// at once (`None` if two-step sign-in still asks for a code).
    pub async fn use_password_link(
        &self,
        token: &str,
        new: &SecretString,
        user_agent: &str,
    ) -> Result<Option<SignedIn>> {
        passwords::check(new)?;
        let hash = passwords::hash(new).await?;
        let mut tx = self.store.begin().await?;
        let found = invited(&mut tx, token, self.clock.system_now()).await?;
        let Invited { user, .. } = found.ok_or(EngineError::NotFound("link"))?;
        if !password_links::delete(&mut tx, user.id).await? {
            return Err(EngineError::NotFound("link"));
        }
        users::set_password_hash(&mut tx, user.id, &hash, self.now()).await?;
        sessions::delete_of_user(&mut tx, user.id).await?;
        let oneself = Actor::User { id: user.id, role: user.role };
        self.note(&mut tx, &oneself, Act::PasswordChanged, Object::new(user.id, &user.name), "By a link.").await?;
        let asks_for_code = users::two_step(&mut tx, user.id).await?.is_some();
        tx.commit().await?;
        if asks_for_code {
            return Ok(None);
        }
        self.sign_in_as(user, user_agent).await.map(Some)
    }
}
