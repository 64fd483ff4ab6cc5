//! The suppression list: address keys and domains that are never mailed. An entry stands once, whoever adds it.

use crate::{
    args,
    error::Result,
    tx::{self, Tx},
    value::{Row, Value},
};
use relance_domain::{
    SuppressionId, Timestamp,
    suppression::{Suppression, SuppressionReason},
};

const COLUMNS: &str = "id, entry, reason, note, added_by, created_at";
const CHUNK: usize = 1_000;

fn suppression(row: &Row) -> Result<Suppression> {
    Ok(Suppression {
        id: row.id("id")?,
        entry: row.text("entry")?,
        reason: row.word("reason", SuppressionReason::parse)?,
        note: row.text("note")?,
        added_by: row.id_opt("added_by")?,
        created_at: row.time("created_at")?,
    })
}

fn values_of(entry: &Suppression) -> Vec<Value> {
    args![entry.id, &entry.entry, entry.reason.as_str(), &entry.note, entry.added_by, entry.created_at]
}

/// Adds an entry; `false` if it was listed already, which then stays as it was.
pub async fn insert(tx: &mut Tx, entry: &Suppression) -> Result<bool> {
    Ok(insert_many(tx, std::slice::from_ref(entry)).await? > 0)
}

/// Adds entries; how many were new.
pub async fn insert_many(tx: &mut Tx, entries: &[Suppression]) -> Result<u64> {
    let mut added = 0;
    for chunk in entries.chunks(CHUNK) {
        let sql = format!(
            "INSERT INTO suppressions ({COLUMNS}) VALUES {} ON CONFLICT (entry) DO NOTHING",
            tx::values(1, chunk.len(), 6)
        );
        added += tx.execute(&sql, chunk.iter().flat_map(values_of).collect()).await?;
    }
    Ok(added)
}

/// The entry with this id.
pub async fn find(tx: &mut Tx, id: SuppressionId) -> Result<Option<Suppression>> {
    tx.first(&format!("SELECT {COLUMNS} FROM suppressions WHERE id = $1"), args![id], suppression).await
}

/// The entries among `keys` (see `relance_domain::suppression::keys_of`), for one address or for many.
pub async fn find_for_keys(tx: &mut Tx, keys: &[String]) -> Result<Vec<Suppression>> {
    let mut found = Vec::new();
    for chunk in keys.chunks(CHUNK) {
        let sql = format!("SELECT {COLUMNS} FROM suppressions WHERE entry IN ({})", tx::list(1, chunk.len()));
        found.extend(tx.all(&sql, chunk.iter().map(Value::from).collect(), suppression).await?);
    }
    Ok(found)
}

/// Takes an entry off the list; what it was.
pub async fn delete(tx: &mut Tx, id: SuppressionId) -> Result<Option<Suppression>> {
    tx.first(&format!("DELETE FROM suppressions WHERE id = $1 RETURNING {COLUMNS}"), args![id], suppression).await
}

/// Up to `limit` entries that contain `search` (empty = all), newest first, after the one at `after`.
pub async fn list(
    tx: &mut Tx,
    search: &str,
    after: Option<(Timestamp, SuppressionId)>,
    limit: usize,
) -> Result<Vec<Suppression>> {
    let (mut conditions, mut args) = (vec![String::from("1 = 1")], args![limit]);
    let search = search.trim().to_lowercase();
    if !search.is_empty() {
        args.push(search.into());
        conditions.push(format!("{}(entry, ${}) > 0", tx.position_of(), args.len()));
    }
    if let Some((at, id)) = after {
        args.extend(args![at, id]);
        conditions.push(format!("(created_at, id) < (${}, ${})", args.len() - 1, args.len()));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM suppressions WHERE {} ORDER BY created_at DESC, id DESC LIMIT $1",
        conditions.join(" AND ")
    );
    tx.all(&sql, args, suppression).await
}

/// How many entries there are.
pub async fn count(tx: &mut Tx) -> Result<i64> {
    tx.one("SELECT COUNT(*) AS number FROM suppressions", vec![], |row| row.int("number")).await
}
