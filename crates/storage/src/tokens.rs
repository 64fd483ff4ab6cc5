//! API tokens. Secrets arrive hashed (SHA-256); a token that has ended is not found.

use crate::{
    args,
    error::Result,
    tx::Tx,
    users::{USER, user},
    value::Row,
};
use relance_domain::{
    Timestamp, TokenId, UserId,
    user::{Scope, User},
};

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

/// Adds an API token.
pub async fn insert(tx: &mut Tx, token: &Token, token_hash: &[u8]) -> Result<()> {
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
pub async fn find(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<Option<(Token, User)>> {
    let sql = format!(
        "SELECT {TOKEN}, {USER} FROM tokens t JOIN users u ON u.id = t.user_id
        WHERE t.token_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND u.deactivated_at IS NULL"
    );
    tx.first(&sql, args![token_hash, now], |row| Ok((token(row)?, user(row)?))).await
}

/// The API tokens of a user, or of everyone, newest first.
pub async fn list(tx: &mut Tx, of: Option<UserId>) -> Result<Vec<Token>> {
    let (filter, args) = match of {
        Some(user_id) => ("WHERE t.user_id = $1", args![user_id]),
        None => ("", vec![]),
    };
    tx.all(&format!("SELECT {TOKEN} FROM tokens t {filter} ORDER BY t.created_at DESC, t.id DESC"), args, token).await
}

/// Removes an API token; `false` if there was none.
pub async fn delete(tx: &mut Tx, id: TokenId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM tokens WHERE id = $1", args![id]).await? > 0)
}

/// Notes that an API token was used.
pub async fn touch(tx: &mut Tx, id: TokenId, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE tokens SET last_used_at = $2 WHERE id = $1", args![id, now]).await?;
    Ok(())
}
