//! Mailboxes with their sealed credentials, quota days and folder positions: `mailboxes`, `mailbox_days`,
//! `mailbox_folders`.
//!
//! Passwords are bytes sealed elsewhere; they are read only by [`find_with_credentials`]. Anything that must keep an
//! email from leaving raises the mailbox's revision, which the point of no return compares.

use crate::{
    Result, Row, StorageError, Tx, Value, args,
    conditions::{CHUNK, ids},
    tx::list,
    value::json,
};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use relance_domain::{
    MailboxId, Timestamp, UserId,
    mailbox::{Endpoint, Mailbox, MailboxState, Provider, Security},
    person::email_key,
};

const COLUMNS: &str = "m.id, m.user_id, m.address, m.from_name, m.provider, m.smtp_host, m.smtp_port, m.smtp_security, \
    m.smtp_username, m.imap_host, m.imap_port, m.imap_security, m.imap_username, m.aliases, m.signature_html, \
    m.time_zone, m.daily_quota, m.min_gap_seconds, m.away, m.state, m.state_since, m.state_message, m.revision, \
    m.proved_at, m.last_sent_at, m.created_at, m.ramp_up, m.jitter_percent, m.watched_folders, m.is_default";

fn read(row: &Row) -> Result<Mailbox> {
    Ok(Mailbox {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        address: row.text("address")?,
        from_name: row.text("from_name")?,
        provider: row.word("provider", Provider::parse)?,
        smtp: endpoint(row, ["smtp_host", "smtp_port", "smtp_security", "smtp_username"])?,
        imap: endpoint(row, ["imap_host", "imap_port", "imap_security", "imap_username"])?,
        aliases: row.json("aliases")?,
        signature_html: row.text("signature_html")?,
        time_zone: row.text("time_zone")?,
        daily_quota: row.count("daily_quota")?,
        ramp_up: row.json_opt("ramp_up")?,
        min_gap_seconds: row.count("min_gap_seconds")?,
        jitter_percent: row.count("jitter_percent")?,
        away: row.json("away")?,
        watched_folders: row.json("watched_folders")?,
        is_default: row.bool("is_default")?,
        state: state(row)?,
        revision: row.int("revision")?,
        proved_at: row.time_opt("proved_at")?,
        last_sent_at: row.time_opt("last_sent_at")?,
        created_at: row.time("created_at")?,
    })
}

fn endpoint(row: &Row, [host, port, security, username]: [&str; 4]) -> Result<Option<Endpoint>> {
    let Some(host) = row.text_opt(host)? else { return Ok(None) };
    let number = row.int(port)?;
    Ok(Some(Endpoint {
        host,
        port: u16::try_from(number).map_err(|_| StorageError::Corrupt(format!("mailboxes.{port} = {number}")))?,
        security: row.word(security, Security::parse)?,
        username: row.text(username)?,
    }))
}

fn state(row: &Row) -> Result<MailboxState> {
    let word = row.text("state")?;
    let since = row.time_opt("state_since")?.unwrap_or_default();
    let message = row.text_opt("state_message")?.unwrap_or_default();
    Ok(match word.as_str() {
        "connected" => MailboxState::Connected,
        "paused" => MailboxState::Paused,
        "unreachable" => MailboxState::Unreachable { since, message },
        "auth_failed" => MailboxState::AuthFailed { since, message },
        "misconfigured" => MailboxState::Misconfigured { since, message },
        _ => return Err(StorageError::Corrupt(format!("mailboxes.state = {word}"))),
    })
}

const fn since(state: &MailboxState) -> Option<Timestamp> {
    match state {
        MailboxState::Connected | MailboxState::Paused => None,
        MailboxState::Unreachable { since, .. }
        | MailboxState::AuthFailed { since, .. }
        | MailboxState::Misconfigured { since, .. } => Some(*since),
    }
}

/// Passwords or tokens, sealed; as bytes that mean nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// For submission.
    pub smtp: Option<Vec<u8>>,
    /// For reading.
    pub imap: Option<Vec<u8>>,
}

fn endpoint_values(endpoint: Option<&Endpoint>) -> Vec<Value> {
    args![
        endpoint.map(|e| e.host.as_str()),
        endpoint.map(|e| e.port),
        endpoint.map(|e| e.security.as_str()),
        endpoint.map(|e| e.username.as_str()),
    ]
}

fn setting_values(m: &Mailbox) -> Vec<Value> {
    let mut values = args![m.from_name.as_str()];
    values.extend(endpoint_values(m.smtp.as_ref()));
    values.extend(endpoint_values(m.imap.as_ref()));
    values.push(json(&m.aliases));
    values.extend(args![&m.signature_html, &m.time_zone, m.daily_quota, m.min_gap_seconds]);
    values.push(json(&m.away));
    values.push(m.ramp_up.as_ref().map_or(Value::Text(None), json));
    values.extend(args![m.jitter_percent]);
    values.push(json(&m.watched_folders));
    values
}

