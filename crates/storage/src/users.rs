//! Users and their two-step sign-in. Their sessions are in `sessions`, their API tokens in `tokens`, failed sign-ins in
//! `sign_in_failures`.
//!
//! A password arrives as its argon2 string. A second user with the same address is a conflict.

use crate::{args, error::Result, tx::Tx, value::Row};
use relance_domain::{
    Timestamp, UserId,
    person::email_key,
    user::{Role, User},
};

/// A user with what signing in needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// The argon2 string; `None` until a password is set.
    pub password_hash: Option<String>,
}

pub(crate) const USER: &str =
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
    crate::sessions::delete_of_user(tx, id).await?;
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
