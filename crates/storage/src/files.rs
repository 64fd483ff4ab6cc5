//! `files`, `file_parts`, `file_uses`: what is attached to emails, each content once, by its hash, in parts.
//!
//! A file is written part by part, each in its own short transaction, and complete at the end. Templates, drafts,
//! versions and edited emails are its holders; a file without one is removed a day after it was last taken in.

use crate::{
    Result, Tx, Value, args,
    tx::{list, repeated},
};
use relance_domain::{
    Timestamp,
    attachment::{Attachment, FileHash},
};
use std::collections::{BTreeSet, HashMap};

/// Bytes of one part.
pub const PART: usize = 1_048_576;

/// Begins a file, or keeps one that is there for another day; `true` if its bytes are all there already.
pub async fn begin(tx: &mut Tx, hash: FileHash, size: u64, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO files (hash, size, is_complete, kept_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (hash) DO UPDATE SET kept_at = excluded.kept_at RETURNING is_complete";
    tx.one(sql, args![&hash.0[..], size as i64, false, now], |row| row.bool("is_complete")).await
}

/// Adds a part, numbered from 0; nothing if it is there.
pub async fn append_part(tx: &mut Tx, hash: FileHash, part: usize, bytes: &[u8]) -> Result<()> {
    let sql = "INSERT INTO file_parts (hash, part, bytes) VALUES ($1, $2, $3) ON CONFLICT (hash, part) DO NOTHING";
    tx.execute(sql, args![&hash.0[..], part, bytes]).await?;
    Ok(())
}

/// All its parts are there.
pub async fn complete(tx: &mut Tx, hash: FileHash) -> Result<()> {
    tx.execute("UPDATE files SET is_complete = $2 WHERE hash = $1", args![&hash.0[..], true]).await?;
    Ok(())
}

/// The sizes of those files that are there.
pub async fn sizes(tx: &mut Tx, hashes: &[FileHash]) -> Result<HashMap<FileHash, u64>> {
    let mut found = HashMap::new();
    for chunk in hashes.chunks(crate::conditions::CHUNK) {
        let values: Vec<Value> = repeated(chunk).map(|hash| Value::from(&hash.0[..])).collect();
        let sql = format!("SELECT hash, size FROM files WHERE is_complete AND hash IN ({})", list(1, values.len()));
        for (hash, size) in tx.all(&sql, values, |row| Ok((row.bytes("hash")?, row.int("size")?))).await? {
            if let Ok(hash) = <[u8; 32]>::try_from(hash) {
                found.insert(FileHash(hash), size.unsigned_abs());
            }
        }
    }
    Ok(found)
}

/// A whole file; `None` if it is not there.
pub async fn read(tx: &mut Tx, hash: FileHash) -> Result<Option<Vec<u8>>> {
    if sizes(tx, &[hash]).await?.is_empty() {
        return Ok(None);
    }
    let sql = "SELECT bytes FROM file_parts WHERE hash = $1 ORDER BY part";
    Ok(Some(tx.all(sql, args![&hash.0[..]], |row| row.bytes("bytes")).await?.concat()))
}

/// What `holder` keeps from now on, in place of what it kept.
pub(crate) async fn hold<'a>(
    tx: &mut Tx,
    holder: &str,
    attachments: impl IntoIterator<Item = &'a Attachment>,
) -> Result<()> {
    let hashes: BTreeSet<FileHash> = attachments.into_iter().map(|file| file.hash).collect();
    tx.execute("DELETE FROM file_uses WHERE holder = $1", args![holder]).await?;
    for hash in hashes {
        tx.execute("INSERT INTO file_uses (holder, hash) VALUES ($1, $2)", args![holder, &hash.0[..]]).await?;
    }
    Ok(())
}

/// Removes up to `limit` files that nothing holds and nobody took in since `before`; how many.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: usize) -> Result<u64> {
    let sql = "DELETE FROM files WHERE hash IN (SELECT f.hash FROM files f WHERE f.kept_at < $1
            AND NOT EXISTS (SELECT 1 FROM file_uses u WHERE u.hash = f.hash) LIMIT $2)";
    tx.execute(sql, args![before, limit]).await
}
