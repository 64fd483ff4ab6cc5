//! The audit log: lines are added and read; the database refuses to change or remove them.

use crate::{
    args,
    error::Result,
    tx::{self, Tx},
    value::{Row, Value},
};
use relance_domain::{
    AuditEntryId, Timestamp, UserId,
    audit::{Act, Area, AuditEntry},
};

/// Which lines.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this user only.
    pub actor: Option<UserId>,
    /// About this area only.
    pub area: Option<Area>,
    /// This act only.
    pub act: Option<Act>,
    /// Done to the thing with this id; empty = to any.
    pub object_id: String,
    /// Whose object or detail contains this, whatever the case; empty = all.
    pub words: String,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub before: Option<Timestamp>,
}

fn entry(row: &Row) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.id("id")?,
        at: row.time("at")?,
        actor_id: row.id_opt("actor_id")?,
        act: row.word("act", Act::parse)?,
        object_id: row.text("object_id")?,
        object: row.text("object")?,
        detail: row.text("detail")?,
    })
}

/// Adds a line.
pub async fn insert(tx: &mut Tx, entry: &AuditEntry) -> Result<()> {
    let search = format!("{} {}", entry.object, entry.detail).to_lowercase();
    tx.execute(
        "INSERT INTO audit_entries (id, at, actor_id, act, object_id, object, detail, search)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            entry.id,
            entry.at,
            entry.actor_id,
            entry.act.as_str(),
            &entry.object_id,
            &entry.object,
            &entry.detail,
            &search
        ],
    )
    .await?;
    Ok(())
}

/// `text` as a part of a LIKE pattern, with `\` as the escape.
fn contained(text: &str) -> String {
    let escaped: String = text
        .to_lowercase()
        .chars()
        .flat_map(|c| if matches!(c, '%' | '_' | '\\') { vec!['\\', c] } else { vec![c] })
        .collect();
    format!("%{escaped}%")
}

/// Lines that match, the newest first, behind `after`.
pub async fn page(
    tx: &mut Tx,
    filter: &AuditFilter,
    after: Option<AuditEntryId>,
    limit: usize,
) -> Result<Vec<AuditEntry>> {
    let mut args: Vec<Value> = args![limit];
    let mut wanted = vec!["1 = 1".to_owned()];
    let mut want = |sql: &str, value: Value| {
        args.push(value);
        wanted.push(format!("{sql} ${}", args.len()));
    };
    if let Some(actor) = filter.actor {
        want("actor_id =", actor.into());
    }
    if let Some(act) = filter.act {
        want("act =", act.as_str().into());
    }
    if !filter.object_id.is_empty() {
        want("object_id =", filter.object_id.as_str().into());
    }
    if let Some(from) = filter.from {
        want("at >=", from.into());
    }
    if let Some(before) = filter.before {
        want("at <", before.into());
    }
    if let Some(after) = after {
        want("id <", after.into());
    }
    if !filter.words.trim().is_empty() {
        want("search LIKE", contained(filter.words.trim()).into());
        if let Some(last) = wanted.last_mut() {
            last.push_str(" ESCAPE '\\'");
        }
    }
    if let Some(area) = filter.area {
        let acts: Vec<_> = Act::ALL.iter().filter(|act| act.area() == area).collect();
        wanted.push(format!("act IN ({})", tx::list(args.len() + 1, acts.len())));
        args.extend(acts.iter().map(|act| Value::from(act.as_str())));
    }
    let sql = format!(
        "SELECT id, at, actor_id, act, object_id, object, detail FROM audit_entries WHERE {}
        ORDER BY id DESC LIMIT $1",
        wanted.join(" AND ")
    );
    tx.all(&sql, args, entry).await
}
