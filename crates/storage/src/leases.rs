//! Leases and nodes: who works for a mailbox, `leases`; nodes are recorded in `workspace`.
//!
//! All times are of the database's clock, read inside the statements. An epoch rises with every new owner and with
//! every return after an expiry, and never falls: a released lease keeps its row.

use crate::{Result, Tx, args};
use relance_domain::{MailboxId, NodeId, Timestamp, delivery::Delivery};

pub use crate::workspace::{record_node as heartbeat, remove_node};

/// Takes the lease if it is free, expired or our own, for `ttl_ms`; its epoch, `None` if another node holds it.
pub async fn acquire(tx: &mut Tx, mailbox: MailboxId, node: NodeId, ttl_ms: i64) -> Result<Option<i64>> {
    let now = tx.database_now();
    let sql = format!(
        "INSERT INTO leases (mailbox_id, node_id, epoch, expires_at) VALUES ($1, $2, 1, {now} + $3)
         ON CONFLICT (mailbox_id) DO UPDATE SET node_id = excluded.node_id, expires_at = excluded.expires_at,
            epoch = CASE WHEN leases.node_id = excluded.node_id AND leases.expires_at > {now} THEN leases.epoch
                ELSE leases.epoch + 1 END
         WHERE leases.expires_at <= {now} OR leases.node_id = excluded.node_id
         RETURNING epoch"
    );
    tx.first(&sql, args![mailbox, node, ttl_ms], |row| row.int("epoch")).await
}

/// Prolongs every live lease of the node; what it still holds, with epochs. An expired one is lost.
pub async fn renew_all(tx: &mut Tx, node: NodeId, ttl_ms: i64) -> Result<Vec<(MailboxId, i64)>> {
    let now = tx.database_now();
    let sql = format!(
        "UPDATE leases SET expires_at = {now} + $2 WHERE node_id = $1 AND expires_at > {now} RETURNING mailbox_id, epoch"
    );
    tx.all(&sql, args![node, ttl_ms], |row| Ok((row.id("mailbox_id")?, row.int("epoch")?))).await
}

/// Gives the lease back at once; false if the node does not hold it.
pub async fn release(tx: &mut Tx, mailbox: MailboxId, node: NodeId) -> Result<bool> {
    let sql = "UPDATE leases SET expires_at = 0 WHERE mailbox_id = $1 AND node_id = $2 AND expires_at > 0";
    Ok(tx.execute(sql, args![mailbox, node]).await? > 0)
}

/// Gives every lease of the node back; how many.
pub async fn release_all(tx: &mut Tx, node: NodeId) -> Result<u64> {
    tx.execute("UPDATE leases SET expires_at = 0 WHERE node_id = $1 AND expires_at > 0", args![node]).await
}

/// What the node holds now, with epochs.
pub async fn held(tx: &mut Tx, node: NodeId) -> Result<Vec<(MailboxId, i64)>> {
    let now = tx.database_now();
    let sql =
        format!("SELECT mailbox_id, epoch FROM leases WHERE node_id = $1 AND expires_at > {now} ORDER BY mailbox_id");
    tx.all(&sql, args![node], |row| Ok((row.id("mailbox_id")?, row.int("epoch")?))).await
}

/// Whether the lease is live under this epoch; kept from changing until commit.
pub async fn check(tx: &mut Tx, mailbox: MailboxId, epoch: i64) -> Result<bool> {
    let (now, lock) = (tx.database_now(), tx.for_share());
    let sql = format!("SELECT epoch FROM leases WHERE mailbox_id = $1 AND epoch = $2 AND expires_at > {now}{lock}");
    Ok(tx.first(&sql, args![mailbox, epoch], |row| row.int("epoch")).await?.is_some())
}

/// Mailboxes in use, whatever their state, that nobody works for.
pub async fn unowned(tx: &mut Tx, limit: u32) -> Result<Vec<MailboxId>> {
    let now = tx.database_now();
    let sql = format!(
        "SELECT m.id FROM mailboxes m WHERE m.deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM leases l WHERE l.mailbox_id = m.id AND l.expires_at > {now})
         ORDER BY m.id LIMIT $1"
    );
    tx.all(&sql, args![limit], |row| row.id("id")).await
}

/// Emails past the point of no return whose owner is gone: nobody holds the lease under their epoch.
pub async fn leaving_without_owner(tx: &mut Tx, limit: u32) -> Result<Vec<Delivery>> {
    without_owner(tx, "leaving", limit).await
}

/// Claimed emails whose owner is gone: they go back unsent.
pub async fn claimed_without_owner(tx: &mut Tx, limit: u32) -> Result<Vec<Delivery>> {
    without_owner(tx, "claimed", limit).await
}

async fn without_owner(tx: &mut Tx, state: &str, limit: u32) -> Result<Vec<Delivery>> {
    let (now, columns) = (tx.database_now(), crate::deliveries::COLUMNS);
    let sql = format!(
        "SELECT {columns} FROM deliveries d WHERE d.state = '{state}' AND NOT EXISTS (
            SELECT 1 FROM leases l WHERE l.mailbox_id = d.mailbox_id AND l.epoch = d.epoch AND l.expires_at > {now})
         ORDER BY d.id LIMIT $1"
    );
    tx.all(&sql, args![limit], crate::deliveries::read).await
}

/// The database's own clock.
pub async fn database_time(tx: &mut Tx) -> Result<Timestamp> {
    let sql = format!("SELECT {} AS now", tx.database_now());
    tx.one(&sql, vec![], |row| row.time("now")).await
}

/// Ends every lease: for the one node of a SQLite database, which knows that no other lives.
pub async fn expire_all(tx: &mut Tx) -> Result<()> {
    tx.execute("UPDATE leases SET expires_at = 0 WHERE expires_at > 0", vec![]).await?;
    Ok(())
}
