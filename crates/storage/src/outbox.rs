//! Deliveries seen from a mailbox: in flight, uncertain, to be filed, their bytes, and what was sent when.
//!
//! Reads, and marks that do not change a delivery's state. Emails without a live owner are in [`crate::leases`].

use crate::{
    Result, Tx, args,
    conditions::{CHUNK, Conditions, ids},
    deliveries::{COLUMNS, read},
    enrollment_views::person_name,
    tx::list,
};
use relance_domain::{DeliveryId, MailboxId, Timestamp, UserId, delivery::Delivery};

/// Emails of a mailbox that are claimed, leaving or uncertain.
pub async fn in_flight(tx: &mut Tx, mailbox: MailboxId) -> Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM deliveries d WHERE d.mailbox_id = $1 AND d.state IN ('claimed', 'leaving', 'uncertain')
         ORDER BY d.id"
    );
    tx.all(&sql, args![mailbox], read).await
}

/// Uncertain emails, longest first: of one mailbox, or of all.
pub async fn uncertain(tx: &mut Tx, mailbox: Option<MailboxId>, limit: u32) -> Result<Vec<Delivery>> {
    let mut conditions = Conditions::new();
    if let Some(mailbox) = mailbox {
        conditions.and("d.mailbox_id = $?", args![mailbox]);
    }
    conditions.and("d.state = 'uncertain'", vec![]);
    let head = format!("SELECT {COLUMNS} FROM deliveries d");
    let (sql, values) = conditions.finish(&head, " ORDER BY d.leaving_at, d.id LIMIT $?", args![limit]);
    tx.all(&sql, values, read).await
}

/// How many emails are uncertain.
pub async fn uncertain_count(tx: &mut Tx) -> Result<u32> {
    let sql = "SELECT COUNT(*) AS number FROM deliveries
        WHERE state = 'uncertain' AND state IN ('claimed', 'leaving', 'uncertain')";
    tx.one(sql, vec![], |row| row.count("number")).await
}

/// Uncertain emails of a mailbox whose point of no return was at or before `system_before`, by the system's clock.
pub async fn uncertain_since(tx: &mut Tx, mailbox: MailboxId, system_before: Timestamp) -> Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM deliveries d WHERE d.mailbox_id = $1 AND d.state = 'uncertain'
            AND (d.leaving_system_at IS NULL OR d.leaving_system_at <= $2) ORDER BY d.leaving_at, d.id"
    );
    tx.all(&sql, args![mailbox, system_before], read).await
}

/// When the email passed the point of no return by the system's clock.
pub async fn left_at_by_system(tx: &mut Tx, id: DeliveryId) -> Result<Option<Timestamp>> {
    let sql = "SELECT leaving_system_at FROM deliveries WHERE id = $1";
    Ok(tx.first(sql, args![id], |row| row.time_opt("leaving_system_at")).await?.flatten())
}

/// Sent emails of a mailbox that do not stand in its Sent folder yet, oldest first.
pub async fn to_file(tx: &mut Tx, mailbox: MailboxId, limit: u32) -> Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM deliveries d WHERE d.mailbox_id = $1 AND d.state = 'sent' AND d.filed_at IS NULL
         ORDER BY d.sent_at LIMIT $2"
    );
    tx.all(&sql, args![mailbox, limit], read).await
}

/// Marks emails as standing in the Sent folder.
pub async fn set_filed(tx: &mut Tx, deliveries: &[DeliveryId], at: Timestamp) -> Result<()> {
    for chunk in deliveries.chunks(CHUNK) {
        let mut values = args![at];
        values.extend(ids(chunk));
        let sql = format!("UPDATE deliveries SET filed_at = $1 WHERE id IN ({})", list(2, chunk.len()));
        tx.execute(&sql, values).await?;
    }
    Ok(())
}

/// The bytes of an email as they were sent; `None` before they were made or after they were purged.
pub async fn raw(tx: &mut Tx, id: DeliveryId) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT raw FROM deliveries WHERE id = $1";
    Ok(tx.first(sql, args![id], |row| row.bytes_opt("raw")).await?.flatten())
}

