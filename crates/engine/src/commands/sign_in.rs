//! Signing in and out; sessions of the pages. Times are the system clock's.
//!
//! Five failures for an address, or twenty from a client, within 15 minutes close the door for 15 minutes, whatever
//! the password. An unknown address costs the same time and gets the same answer as a wrong password.

use super::{audit::Object, passwords};
use crate::{Engine, EngineError, Result, secrets};
use relance_domain::{
    Timestamp, UserId,
    audit::Act,
    person::email_key,
    time::{DAY, MINUTE},
    user::{Actor, User},
};
use relance_storage::{
    sessions::{self, Session},
    sign_in_failures, users,
};
use secrecy::{ExposeSecret, SecretString};

const WRONG: &str = "Email or password is not right. Please try again.";
const WINDOW_MS: i64 = 15 * MINUTE;
const MOST_FAILURES_OF_ADDRESS: i64 = 5;
const MOST_FAILURES_OF_CLIENT: i64 = 20;
const SESSION_MS: i64 = 30 * DAY;
const TOUCH_EVERY_MS: i64 = 5 * MINUTE;

/// A session that began.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The secret of the cookie.
    pub token: SecretString,
}

/// How far a right password leads.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// All the way.
    Done(SignedIn),
    /// A code is needed too ([`Engine::sign_in_with_code`]); this proves the password for five minutes.
    CodeNeeded(SecretString),
}

impl SignIn {
    /// The session, if no code is needed.
    pub fn done(self) -> Option<SignedIn> {
        match self {
            Self::Done(signed_in) => Some(signed_in),
            Self::CodeNeeded(_) => None,
        }
    }
}

/// What stands for an address that was typed, also for one that is none.
fn key_of(email: &str) -> String {
    email_key(email).unwrap_or_else(|| email.trim().to_lowercase().chars().take(254).collect())
}

/// Why a sign-in failed, without what was typed.
fn words_of(wrong: &EngineError) -> &'static str {
    match wrong {
        EngineError::Refused(refused) if refused.iter().any(|one| one.code == "wrong_code") => "Wrong code.",
        _ => "Wrong address or password.",
    }
}

pub(crate) fn too_many(until: Timestamp, now: Timestamp) -> EngineError {
    let minutes = (until.since(now) + MINUTE - 1) / MINUTE;
    let words = if minutes <= 1 { "a minute".to_owned() } else { format!("{minutes} minutes") };
    EngineError::refused("too_many_attempts", format!("Too many failed attempts. Try again in {words}."))
}

impl Engine {
    /// Signs in. A wrong password and an unknown address get the same answer in the same time (`wrong_credentials`);
    /// too many failures are refused with `too_many_attempts`.
    pub async fn sign_in(&self, email: &str, password: &SecretString, ip: &str, user_agent: &str) -> Result<SignIn> {
        let now = self.clock.system_now();
        let key = key_of(email);
        let (address, client) = (format!("address:{key}"), format!("client:{ip}"));
        let account = {
            let mut tx = self.store.read().await?;
            if let Some(until) = sign_in_failures::blocked_until(&mut tx, &[&address, &client], now).await? {
                return Err(too_many(until, now));
            }
            users::find_by_email_key(&mut tx, &key).await?
        };
        let usable = account.filter(|account| account.user.deactivated_at.is_none());
        let hash = usable.as_ref().and_then(|account| account.password_hash.clone());
        let right = passwords::verify(password, hash).await?;
        match usable.filter(|_| right) {
            Some(account) => {
                let two_step = users::two_step(&mut self.store.read().await?, account.user.id).await?;
                if two_step.is_some() {
                    return Ok(SignIn::CodeNeeded(self.prove_password(account.user.id, now)));
                }
                self.begin_session(account.user, &address, user_agent, now).await.map(SignIn::Done)
            }
            None => {
                let wrong = EngineError::refused("wrong_credentials", WRONG);
                Err(self.count_failure(&address, &client, wrong, now).await?)
            }
        }
    }

    /// For how many seconds signing in with this address, or from this client, is refused; 0 = it is not.
    pub async fn sign_in_wait(&self, email: &str, ip: &str) -> Result<u64> {
        self.wait_of(&[&format!("address:{}", key_of(email)), &format!("client:{ip}")]).await
    }

    pub(crate) async fn wait_of(&self, subjects: &[&str]) -> Result<u64> {
        let now = self.clock.system_now();
        let mut tx = self.store.read().await?;
        let until = sign_in_failures::blocked_until(&mut tx, subjects, now).await?;
        Ok(until.map_or(0, |until| u64::try_from(until.since(now) / 1_000 + 1).unwrap_or(0)))
    }

