//! Enrollments found by where their mail goes or comes from: a mailbox that goes and returns, an address or domain.
//!
//! Each works in bounded batches. A hold raises revisions; the transitions are those of `domain::enrollment`.

use crate::{
    Result, Tx, args,
    conditions::{CHUNK, ids},
    tx::list,
    value::json,
};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, Timestamp, UserId, enrollment::BlockReason, person::email_key,
};

/// Blocks up to `limit` active enrollments of a mailbox, due or not; how many: fewer than `limit` = all are blocked.
pub async fn hold_mailbox(
    tx: &mut Tx,
    mailbox: MailboxId,
    reason: &BlockReason,
    limit: u32,
    now: Timestamp,
) -> Result<u64> {
    let lock = tx.for_update();
    let mut args = args![reason.code()];
    args.push(json(reason));
    args.extend(args![now, mailbox, limit]);
    let sql = format!(
        "UPDATE enrollments SET state = 'blocked', blocked_reason = $1, blocked_detail = $2, resumes_at = NULL,
            wake_at = NULL, revision = revision + 1, updated_at = $3
         WHERE id IN (SELECT id FROM enrollments WHERE mailbox_id = $4 AND state = 'active'
            AND step_action = 'automated_email' ORDER BY id LIMIT $5{lock})"
    );
    tx.execute(&sql, args).await
}

/// Moves what mailboxes of this user and address left behind when they were disconnected to `mailbox`; how many.
pub async fn take_over(tx: &mut Tx, mailbox: MailboxId, user: UserId, address: &str) -> Result<u64> {
    let Some(key) = email_key(address) else { return Ok(0) };
    let sql = "UPDATE enrollments SET mailbox_id = $1, revision = revision + 1
        WHERE state <> 'finished' AND mailbox_id IN (
            SELECT id FROM mailboxes WHERE address_key = $2 AND user_id = $3 AND deleted_at IS NOT NULL)";
    tx.execute(sql, args![mailbox, key, user]).await
}

/// Up to `limit` unfinished enrollments whose address is `entry`, or lies in the domain `entry` or below it.
pub async fn ongoing_at(tx: &mut Tx, entry: &str, limit: u32) -> Result<Vec<EnrollmentId>> {
    if entry.contains('@') {
        let sql = "SELECT e.id FROM enrollments e WHERE e.state <> 'finished' AND e.address_key = $1
            AND e.person_id IN (SELECT person_id FROM person_addresses WHERE address_key = $1) ORDER BY e.id LIMIT $2";
        return tx.all(sql, args![entry, limit], |row| row.id("id")).await;
    }
    let mut pattern = String::with_capacity(entry.len() + 2);
    for c in entry.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    let sql = "SELECT e.id FROM enrollments e WHERE e.state <> 'finished' AND e.address_key IS NOT NULL
        AND (e.address_key LIKE $1 ESCAPE '!' OR e.address_key LIKE $2 ESCAPE '!') ORDER BY e.id LIMIT $3";
    let limit = limit.min(u32::try_from(CHUNK).unwrap_or(u32::MAX));
    tx.all(sql, args![format!("%@{pattern}"), format!("%.{pattern}"), limit], |row| row.id("id")).await
}

/// What a person went through before: one row per enrollment, of any sequence, ongoing or over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Whose.
    pub person_id: PersonId,
    /// In which sequence.
    pub sequence_id: SequenceId,
    /// The address it was written to.
    pub address_key: Option<String>,
    /// It is blocked or ended because an email came back.
    pub bounced: bool,
}

/// What these people went through before.
pub async fn past_of_people(tx: &mut Tx, people: &[PersonId]) -> Result<Vec<Past>> {
    let mut found = Vec::new();
    for chunk in people.chunks(CHUNK) {
        let sql = format!(
            "SELECT person_id, sequence_id, address_key, COALESCE(finished_reason, blocked_reason, '') AS reason
             FROM enrollments WHERE person_id IN ({})",
            list(1, chunk.len())
        );
        let read = |row: &crate::Row| {
            Ok(Past {
                person_id: row.id("person_id")?,
                sequence_id: row.id("sequence_id")?,
                address_key: row.text_opt("address_key")?,
                bounced: row.text("reason")? == "bounced",
            })
        };
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}

/// Lets the engine look again at up to `limit` active enrollments that wait for no time: what held them may be over.
///
/// Of one sequence or of all, by id after the cursor; the next cursor, `None` at the end. Mailboxes are hastened apart.
pub async fn look_again(
    tx: &mut Tx,
    sequence: Option<SequenceId>,
    after: Option<EnrollmentId>,
    limit: u32,
    now: Timestamp,
) -> Result<Option<EnrollmentId>> {
    let after = after.unwrap_or(EnrollmentId::from_uuid(uuid::Uuid::nil()));
    let mut args = args![after, limit, now];
    let of_sequence = if let Some(sequence) = sequence {
        args.push(sequence.into());
        "AND sequence_id = $4"
    } else {
        ""
    };
    let lock = tx.for_update();
    let sql = format!(
        "UPDATE enrollments SET wake_at = CASE WHEN due_at > $3 THEN due_at ELSE $3 END
         WHERE id IN (SELECT id FROM enrollments WHERE state = 'active' AND wake_at IS NULL AND id > $1 {of_sequence}
            ORDER BY id LIMIT $2{lock})
         RETURNING id"
    );
    let woken: Vec<EnrollmentId> = tx.all(&sql, args, |row| row.id("id")).await?;
    Ok(if woken.len() < limit as usize { None } else { woken.into_iter().max() })
}

/// Up to `limit` active emails, by id after the cursor, that are due and wait for a later time: a window, a sending day,
/// the end of away dates, the gap. For [`look_at`], which decides in small transactions of its own.
pub async fn waiting_for_a_time(
    tx: &mut Tx,
    mailbox: Option<MailboxId>,
    after: Option<EnrollmentId>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<EnrollmentId>> {
    let after = after.unwrap_or(EnrollmentId::from_uuid(uuid::Uuid::nil()));
    let mut args = args![after, limit, now];
    let of_mailbox = if let Some(mailbox) = mailbox {
        args.push(mailbox.into());
        "AND mailbox_id = $4"
    } else {
        ""
    };
    let sql = format!(
        "SELECT id FROM enrollments WHERE state = 'active' AND wake_at > $3 AND due_at <= $3 AND id > $1 {of_mailbox}
         ORDER BY id LIMIT $2"
    );
    tx.all(&sql, args, |row| row.id("id")).await
}

/// Lets the engine look now at those of these enrollments that are active and wait for a later time.
pub async fn look_at(tx: &mut Tx, enrollments: &[EnrollmentId], now: Timestamp) -> Result<()> {
    for chunk in enrollments.chunks(CHUNK) {
        let mut args = args![now];
        args.extend(ids(chunk));
        let sql = format!(
            "UPDATE enrollments SET wake_at = $1 WHERE id IN ({}) AND state = 'active' AND wake_at > $1",
            list(2, chunk.len())
        );
        tx.execute(&sql, args).await?;
    }
    Ok(())
}
