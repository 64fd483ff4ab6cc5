//! Uploaded files that wait for their columns to be chosen: in parts, so that any node can go on with them.

use crate::{args, error::Result, tx::Tx};
use relance_domain::{Timestamp, UploadId, UserId};

/// Adds a file without its parts.
pub async fn insert(tx: &mut Tx, id: UploadId, user: UserId, name: &str, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO uploads (id, user_id, name, created_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![id, user, name, now]).await?;
    Ok(())
}

/// Adds a part, numbered from 0.
pub async fn append_part(tx: &mut Tx, id: UploadId, part: usize, bytes: &[u8]) -> Result<()> {
    let sql = "INSERT INTO upload_parts (upload_id, part, bytes) VALUES ($1, $2, $3)";
    tx.execute(sql, args![id, part, bytes]).await?;
    Ok(())
}

/// The name of this user's file; `None` if they have no such file.
pub async fn name(tx: &mut Tx, id: UploadId, user: UserId) -> Result<Option<String>> {
    tx.first("SELECT name FROM uploads WHERE id = $1 AND user_id = $2", args![id, user], |row| row.text("name")).await
}

/// The whole file.
pub async fn read(tx: &mut Tx, id: UploadId) -> Result<Vec<u8>> {
    let sql = "SELECT bytes FROM upload_parts WHERE upload_id = $1 ORDER BY part";
    Ok(tx.all(sql, args![id], |row| row.bytes("bytes")).await?.concat())
}

/// Removes a file.
pub async fn delete(tx: &mut Tx, id: UploadId) -> Result<()> {
    tx.execute("DELETE FROM uploads WHERE id = $1", args![id]).await?;
    Ok(())
}

/// Removes up to `limit` files from before `before`; how many.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: usize) -> Result<u64> {
    let sql = "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE created_at < $1 LIMIT $2)";
    tx.execute(sql, args![before, limit]).await
}
