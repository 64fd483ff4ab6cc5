//! The workspace's one row, and the nodes that serve it.
//!
//! The row carries the settings, *stop all sending* with its revision, the check value of the secret key, the offset
//! of the business clock (it never goes back) and the engine's heartbeat (system clock).

use crate::{
    args,
    error::Result,
    tx::Tx,
    value::{Row, json},
};
use relance_domain::{NodeId, Timestamp, user::Visibility, workspace::Workspace};

/// The offset of the business clock and the last business instant it was stored at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset {
    /// Milliseconds the business clock is ahead of the system clock.
    pub offset_ms: i64,
    /// The business instant of the last write.
    pub at: Timestamp,
}

/// A serving process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its id, new at every start.
    pub id: NodeId,
    /// When it started, by the database's clock.
    pub started_at: Timestamp,
    /// Its last sign of life, by the database's clock.
    pub heartbeat_at: Timestamp,
}

/// Creates the workspace at the first run; `false` if there is one already.
pub async fn create(tx: &mut Tx, workspace: &Workspace, key_check: &[u8], now: Timestamp) -> Result<bool> {
    let created = tx
        .execute(
            "INSERT INTO workspace (id, name, time_zone, schedule, postal_address, paused_at, revision, key_check,
                clock_offset_ms, clock_at, heartbeat_at, created_at, people_visibility, holidays)
            VALUES (1, $1, $2, $3, $4, $5, $6, $7, 0, $8, NULL, $8, $9, $10)
            ON CONFLICT (id) DO NOTHING",
            args![
                &workspace.name,
                &workspace.time_zone,
                json(&workspace.schedule),
                &workspace.postal_address,
                workspace.paused_at,
                workspace.revision,
                key_check,
                now,
                workspace.people_visibility.as_str(),
                json(&workspace.holidays)
            ],
        )
        .await?;
    Ok(created > 0)
}

fn workspace(row: &Row) -> Result<Workspace> {
    Ok(Workspace {
        name: row.text("name")?,
        time_zone: row.text("time_zone")?,
        schedule: row.json("schedule")?,
        holidays: row.json("holidays")?,
        postal_address: row.text("postal_address")?,
        people_visibility: row.word("people_visibility", Visibility::parse)?,
        paused_at: row.time_opt("paused_at")?,
        revision: row.int("revision")?,
    })
}

/// The workspace; `None` before the first run.
pub async fn read(tx: &mut Tx) -> Result<Option<Workspace>> {
    let sql = "SELECT name, time_zone, schedule, holidays, postal_address, people_visibility, paused_at, revision
        FROM workspace WHERE id = 1";
    tx.first(sql, vec![], workspace).await
}

/// Stores changed settings; pause and revision stay as they are.
pub async fn update_settings(tx: &mut Tx, workspace: &Workspace) -> Result<()> {
    tx.execute(
        "UPDATE workspace SET name = $1, time_zone = $2, schedule = $3, postal_address = $4, people_visibility = $5,
            holidays = $6
        WHERE id = 1",
        args![
            &workspace.name,
            &workspace.time_zone,
            json(&workspace.schedule),
            &workspace.postal_address,
            workspace.people_visibility.as_str(),
            json(&workspace.holidays)
        ],
    )
    .await?;
    Ok(())
}

/// The names of the widgets beside a person's history, in their order; empty = the default.
pub async fn person_layout(tx: &mut Tx) -> Result<Vec<String>> {
    let found = tx.first("SELECT person_layout FROM workspace WHERE id = 1", vec![], |row| row.json("person_layout"));
    Ok(found.await?.unwrap_or_default())
}

/// Stores the names of the widgets beside a person's history.
pub async fn set_person_layout(tx: &mut Tx, names: &[&str]) -> Result<()> {
    tx.execute("UPDATE workspace SET person_layout = $1 WHERE id = 1", args![json(&names)]).await?;
    Ok(())
}

