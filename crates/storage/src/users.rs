//! Users, their sessions and API tokens, and failed sign-ins.
//!
//! Secrets arrive hashed: a password as its argon2 string, session and API tokens as SHA-256. Sessions, tokens and
//! failures live on the system clock, which the caller reads. A second user with the same address is a conflict.

use crate::{
    args,
    error::{Result, StorageError},
    tx::Tx,
    value::Row,
};
use relance_domain::{
    Timestamp, TokenId, UserId,
    person::email_key,
    user::{Role, Scope, User},
};

/// A user with what signing in needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// The argon2 string; `None` until a password is set.
    pub password_hash: Option<String>,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie.
    pub token_hash: Vec<u8>,
    /// Who is signed in.
    pub user_id: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The browser's name for itself.
    pub user_agent: String,
}

/// An API token; its text is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// On whose behalf it acts.
    pub user_id: UserId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself; `None` = when someone takes it back.
    pub expires_at: Option<Timestamp>,
}

const USER: &str =
    "u.id, u.email, u.name, u.role, u.time_zone, u.phone, u.password_hash, u.team_id, u.deactivated_at, u.created_at";

/// Reads a user from a row with the columns of `users`.
pub fn user(row: &Row) -> Result<User> {
    Ok(User {
        id: row.id("id")?,
        email: row.text("email")?,
        name: row.text("name")?,
        role: row.word("role", Role::parse)?,
        time_zone: row.text("time_zone")?,
        phone: row.text("phone")?,
        team_id: row.id_opt("team_id")?,
        deactivated_at: row.time_opt("deactivated_at")?,
        created_at: row.time("created_at")?,
    })
}

fn account(row: &Row) -> Result<Account> {
    Ok(Account { user: user(row)?, password_hash: row.text_opt("password_hash")? })
}

fn key(email: &str) -> String {
    email_key(email).unwrap_or_else(|| email.trim().to_lowercase())
}

/// Adds a user.
pub async fn insert(tx: &mut Tx, user: &User, password_hash: Option<&str>) -> Result<()> {
    tx.execute(
        "INSERT INTO users (id, email, email_key, name, role, time_zone, phone, password_hash, deactivated_at,
            created_at, updated_at, team_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)",
        args![
            user.id,
            &user.email,
            key(&user.email),
            &user.name,
            user.role.as_str(),
            &user.time_zone,
            &user.phone,
            password_hash,
            user.deactivated_at,
            user.created_at,
            user.team_id
        ],
    )
    .await?;
    Ok(())
}

/// Stores changed fields of a user; `false` if there is no such user.
pub async fn update(tx: &mut Tx, user: &User, now: Timestamp) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE users SET email = $2, email_key = $3, name = $4, role = $5, time_zone = $6, phone = $7,
                deactivated_at = $8, updated_at = $9, team_id = $10
            WHERE id = $1",
            args![
                user.id,
                &user.email,
                key(&user.email),
                &user.name,
                user.role.as_str(),
                &user.time_zone,
                &user.phone,
                user.deactivated_at,
                now,
                user.team_id
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// The user with this id.
pub async fn find(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    tx.first(&format!("SELECT {USER} FROM users u WHERE u.id = $1"), args![id], user).await
}

/// The account with this address in its compared form, deactivated or not.
pub async fn find_by_email_key(tx: &mut Tx, email_key: &str) -> Result<Option<Account>> {
    tx.first(&format!("SELECT {USER} FROM users u WHERE u.email_key = $1"), args![email_key], account).await
}

/// Every user, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<User>> {
    tx.all(&format!("SELECT {USER} FROM users u ORDER BY u.name, u.id"), vec![], user).await
}

/// How many users there are; 0 before the first run.
pub async fn count(tx: &mut Tx) -> Result<i64> {
    tx.one("SELECT COUNT(*) AS number FROM users", vec![], |row| row.int("number")).await
}

