//! What drafts said after each change: `sequence_drafts`. The newest of each sequence are kept, the others forgotten.

use crate::{Result, Row, Tx, args, value::json};
use relance_domain::{SequenceId, Timestamp, UserId, sequence::Plan};

/// Drafts kept of one sequence.
const KEPT: u32 = 100;

/// A draft as it was after one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDraft {
    /// Counts the changes of its sequence.
    pub number: u32,
    /// What it said.
    pub plan: Plan,
    /// Who saved it.
    pub saved_by: Option<UserId>,
    /// When.
    pub saved_at: Timestamp,
}

fn read(row: &Row) -> Result<StoredDraft> {
    Ok(StoredDraft {
        number: row.count("number")?,
        plan: row.json("draft")?,
        saved_by: row.id_opt("saved_by")?,
        saved_at: row.time("saved_at")?,
    })
}

/// Keeps a draft under its number, unless one is kept there, and forgets the oldest.
pub async fn keep(tx: &mut Tx, sequence: SequenceId, draft: &StoredDraft) -> Result<()> {
    let mut values = args![sequence, draft.number];
    values.push(json(&draft.plan));
    values.extend(args![draft.saved_by, draft.saved_at]);
    let sql = "INSERT INTO sequence_drafts (sequence_id, number, draft, saved_by, saved_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (sequence_id, number) DO NOTHING";
    tx.execute(sql, values).await?;
    let sql = "DELETE FROM sequence_drafts WHERE sequence_id = $1 AND number <= $2";
    tx.execute(sql, args![sequence, i64::from(draft.number) - i64::from(KEPT)]).await?;
    Ok(())
}

/// The draft of this number, if it is kept still.
pub async fn find(tx: &mut Tx, sequence: SequenceId, number: u32) -> Result<Option<StoredDraft>> {
    let sql = "SELECT number, draft, saved_by, saved_at FROM sequence_drafts WHERE sequence_id = $1 AND number = $2";
    tx.first(sql, args![sequence, number], read).await
}

/// The drafts after this number, oldest first.
pub async fn after(tx: &mut Tx, sequence: SequenceId, number: u32) -> Result<Vec<StoredDraft>> {
    let sql = "SELECT number, draft, saved_by, saved_at FROM sequence_drafts
        WHERE sequence_id = $1 AND number > $2 ORDER BY number";
    tx.all(sql, args![sequence, number], read).await
}