/// Stores a new mailbox; a conflict if the address is connected already.
pub async fn insert(tx: &mut Tx, mailbox: &Mailbox, credentials: Credentials) -> Result<()> {
    let m = mailbox;
    let key = email_key(&m.address).unwrap_or_else(|| m.address.to_lowercase());
    let mut values = setting_values(m);
    values.extend(args![m.id, m.user_id, &m.address, key, m.provider.as_str(), credentials.smtp, credentials.imap]);
    values.extend(args![m.state.as_str(), since(&m.state), m.state.message(), m.revision]);
    values.extend(args![m.proved_at, m.last_sent_at, m.created_at]);
    tx.execute(
        "INSERT INTO mailboxes (from_name, smtp_host, smtp_port, smtp_security, smtp_username, imap_host, imap_port,
            imap_security, imap_username, aliases, signature_html, time_zone, daily_quota, min_gap_seconds, away,
            ramp_up, jitter_percent, watched_folders, id, user_id, address, address_key, provider, smtp_password, imap_password, state, state_since,
            state_message, revision, proved_at, last_sent_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $32)",
        values,
    )
    .await?;
    Ok(())
}

/// Replaces its settings; address, provider, credentials and state stay. False if there is no such mailbox.
pub async fn update(tx: &mut Tx, mailbox: &Mailbox, now: Timestamp) -> Result<bool> {
    let mut values = setting_values(mailbox);
    values.extend(args![mailbox.id, now]);
    let sql = "UPDATE mailboxes SET from_name = $1, smtp_host = $2, smtp_port = $3, smtp_security = $4,
            smtp_username = $5, imap_host = $6, imap_port = $7, imap_security = $8, imap_username = $9, aliases = $10,
            signature_html = $11, time_zone = $12, daily_quota = $13, min_gap_seconds = $14, away = $15,
            ramp_up = $16, jitter_percent = $17, watched_folders = $18, updated_at = $20
         WHERE id = $19 AND deleted_at IS NULL";
    Ok(tx.execute(sql, values).await? > 0)
}

/// Replaces the sealed credentials; false if there is no such mailbox.
pub async fn set_credentials(tx: &mut Tx, id: MailboxId, credentials: Credentials, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE mailboxes SET smtp_password = $2, imap_password = $3, updated_at = $4
        WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.execute(sql, args![id, credentials.smtp, credentials.imap, now]).await? > 0)
}

/// The mailbox with this id, also a deleted one: history names it.
pub async fn find(tx: &mut Tx, id: MailboxId) -> Result<Option<Mailbox>> {
    tx.first(&format!("SELECT {COLUMNS} FROM mailboxes m WHERE m.id = $1"), args![id], read).await
}

/// The mailboxes with these ids, in no order.
pub async fn find_many(tx: &mut Tx, wanted: &[MailboxId]) -> Result<Vec<Mailbox>> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let sql = format!("SELECT {COLUMNS} FROM mailboxes m WHERE m.id IN ({})", list(1, chunk.len()));
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}

/// The mailbox in use with this address.
pub async fn find_by_address(tx: &mut Tx, address: &str) -> Result<Option<Mailbox>> {
    let Some(key) = email_key(address) else { return Ok(None) };
    let sql = format!("SELECT {COLUMNS} FROM mailboxes m WHERE m.address_key = $1 AND m.deleted_at IS NULL");
    tx.first(&sql, args![key], read).await
}

/// A mailbox in use with its sealed credentials, for the one who connects.
pub async fn find_with_credentials(tx: &mut Tx, id: MailboxId) -> Result<Option<(Mailbox, Credentials)>> {
    let sql = format!(
        "SELECT {COLUMNS}, m.smtp_password, m.imap_password FROM mailboxes m WHERE m.id = $1 AND m.deleted_at IS NULL"
    );
    tx.first(&sql, args![id], |row| {
        let credentials = Credentials { smtp: row.bytes_opt("smtp_password")?, imap: row.bytes_opt("imap_password")? };
        Ok((read(row)?, credentials))
    })
    .await
}

/// Every mailbox in use, oldest first.
pub async fn all(tx: &mut Tx) -> Result<Vec<Mailbox>> {
    let sql = format!("SELECT {COLUMNS} FROM mailboxes m WHERE m.deleted_at IS NULL ORDER BY m.created_at, m.id");
    tx.all(&sql, vec![], read).await
}