/// How many active admins there are, kept from changing until commit: the last one may not go.
pub async fn lock_admins(tx: &mut Tx) -> Result<usize> {
    let lock = tx.for_update();
    let sql = format!("SELECT id FROM users WHERE role = 'admin' AND deactivated_at IS NULL ORDER BY id{lock}");
    Ok(tx.all(&sql, vec![], |row| row.id::<UserId>("id")).await?.len())
}

/// Sets a new password; `false` if there is no such user.
pub async fn set_password_hash(tx: &mut Tx, id: UserId, password_hash: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1";
    Ok(tx.execute(sql, args![id, password_hash, now]).await? > 0)
}

/// The account with this id, with what a change of password needs.
pub async fn find_account(tx: &mut Tx, id: UserId) -> Result<Option<Account>> {
    tx.first(&format!("SELECT {USER} FROM users u WHERE u.id = $1"), args![id], account).await
}

/// Deactivates a user and ends their sessions; `false` if they were not active.
pub async fn deactivate(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE users SET deactivated_at = $2, updated_at = $2 WHERE id = $1 AND deactivated_at IS NULL";
    let changed = tx.execute(sql, args![id, now]).await?;
    delete_sessions_of_user(tx, id).await?;
    Ok(changed > 0)
}

/// Lets a deactivated user in again; `false` if they were active.
pub async fn reactivate(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE users SET deactivated_at = NULL, updated_at = $2 WHERE id = $1 AND deactivated_at IS NOT NULL";
    Ok(tx.execute(sql, args![id, now]).await? > 0)
}

/// What two-step sign-in needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoStep {
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// The last step of 30 seconds whose code was used; earlier ones and this one are not taken again.
    pub used_step: Option<i64>,
}

/// Two-step sign-in of a user; `None` = off.
pub async fn two_step(tx: &mut Tx, id: UserId) -> Result<Option<TwoStep>> {
    let sql = "SELECT totp_secret, totp_step FROM users WHERE id = $1 AND totp_secret IS NOT NULL";
    tx.first(sql, args![id], |row| {
        Ok(TwoStep { sealed: row.bytes("totp_secret")?, used_step: row.int_opt("totp_step")? })
    })
    .await
}

/// The users with two-step sign-in.
pub async fn with_two_step(tx: &mut Tx) -> Result<Vec<UserId>> {
    tx.all("SELECT id FROM users WHERE totp_secret IS NOT NULL", vec![], |row| row.id("id")).await
}

/// Turns two-step sign-in on with a sealed secret and hashed recovery codes, or off with `None` and none.
pub async fn set_two_step(
    tx: &mut Tx,
    id: UserId,
    sealed: Option<Vec<u8>>,
    recovery_codes: &[Vec<u8>],
) -> Result<bool> {
    let sql = "UPDATE users SET totp_secret = $2, totp_step = NULL WHERE id = $1";
    let changed = tx.execute(sql, args![id, sealed]).await?;
    tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", args![id]).await?;
    for code in recovery_codes {
        let sql = "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)";
        tx.execute(sql, args![id, code.as_slice()]).await?;
    }
    Ok(changed > 0)
}

/// Notes that the code of `step` was used; `false` if that or a later one was used before.
pub async fn use_step(tx: &mut Tx, id: UserId, step: i64) -> Result<bool> {
    let sql = "UPDATE users SET totp_step = $2 WHERE id = $1 AND (totp_step IS NULL OR totp_step < $2)";
    Ok(tx.execute(sql, args![id, step]).await? > 0)
}

/// Uses up a recovery code; `false` if there is no such code.
pub async fn use_recovery_code(tx: &mut Tx, id: UserId, code_hash: &[u8]) -> Result<bool> {
    let sql = "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
    Ok(tx.execute(sql, args![id, code_hash]).await? > 0)
}

/// How many recovery codes a user has left.
pub async fn count_recovery_codes(tx: &mut Tx, id: UserId) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS number FROM recovery_codes WHERE user_id = $1";
    tx.one(sql, args![id], |row| row.int("number")).await
}