/// Stops all sending and raises the revision; `false` if it was stopped already.
pub async fn pause(tx: &mut Tx, now: Timestamp) -> Result<bool> {
    // The point of no return holds this row `FOR KEY SHARE`: a plain update would not wait for it.
    let sql = format!("SELECT revision FROM workspace WHERE id = 1{}", tx.for_update());
    tx.first(&sql, vec![], |row| row.int("revision")).await?;
    let sql = "UPDATE workspace SET paused_at = $1, revision = revision + 1 WHERE id = 1 AND paused_at IS NULL";
    Ok(tx.execute(sql, args![now]).await? > 0)
}

/// Lets mail leave again; `false` if nothing was stopped.
pub async fn resume(tx: &mut Tx, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE workspace SET paused_at = NULL, resumed_at = $1 WHERE id = 1 AND paused_at IS NOT NULL";
    Ok(tx.execute(sql, args![now]).await? > 0)
}

/// The check value of the secret key; `None` before the first run.
pub async fn key_check(tx: &mut Tx) -> Result<Option<Vec<u8>>> {
    tx.first("SELECT key_check FROM workspace WHERE id = 1", vec![], |row| row.bytes("key_check")).await
}

/// The stored offset of the business clock; `None` before the first run.
pub async fn clock_offset(tx: &mut Tx) -> Result<Option<ClockOffset>> {
    tx.first("SELECT clock_offset_ms, clock_at FROM workspace WHERE id = 1", vec![], |row| {
        Ok(ClockOffset { offset_ms: row.int("clock_offset_ms")?, at: row.time("clock_at")? })
    })
    .await
}

/// Stores an offset of the business clock and returns what then holds: neither value ever goes back.
pub async fn store_clock_offset(tx: &mut Tx, clock: ClockOffset) -> Result<ClockOffset> {
    tx.one(
        "UPDATE workspace SET
            clock_offset_ms = CASE WHEN clock_offset_ms > $1 THEN clock_offset_ms ELSE $1 END,
            clock_at = CASE WHEN clock_at > $2 THEN clock_at ELSE $2 END
        WHERE id = 1 RETURNING clock_offset_ms, clock_at",
        args![clock.offset_ms, clock.at],
        |row| Ok(ClockOffset { offset_ms: row.int("clock_offset_ms")?, at: row.time("clock_at")? }),
    )
    .await
}

/// The engine's last heartbeat, by the system clock; `None` if it never ran.
pub async fn heartbeat(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let found = tx.first("SELECT heartbeat_at FROM workspace WHERE id = 1", vec![], |row| row.time_opt("heartbeat_at"));
    Ok(found.await?.flatten())
}

/// Notes that the engine is alive.
pub async fn record_heartbeat(tx: &mut Tx, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE workspace SET heartbeat_at = $1 WHERE id = 1", args![now]).await?;
    Ok(())
}

/// Announces a node, or notes that it is alive, by the database's clock.
pub async fn record_node(tx: &mut Tx, id: NodeId) -> Result<()> {
    let now = tx.database_now();
    let sql = format!(
        "INSERT INTO nodes (id, started_at, heartbeat_at) VALUES ($1, {now}, {now})
        ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at"
    );
    tx.execute(&sql, args![id]).await?;
    Ok(())
}

/// The nodes heard of within `patience_ms`, the oldest first.
pub async fn list_live_nodes(tx: &mut Tx, patience_ms: i64) -> Result<Vec<Node>> {
    let sql = format!(
        "SELECT id, started_at, heartbeat_at FROM nodes WHERE heartbeat_at > {} - $1 ORDER BY started_at, id",
        tx.database_now()
    );
    tx.all(&sql, args![patience_ms], node).await
}

fn node(row: &Row) -> Result<Node> {
    Ok(Node { id: row.id("id")?, started_at: row.time("started_at")?, heartbeat_at: row.time("heartbeat_at")? })
}

/// Every node on record, the oldest first.
pub async fn list_nodes(tx: &mut Tx) -> Result<Vec<Node>> {
    tx.all("SELECT id, started_at, heartbeat_at FROM nodes ORDER BY started_at, id", vec![], node).await
}

/// Takes a node off the record, at its orderly end; `false` if it was not on it.
pub async fn remove_node(tx: &mut Tx, id: NodeId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM nodes WHERE id = $1", args![id]).await? > 0)
}