/// The mailboxes in use of one user: the one emails leave from where nothing else is said, then the oldest first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<Mailbox>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM mailboxes m WHERE m.user_id = $1 AND m.deleted_at IS NULL
         ORDER BY m.is_default DESC, m.created_at, m.id"
    );
    tx.all(&sql, args![user], read).await
}

/// Makes this the mailbox that emails of its user leave from where nothing else is said.
pub async fn set_default(tx: &mut Tx, user: UserId, id: MailboxId) -> Result<()> {
    tx.execute("UPDATE mailboxes SET is_default = FALSE WHERE user_id = $1 AND is_default", args![user]).await?;
    let sql = "UPDATE mailboxes SET is_default = TRUE WHERE id = $2 AND user_id = $1 AND deleted_at IS NULL";
    tx.execute(sql, args![user, id]).await?;
    Ok(())
}

/// Keeps the point of no return out until commit. It holds the mailbox `FOR KEY SHARE`, so that the plain updates of
/// the outcome pass; what raises the revision must wait for it and make it wait.
async fn lock_against_leaving(tx: &mut Tx, id: MailboxId) -> Result<()> {
    let sql = format!("SELECT id FROM mailboxes WHERE id = $1{}", tx.for_update());
    tx.first(&sql, args![id], |row| row.id::<MailboxId>("id")).await?;
    Ok(())
}

/// Takes a mailbox out of use: credentials forgotten, revision raised, history kept. False if it was not in use.
pub async fn delete(tx: &mut Tx, id: MailboxId, now: Timestamp) -> Result<bool> {
    lock_against_leaving(tx, id).await?;
    tx.execute("DELETE FROM mailbox_grants WHERE mailbox_id = $1", args![id]).await?;
    let sql = "UPDATE mailboxes SET deleted_at = $2, updated_at = $2, revision = revision + 1, next_slot_at = NULL,
            smtp_password = NULL, imap_password = NULL
         WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.execute(sql, args![id, now]).await? > 0)
}

/// Sets its state, raising the revision when it stops sending; false if nothing changed.
pub async fn set_state(tx: &mut Tx, id: MailboxId, state: &MailboxState, now: Timestamp) -> Result<bool> {
    lock_against_leaving(tx, id).await?;
    let sql = "UPDATE mailboxes SET state = $2, state_since = $3, state_message = $4, updated_at = $5,
            revision = revision + CASE WHEN state <> $2 AND $2 <> 'connected' THEN 1 ELSE 0 END,
            resumed_at = CASE WHEN state = 'paused' THEN $5 ELSE resumed_at END
         WHERE id = $1 AND deleted_at IS NULL AND (state <> $2 OR state_message IS DISTINCT FROM $4)";
    Ok(tx.execute(sql, args![id, state.as_str(), since(state), state.message(), now]).await? > 0)
}

/// Raises the revision: what is claimed for this mailbox does not leave (its user was disabled).
pub async fn raise(tx: &mut Tx, id: MailboxId) -> Result<bool> {
    lock_against_leaving(tx, id).await?;
    Ok(tx.execute("UPDATE mailboxes SET revision = revision + 1 WHERE id = $1", args![id]).await? > 0)
}

/// Records a proof of freshness of its inbox.
pub async fn set_proved_at(tx: &mut Tx, id: MailboxId, at: Timestamp) -> Result<()> {
    let sql = "UPDATE mailboxes SET proved_at = $2 WHERE id = $1 AND (proved_at IS NULL OR proved_at < $2)";
    tx.execute(sql, args![id, at]).await?;
    Ok(())
}

/// Forgets the proof of freshness: watching was interrupted.
pub async fn forget_proof(tx: &mut Tx, id: MailboxId) -> Result<()> {
    tx.execute("UPDATE mailboxes SET proved_at = NULL WHERE id = $1", args![id]).await?;
    Ok(())
}

/// Records the last hand-over, from which the gap counts.
pub async fn set_last_sent_at(tx: &mut Tx, id: MailboxId, at: Timestamp) -> Result<()> {
    let sql = "UPDATE mailboxes SET last_sent_at = $2 WHERE id = $1 AND (last_sent_at IS NULL OR last_sent_at < $2)";
    tx.execute(sql, args![id, at]).await?;
    Ok(())
}

/// Records whether the provider files sent copies by itself.
pub async fn set_files_sent(tx: &mut Tx, id: MailboxId, files: bool) -> Result<()> {
    tx.execute("UPDATE mailboxes SET files_sent = $2 WHERE id = $1", args![id, files]).await?;
    Ok(())
}

/// Whether the provider files sent copies by itself; `None` = not known yet.
pub async fn files_sent(tx: &mut Tx, id: MailboxId) -> Result<Option<bool>> {
    let sql = "SELECT files_sent FROM mailboxes WHERE id = $1";
    Ok(tx.first(sql, args![id], |row| row.bool_opt("files_sent")).await?.flatten())
}