/// Begins a session.
pub async fn create_session(tx: &mut Tx, session: &Session) -> Result<()> {
    tx.execute(
        "INSERT INTO sessions (token_hash, user_id, created_at, last_seen_at, expires_at, user_agent)
        VALUES ($1, $2, $3, $4, $5, $6)",
        args![
            session.token_hash.clone(),
            session.user_id,
            session.created_at,
            session.last_seen_at,
            session.expires_at,
            &session.user_agent
        ],
    )
    .await?;
    Ok(())
}

fn session(row: &Row) -> Result<Session> {
    Ok(Session {
        token_hash: row.bytes("token_hash")?,
        user_id: row.id("user_id")?,
        created_at: row.time("session_created_at")?,
        last_seen_at: row.time("last_seen_at")?,
        expires_at: row.time("expires_at")?,
        user_agent: row.text("user_agent")?,
    })
}

/// The unexpired session behind a cookie and its active user.
pub async fn find_session(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<Option<(Session, User)>> {
    let sql = format!(
        "SELECT s.token_hash, s.user_id, s.created_at AS session_created_at, s.last_seen_at, s.expires_at,
            s.user_agent, {USER}
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.deactivated_at IS NULL"
    );
    tx.first(&sql, args![token_hash, now], |row| Ok((session(row)?, user(row)?))).await
}

/// Notes that a session was used and until when it now lasts.
pub async fn touch_session(tx: &mut Tx, token_hash: &[u8], now: Timestamp, expires_at: Timestamp) -> Result<()> {
    let sql = "UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE token_hash = $1";
    tx.execute(sql, args![token_hash, now, expires_at]).await?;
    Ok(())
}

/// The unexpired sessions of a user, the one used last first.
pub async fn sessions_of_user(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    let sql = "SELECT token_hash, user_id, created_at AS session_created_at, last_seen_at, expires_at, user_agent
        FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY last_seen_at DESC, created_at DESC";
    tx.all(sql, args![user, now], session).await
}

/// Up to when a user has seen the answers that came.
pub async fn replies_seen_at(tx: &mut Tx, user: UserId) -> Result<Option<Timestamp>> {
    tx.one("SELECT replies_seen_at FROM users WHERE id = $1", args![user], |row| row.time_opt("replies_seen_at")).await
}

/// Notes up to when a user has seen the answers that came; never back.
pub async fn set_replies_seen_at(tx: &mut Tx, user: UserId, at: Timestamp) -> Result<()> {
    let sql =
        "UPDATE users SET replies_seen_at = $2 WHERE id = $1 AND (replies_seen_at IS NULL OR replies_seen_at < $2)";
    tx.execute(sql, args![user, at]).await?;
    Ok(())
}

/// Ends a session.
pub async fn delete_session(tx: &mut Tx, token_hash: &[u8]) -> Result<bool> {
    Ok(tx.execute("DELETE FROM sessions WHERE token_hash = $1", args![token_hash]).await? > 0)
}

/// Ends every session of a user; how many.
pub async fn delete_sessions_of_user(tx: &mut Tx, user_id: UserId) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE user_id = $1", args![user_id]).await
}

/// Removes expired sessions; how many.
pub async fn purge_sessions(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE expires_at <= $1", args![now]).await
}

/// Adds an API token.
pub async fn insert_token(tx: &mut Tx, token: &Token, token_hash: &[u8]) -> Result<()> {
    tx.execute(
        "INSERT INTO tokens (id, user_id, name, scope, token_hash, created_at, last_used_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            token.id,
            token.user_id,
            &token.name,
            token.scope.as_str(),
            token_hash,
            token.created_at,
            token.last_used_at,
            token.expires_at
        ],
    )
    .await?;
    Ok(())
}

const TOKEN: &str = "t.id AS token_id, t.user_id, t.name AS token_name, t.scope, \
    t.created_at AS token_created_at, t.last_used_at, t.expires_at";

fn token(row: &Row) -> Result<Token> {
    Ok(Token {
        id: row.id("token_id")?,
        user_id: row.id("user_id")?,
        name: row.text("token_name")?,
        scope: row.word("scope", Scope::parse)?,
        created_at: row.time("token_created_at")?,
        last_used_at: row.time_opt("last_used_at")?,
        expires_at: row.time_opt("expires_at")?,
    })
}

