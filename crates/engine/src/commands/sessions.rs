//! The browsers in which a user is signed in, and the answers they have seen there.

use super::audit::Object;
use crate::{Engine, EngineError, Result, secrets};
use relance_domain::{
    Timestamp, UserId,
    audit::Act,
    user::{Actor, User},
};
use relance_storage::{
    sessions::{self, Session},
    users,
};

/// A browser in which a user is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// What names it; the cookie cannot be told from it.
    pub key: String,
    /// The browser's name for itself.
    pub user_agent: String,
    /// Since when (system clock).
    pub signed_in_at: Timestamp,
    /// When it was last used, to some minutes (system clock).
    pub last_seen_at: Timestamp,
    /// The one that asks.
    pub is_this: bool,
}

/// Names a session by its hash, of which the cookie cannot be made.
fn key_of(session: &Session) -> String {
    session.token_hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn oneself(actor: &Actor) -> Result<UserId> {
    actor.user_id().ok_or(EngineError::NotFound("user"))
}

impl Engine {
    /// The browsers in which the actor is signed in; `token` is the cookie of the one that asks, if one does.
    pub async fn browsers(&self, actor: &Actor, token: Option<&str>) -> Result<Vec<Browser>> {
        let this = token.map(secrets::token_hash);
        let mut tx = self.store.read().await?;
        let found = sessions::of_user(&mut tx, oneself(actor)?, self.clock.system_now()).await?;
        Ok(found
            .into_iter()
            .map(|session| Browser {
                key: key_of(&session),
                is_this: this.as_ref() == Some(&session.token_hash),
                user_agent: session.user_agent,
                signed_in_at: session.created_at,
                last_seen_at: session.last_seen_at,
            })
            .collect())
    }

    /// Signs one of the actor's browsers out.
    pub async fn end_session(&self, actor: &Actor, key: &str) -> Result<()> {
        let id = oneself(actor)?;
        let mut tx = self.store.begin().await?;
        let found = sessions::of_user(&mut tx, id, self.clock.system_now()).await?;
        let session = found.iter().find(|session| key_of(session) == key).ok_or(EngineError::NotFound("session"))?;
        sessions::delete(&mut tx, &session.token_hash).await?;
        let user: User = super::access::user(&mut tx, id).await?;
        self.note(&mut tx, actor, Act::SessionEnded, Object::new(id, &user.name), &session.user_agent).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The actor has seen the answers that came up to now.
    pub async fn see_replies(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.store.begin().await?;
        users::set_replies_seen_at(&mut tx, oneself(actor)?, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}