/// Stores the bytes of an email.
pub async fn set_raw(tx: &mut Tx, id: DeliveryId, raw: &[u8]) -> Result<()> {
    tx.execute("UPDATE deliveries SET raw = $2 WHERE id = $1", args![id, raw]).await?;
    Ok(())
}

/// Forgets the bytes of up to `limit` filed emails of a mailbox sent before `before`; how many.
pub async fn purge_raw(tx: &mut Tx, mailbox: MailboxId, before: Timestamp, limit: u32) -> Result<u64> {
    let sql = "UPDATE deliveries SET raw = NULL WHERE id IN (
            SELECT id FROM deliveries WHERE mailbox_id = $1 AND state = 'sent' AND sent_at < $2
                AND filed_at IS NOT NULL AND raw IS NOT NULL LIMIT $3)";
    tx.execute(sql, args![mailbox, before, limit]).await
}

/// Emails sent in `[from, to)`: from the mailboxes of one user, or from all.
pub async fn sent_count(tx: &mut Tx, user: Option<UserId>, from: Timestamp, to: Timestamp) -> Result<u32> {
    let (sql, values) = sent_between(user, from, to).finish("SELECT COUNT(*) AS number FROM deliveries d", "", vec![]);
    tx.one(&sql, values, |row| row.count("number")).await
}

fn sent_between(user: Option<UserId>, from: Timestamp, to: Timestamp) -> Conditions {
    let mut conditions = Conditions::new();
    conditions.and("d.mailbox_id IN (SELECT id FROM mailboxes WHERE $? IS NULL OR user_id = $?)", args![user, user]);
    conditions.and("d.state = 'sent' AND d.sent_at >= $? AND d.sent_at < $?", args![from, to]);
    conditions
}

/// Emails sent in `[from, to)` counted per `bucket_ms` from `from` on; empty buckets are missing.
pub async fn sent_per_bucket(
    tx: &mut Tx,
    user: Option<UserId>,
    from: Timestamp,
    to: Timestamp,
    bucket_ms: i64,
) -> Result<Vec<(Timestamp, u32)>> {
    let conditions = sent_between(user, from, to);
    let (sql, values) = conditions.finish(
        "SELECT sent_at, COUNT(*) AS number FROM (SELECT d.sent_at FROM deliveries d",
        ") AS sent GROUP BY sent_at ORDER BY sent_at",
        vec![],
    );
    let sent: Vec<(Timestamp, u32)> =
        tx.all(&sql, values, |row| Ok((row.time("sent_at")?, row.count("number")?))).await?;
    let mut buckets: Vec<(Timestamp, u32)> = Vec::new();
    for (at, number) in sent {
        let start = from.plus_ms(at.since(from) / bucket_ms.max(1) * bucket_ms.max(1));
        match buckets.last_mut() {
            Some((last, count)) if *last == start => *count += number,
            _ => buckets.push((start, number)),
        }
    }
    Ok(buckets)
}

/// A sent email with the name of who got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentEmail {
    /// The email.
    pub delivery: Delivery,
    /// The person's name as shown.
    pub person_name: String,
}

/// Emails a mailbox sent, newest first, after the cursor `(sent_at, id)` of the last one shown: the sandbox page.
pub async fn sent_page(
    tx: &mut Tx,
    mailbox: MailboxId,
    after: Option<(Timestamp, DeliveryId)>,
    limit: u32,
) -> Result<Vec<SentEmail>> {
    let mut conditions = Conditions::new();
    conditions.and("d.mailbox_id = $? AND d.state = 'sent'", args![mailbox]);
    conditions.after("(d.sent_at, d.id)", "<", after);
    let head = format!(
        "SELECT {COLUMNS}, p.first_name, p.last_name, p.organization_name, p.email AS person_email
         FROM deliveries d JOIN people p ON p.id = d.person_id"
    );
    let (sql, values) = conditions.finish(&head, " ORDER BY d.sent_at DESC, d.id DESC LIMIT $?", args![limit]);
    tx.all(&sql, values, |row| Ok(SentEmail { delivery: read(row)?, person_name: person_name(row)? })).await
}