/// The query of [`due`], for its plan.
pub fn due_query(now: Timestamp, limit: u32) -> (String, Vec<Value>) {
    let sql = "SELECT id FROM mailboxes WHERE next_slot_at IS NOT NULL AND next_slot_at <= $1 AND deleted_at IS NULL
        ORDER BY next_slot_at LIMIT $2";
    (sql.to_owned(), args![now, limit])
}

/// Mailboxes whose next slot has come, longest waiting first.
pub async fn due(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<MailboxId>> {
    let (sql, values) = due_query(now, limit);
    tx.all(&sql, values, |row| row.id("id")).await
}

/// The earliest slot of any mailbox: when there is something to do next.
pub async fn next_slot(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let sql = "SELECT next_slot_at FROM mailboxes WHERE next_slot_at IS NOT NULL AND deleted_at IS NULL
        ORDER BY next_slot_at LIMIT 1";
    tx.first(sql, vec![], |row| row.time("next_slot_at")).await
}

/// Sets when the mailbox has something to do; `None` = nothing waits.
pub async fn set_next_slot(tx: &mut Tx, id: MailboxId, at: Option<Timestamp>) -> Result<()> {
    tx.execute("UPDATE mailboxes SET next_slot_at = $2 WHERE id = $1 AND deleted_at IS NULL", args![id, at]).await?;
    Ok(())
}

/// Lets the mailbox look at `at` at the latest.
pub async fn hasten(tx: &mut Tx, id: MailboxId, at: Timestamp) -> Result<()> {
    hasten_many(tx, &[id], at).await
}

/// Lets these mailboxes look at `at` at the latest.
///
/// Their rows are locked even if they look sooner: a turn that ends at the same moment (`sending::lock_mailbox`) either
/// sees what the caller wrote or is followed by this.
pub async fn hasten_many(tx: &mut Tx, mailboxes: &[MailboxId], at: Timestamp) -> Result<()> {
    for chunk in mailboxes.chunks(CHUNK) {
        let sql = format!(
            "UPDATE mailboxes SET next_slot_at = CASE WHEN next_slot_at <= $1 THEN next_slot_at ELSE $1 END
             WHERE id IN ({}) AND deleted_at IS NULL",
            list(2, chunk.len())
        );
        let mut values = args![at];
        values.extend(ids(chunk));
        tx.execute(&sql, values).await?;
    }
    Ok(())
}

/// Lets every mailbox look at `at` at the latest (the clock jumped, sending was resumed).
pub async fn hasten_all(tx: &mut Tx, at: Timestamp) -> Result<()> {
    let sql = "UPDATE mailboxes SET next_slot_at = CASE WHEN next_slot_at <= $1 THEN next_slot_at ELSE $1 END
        WHERE deleted_at IS NULL";
    tx.execute(sql, args![at]).await?;
    Ok(())
}

/// A number per mailbox in use that changes with its servers, user names, sealed passwords, permission, registration and
/// watched folders, and when it is reconnected.
pub async fn way_marks(tx: &mut Tx, mailboxes: &[MailboxId]) -> Result<HashMap<MailboxId, u64>> {
    let mut marks = HashMap::new();
    for chunk in mailboxes.chunks(CHUNK) {
        let sql = format!(
            "SELECT id, smtp_host, smtp_port, smtp_security, smtp_username, smtp_password, imap_host, imap_port,
                imap_security, imap_username, imap_password, state, watched_folders,
                (SELECT g.granted_at FROM mailbox_grants g WHERE g.mailbox_id = mailboxes.id) AS granted_at,
                (SELECT p.updated_at FROM mail_providers p WHERE p.provider = mailboxes.provider) AS registered_at
             FROM mailboxes WHERE id IN ({}) AND deleted_at IS NULL",
            list(1, chunk.len())
        );
        marks.extend(tx.all(&sql, ids(chunk), |row| Ok((row.id("id")?, way_mark(row)?))).await?);
    }
    Ok(marks)
}

fn way_mark(row: &Row) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    (row.text("state")? == "connected").hash(&mut hasher);
    row.int_opt("granted_at")?.hash(&mut hasher);
    row.int_opt("registered_at")?.hash(&mut hasher);
    row.text("watched_folders")?.hash(&mut hasher);
    for way in ["smtp", "imap"] {
        row.text_opt(&format!("{way}_host"))?.hash(&mut hasher);
        row.int_opt(&format!("{way}_port"))?.hash(&mut hasher);
        row.text_opt(&format!("{way}_security"))?.hash(&mut hasher);
        row.text_opt(&format!("{way}_username"))?.hash(&mut hasher);
        row.bytes_opt(&format!("{way}_password"))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}
