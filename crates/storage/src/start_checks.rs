//! What a start must know: from which machine the data were served, which mailboxes wait to be compared with their
//! Sent folders, and when pauses ended.
//!
//! A mailbox with `compare_from` sends nothing: the point of no return leaves it out.

use crate::{
    Result, Tx, args,
    conditions::{CHUNK, ids},
    tx::list,
    value::json,
};
use relance_domain::{DeliveryId, EnrollmentId, MailboxId, SequenceId, Timestamp, start_check::StartCheck};
use std::collections::HashMap;

/// The machine the data were last served from; `None` if that was never written.
pub async fn machine(tx: &mut Tx) -> Result<Option<String>> {
    let found = tx.first("SELECT machine FROM workspace WHERE id = 1", vec![], |row| row.text_opt("machine"));
    Ok(found.await?.flatten())
}

/// Stores the machine that serves the data now.
pub async fn set_machine(tx: &mut Tx, machine: &str) -> Result<()> {
    tx.execute("UPDATE workspace SET machine = $1 WHERE id = 1", args![machine]).await?;
    Ok(())
}

/// What tells this database from a copy of it elsewhere; empty where the machine says enough.
pub async fn database_mark(tx: &mut Tx) -> Result<String> {
    if tx.engine() == crate::Engine::Sqlite {
        return Ok(String::new());
    }
    let sql = "SELECT CAST(oid AS BIGINT) AS number FROM pg_database WHERE datname = current_database()";
    Ok(tx.one(sql, vec![], |row| row.int("number")).await?.to_string())
}

/// Holds every mailbox in use until it was compared since `check.data_until`.
pub async fn hold_all(tx: &mut Tx, check: &StartCheck) -> Result<()> {
    let values = vec![json(check)];
    tx.execute("UPDATE workspace SET start_check = $1 WHERE id = 1", values).await?;
    // A mailbox that was not compared after an earlier start keeps the earlier time.
    let sql = "UPDATE mailboxes SET revision = revision + 1,
            compare_from = CASE WHEN compare_from < $1 THEN compare_from ELSE $1 END
        WHERE deleted_at IS NULL";
    tx.execute(sql, args![check.data_until]).await?;
    Ok(())
}

/// What the last start that had to compare found.
pub async fn current(tx: &mut Tx) -> Result<Option<StartCheck>> {
    let found = tx.first("SELECT start_check FROM workspace WHERE id = 1", vec![], |row| {
        row.text_opt("start_check")?.map(|_| row.json("start_check")).transpose()
    });
    Ok(found.await?.flatten())
}

/// Since when a mailbox must be compared before it sends; `None` = it may send.
pub async fn compare_from(tx: &mut Tx, mailbox: MailboxId) -> Result<Option<Timestamp>> {
    let sql = "SELECT compare_from FROM mailboxes WHERE id = $1";
    Ok(tx.first(sql, args![mailbox], |row| row.time_opt("compare_from")).await?.flatten())
}

/// What the start found, if this mailbox must be compared before it sends.
pub async fn comparing(tx: &mut Tx, mailbox: MailboxId) -> Result<Option<StartCheck>> {
    if compare_from(tx, mailbox).await?.is_none() {
        return Ok(None);
    }
    current(tx).await
}

/// Addresses of the mailboxes that are still to be compared.
pub async fn waiting(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "SELECT address FROM mailboxes WHERE compare_from IS NOT NULL AND deleted_at IS NULL ORDER BY address";
    tx.all(sql, vec![], |row| row.text("address")).await
}

/// The mailbox was compared and may send; after the last one the check is done at `now`.
pub async fn compared(tx: &mut Tx, mailbox: MailboxId, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE mailboxes SET compare_from = NULL WHERE id = $1", args![mailbox]).await?;
    if let Some(check) = current(tx).await?
        && check.done_at.is_none()
        && waiting(tx).await?.is_empty()
    {
        let done = StartCheck { done_at: Some(now), ..check };
        tx.execute("UPDATE workspace SET start_check = $1 WHERE id = 1", vec![json(&done)]).await?;
    }
    Ok(())
}

/// When a pause of the workspace, the mailbox or each of these sequences last ended, whichever is latest.
pub async fn resumes(
    tx: &mut Tx,
    mailbox: MailboxId,
    sequences: &[SequenceId],
) -> Result<HashMap<SequenceId, Timestamp>> {
    let sql = "SELECT w.resumed_at AS all_at, m.resumed_at AS mailbox_at FROM workspace w, mailboxes m
        WHERE w.id = 1 AND m.id = $1";
    let both = tx
        .first(sql, args![mailbox], |row| Ok(row.time_opt("all_at")?.max(row.time_opt("mailbox_at")?)))
        .await?
        .flatten();
    let mut found = HashMap::new();
    for chunk in sequences.chunks(CHUNK) {
        let sql = format!("SELECT id, resumed_at FROM sequences WHERE id IN ({})", list(1, chunk.len()));
        let rows =
            tx.all(&sql, ids(chunk), |row| Ok((row.id::<SequenceId>("id")?, row.time_opt("resumed_at")?))).await?;
        found.extend(rows.into_iter().filter_map(|(id, at)| Some((id, at.max(both)?))));
    }
    Ok(found)
}

/// The bytes of emails that must be sent again as they were, by enrollment.
pub async fn frozen(tx: &mut Tx, deliveries: &[(EnrollmentId, DeliveryId)]) -> Result<HashMap<EnrollmentId, Vec<u8>>> {
    let mut found = HashMap::new();
    for (enrollment, delivery) in deliveries {
        let sql = "SELECT raw FROM deliveries WHERE id = $1 AND resends > 0";
        if let Some(raw) = tx.first(sql, args![*delivery], |row| row.bytes_opt("raw")).await?.flatten() {
            found.insert(*enrollment, raw);
        }
    }
    Ok(found)
}

/// How often the email was sent again unchanged.
pub async fn resends(tx: &mut Tx, id: DeliveryId) -> Result<u32> {
    let sql = "SELECT resends FROM deliveries WHERE id = $1";
    Ok(tx.first(sql, args![id], |row| row.count("resends")).await?.unwrap_or(0))
}

/// Notes that the email is sent again unchanged.
pub async fn count_resend(tx: &mut Tx, id: DeliveryId) -> Result<()> {
    tx.execute("UPDATE deliveries SET resends = resends + 1 WHERE id = $1", args![id]).await?;
    Ok(())
}

/// Stores what the test email to oneself showed: whether the provider files copies, and the words.
pub async fn set_sent_test(tx: &mut Tx, mailbox: MailboxId, files: Option<bool>, words: &str) -> Result<()> {
    let sql = "UPDATE mailboxes SET files_sent = COALESCE($2, files_sent), sent_test = $3 WHERE id = $1";
    tx.execute(sql, args![mailbox, files, words]).await?;
    Ok(())
}

/// What the test email to oneself showed, in words; `None` = there was none.
pub async fn sent_test(tx: &mut Tx, mailbox: MailboxId) -> Result<Option<String>> {
    let sql = "SELECT sent_test FROM mailboxes WHERE id = $1";
    Ok(tx.first(sql, args![mailbox], |row| row.text_opt("sent_test")).await?.flatten())
}
