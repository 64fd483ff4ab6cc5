//! Tokens of the API: shown once, stored as a hash.

use super::{access, audit::Object};
use crate::{Engine, EngineError, Result, secrets};
use relance_domain::{
    Refused, Timestamp, TokenId, UserId,
    audit::Act,
    person::clean_line,
    time::{DAY, MINUTE},
    user::{Actor, Scope, User},
};
use relance_storage::tokens::{self, Token};
use secrecy::{ExposeSecret, SecretString};

/// A token that was made: its secret is shown once.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// What goes into `Authorization: Bearer`.
    pub secret: SecretString,
}

/// Longest life of a token that ends by itself, in days: ten years.
const MOST_DAYS: i64 = 3_660;

impl Engine {
    /// Makes a token for a user: oneself, or anyone for admins. It works until someone takes it back.
    pub async fn create_token(&self, actor: &Actor, user: UserId, scope: Scope, name: &str) -> Result<NewToken> {
        self.create_token_until(actor, user, scope, name, None).await
    }

    /// As [`Engine::create_token`], ending by itself at `until` (system clock).
    pub async fn create_token_until(
        &self,
        actor: &Actor,
        user: UserId,
        scope: Scope,
        name: &str,
        until: Option<Timestamp>,
    ) -> Result<NewToken> {
        let now = self.clock.system_now();
        if until.is_some_and(|until| until <= now) {
            return Err(Refused::at("expires_at", "in_the_past", "Choose a time that is still to come.").into());
        }
        if until.is_some_and(|until| until.since(now) > MOST_DAYS * DAY) {
            return Err(Refused::at("expires_at", "too_far", "A token ends within ten years, or never.").into());
        }
        if actor.user_id() != Some(user) {
            access::admins_only(actor, "make tokens for others")?;
        }
        let secret = secrets::new_token("rel");
        let mut tx = self.store.begin().await?;
        access::user(&mut tx, user).await?;
        let token = Token {
            id: self.new_token_id(),
            user_id: user,
            name: clean_line(name),
            scope,
            created_at: now,
            last_used_at: None,
            expires_at: until,
        };
        tokens::insert(&mut tx, &token, &secrets::token_hash(secret.expose_secret())).await?;
        let ends = until.map(|until| format!(" It ends on {}.", until.zoned(&jiff::tz::TimeZone::UTC).date()));
        let detail = format!("It may: {}.{}", scope.as_str(), ends.unwrap_or_default());
        self.note(&mut tx, actor, Act::TokenMade, Object::new(token.id, &token.name), &detail).await?;
        tx.commit().await?;
        Ok(NewToken { id: token.id, secret })
    }

    /// Takes a token back: one's own, or anyone's for admins.
    pub async fn delete_token(&self, actor: &Actor, id: TokenId) -> Result<()> {
        let mut tx = self.store.begin().await?;
        let of = if actor.is_admin() { None } else { actor.user_id() };
        let tokens = tokens::list(&mut tx, of).await?;
        let token = tokens.iter().find(|token| token.id == id).ok_or(EngineError::NotFound("token"))?;
        tokens::delete(&mut tx, id).await?;
        self.note(&mut tx, actor, Act::TokenDeleted, Object::new(id, &token.name), "").await?;
        tx.commit().await?;
        Ok(())
    }

    /// The user and scope of a token; `None` if there is no such token, it has ended, or its user is deactivated.
    pub async fn token_user(&self, token: &str) -> Result<Option<(User, Scope)>> {
        let now = self.clock.system_now();
        let found = {
            let mut tx = self.store.read().await?;
            tokens::find(&mut tx, &secrets::token_hash(token), now).await?
        };
        let Some((token, user)) = found else { return Ok(None) };
        if token.last_used_at.is_none_or(|used| now.since(used) > MINUTE) {
            let mut tx = self.store.begin().await?;
            tokens::touch(&mut tx, token.id, now).await?;
            tx.commit().await?;
        }
        Ok(Some((user, token.scope)))
    }
}