    /// Counts a failure for both subjects; the answer is `wrong`, or that there were too many.
    pub(crate) async fn count_failure(
        &self,
        address: &str,
        client: &str,
        wrong: EngineError,
        now: Timestamp,
    ) -> Result<EngineError> {
        let mut tx = self.store.begin().await?;
        let mut answer = wrong;
        let why = format!("{} From {}.", words_of(&answer), client.trim_start_matches("client:"));
        let who = address.trim_start_matches("address:").trim_start_matches("code:");
        self.note(&mut tx, &Actor::System, Act::SignInFailed, Object::named(who), &why).await?;
        for (subject, most) in [(address, MOST_FAILURES_OF_ADDRESS), (client, MOST_FAILURES_OF_CLIENT)] {
            let failures = sign_in_failures::record(&mut tx, subject, now, now.plus_ms(-WINDOW_MS)).await?;
            if failures >= most {
                let until = now.plus_ms(WINDOW_MS);
                sign_in_failures::block(&mut tx, subject, until).await?;
                self.note(&mut tx, &Actor::System, Act::SignInBlocked, Object::named(subject), "For 15 minutes.")
                    .await?;
                answer = too_many(until, now);
            }
        }
        tx.commit().await?;
        Ok(answer)
    }

    pub(crate) async fn begin_session(
        &self,
        user: User,
        address: &str,
        user_agent: &str,
        now: Timestamp,
    ) -> Result<SignedIn> {
        let token = secrets::new_token("ses");
        let mut tx = self.store.begin().await?;
        let session = Session {
            token_hash: secrets::token_hash(token.expose_secret()),
            user_id: user.id,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus_ms(SESSION_MS),
            user_agent: user_agent.chars().take(300).collect(),
        };
        sessions::insert(&mut tx, &session).await?;
        sign_in_failures::clear(&mut tx, address).await?;
        sessions::purge(&mut tx, now).await?;
        let oneself = Actor::User { id: user.id, role: user.role };
        self.note(&mut tx, &oneself, Act::SignedIn, Object::new(user.id, ""), &session.user_agent).await?;
        tx.commit().await?;
        Ok(SignedIn { user, token })
    }

    /// A session for a user who has just proved who they are otherwise (the first set-up).
    pub async fn sign_in_as(&self, user: User, user_agent: &str) -> Result<SignedIn> {
        let address = format!("address:{}", email_key(&user.email).unwrap_or_default());
        self.begin_session(user, &address, user_agent, self.clock.system_now()).await
    }

    /// The user of a session; `None` if it is over. Its use prolongs it.
    pub async fn session_user(&self, token: &str) -> Result<Option<User>> {
        let (now, hash) = (self.clock.system_now(), secrets::token_hash(token));
        let found = {
            let mut tx = self.store.read().await?;
            sessions::find(&mut tx, &hash, now).await?
        };
        let Some((session, user)) = found else { return Ok(None) };
        if now.since(session.last_seen_at) > TOUCH_EVERY_MS {
            let mut tx = self.store.begin().await?;
            sessions::touch(&mut tx, &hash, now, now.plus_ms(SESSION_MS)).await?;
            tx.commit().await?;
        }
        Ok(Some(user))
    }

    /// Ends a session.
    pub async fn sign_out(&self, token: &str) -> Result<()> {
        let (now, hash) = (self.clock.system_now(), secrets::token_hash(token));
        let mut tx = self.store.begin().await?;
        if let Some((session, user)) = sessions::find(&mut tx, &hash, now).await? {
            let oneself = Actor::User { id: user.id, role: user.role };
            self.note(&mut tx, &oneself, Act::SignedOut, Object::new(user.id, ""), &session.user_agent).await?;
        }
        sessions::delete(&mut tx, &hash).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends all sessions of a user: one's own, or anyone's for admins.
    pub async fn sign_out_everywhere(&self, actor: &Actor, user: UserId) -> Result<()> {
        if actor.user_id() != Some(user) {
            super::access::admins_only(actor, "sign others out")?;
        }
        let mut tx = self.store.begin().await?;
        sessions::delete_of_user(&mut tx, user).await?;
        let name = super::access::user(&mut tx, user).await?.name;
        self.note(&mut tx, actor, Act::SignedOutEverywhere, Object::new(user, &name), "").await?;
        tx.commit().await?;
        Ok(())
    }
}