/// The API token with this hash that has not ended at `now` (system clock), and its active user.
pub async fn find_token(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<Option<(Token, User)>> {
    let sql = format!(
        "SELECT {TOKEN}, {USER} FROM tokens t JOIN users u ON u.id = t.user_id
        WHERE t.token_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND u.deactivated_at IS NULL"
    );
    tx.first(&sql, args![token_hash, now], |row| Ok((token(row)?, user(row)?))).await
}

/// The API tokens of a user, or of everyone, newest first.
pub async fn list_tokens(tx: &mut Tx, of: Option<UserId>) -> Result<Vec<Token>> {
    let (filter, args) = match of {
        Some(user_id) => ("WHERE t.user_id = $1", args![user_id]),
        None => ("", vec![]),
    };
    tx.all(&format!("SELECT {TOKEN} FROM tokens t {filter} ORDER BY t.created_at DESC, t.id DESC"), args, token).await
}

/// Removes an API token; `false` if there was none.
pub async fn delete_token(tx: &mut Tx, id: TokenId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM tokens WHERE id = $1", args![id]).await? > 0)
}

/// Notes that an API token was used.
pub async fn touch_token(tx: &mut Tx, id: TokenId, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE tokens SET last_used_at = $2 WHERE id = $1", args![id, now]).await?;
    Ok(())
}

/// A subject as it is kept: whatever was typed as an address, it fits an index.
fn subject_key(subject: &str) -> String {
    subject.chars().take(254).collect()
}

/// Counts one failed sign-in of `subject` (an address or a client); the failures since `window_start`.
pub async fn record_sign_in_failure(
    tx: &mut Tx,
    subject: &str,
    now: Timestamp,
    window_start: Timestamp,
) -> Result<i64> {
    tx.one(
        "INSERT INTO sign_in_failures AS f (subject, failures, first_at, blocked_until) VALUES ($1, 1, $2, NULL)
        ON CONFLICT (subject) DO UPDATE SET
            failures = CASE WHEN f.first_at < $3 THEN 1 ELSE f.failures + 1 END,
            first_at = CASE WHEN f.first_at < $3 THEN $2 ELSE f.first_at END
        RETURNING failures",
        args![subject_key(subject), now, window_start],
        |row| row.int("failures"),
    )
    .await
}

/// Refuses sign-ins of `subject` until then.
pub async fn block_sign_in(tx: &mut Tx, subject: &str, until: Timestamp) -> Result<()> {
    let changed = tx
        .execute(
            "UPDATE sign_in_failures SET blocked_until = $2 WHERE subject = $1",
            args![subject_key(subject), until],
        )
        .await?;
    if changed == 0 {
        return Err(StorageError::Corrupt(format!("no failed sign-in of {subject} to block")));
    }
    Ok(())
}

/// Until when sign-ins of any of `subjects` are refused, if they are at `now`.
pub async fn blocked_until(tx: &mut Tx, subjects: &[&str], now: Timestamp) -> Result<Option<Timestamp>> {
    if subjects.is_empty() {
        return Ok(None);
    }
    let mut args = args![now];
    args.extend(subjects.iter().map(|subject| crate::Value::from(subject_key(subject))));
    let sql = format!(
        "SELECT MAX(blocked_until) AS until FROM sign_in_failures WHERE blocked_until > $1 AND subject IN ({})",
        crate::tx::list(2, subjects.len())
    );
    tx.one(&sql, args, |row| row.time_opt("until")).await
}

/// Forgets the failed sign-ins of `subject`, after a good one.
pub async fn clear_sign_in_failures(tx: &mut Tx, subject: &str) -> Result<()> {
    tx.execute("DELETE FROM sign_in_failures WHERE subject = $1", args![subject_key(subject)]).await?;
    Ok(())
}

/// Forgets failed sign-ins that began before `before` and block nothing at `now`; how many.
pub async fn purge_sign_in_failures(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM sign_in_failures WHERE first_at < $1 AND (blocked_until IS NULL OR blocked_until <= $2)";
    tx.execute(sql, args![before, now]).await
}
