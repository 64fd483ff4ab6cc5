//! `email_edits`: the words of one person's email, changed by hand before it leaves.
//!
//! Keyed by enrollment and step, so that a new version keeps them as long as it has the step. Whoever writes one
//! raises the enrollment's revision in the same transaction.

use crate::{
    Result, Row, Tx, Value, args, files,
    tx::{list, repeated},
    value::json,
};
use relance_domain::{EnrollmentId, StepId, Timestamp, UserId, attachment::Attachment};
use std::collections::HashMap;

/// The words of one email of one person, and who wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailEdit {
    /// Of which enrollment.
    pub enrollment_id: EnrollmentId,
    /// Of which step.
    pub step_id: StepId,
    /// Subject with merge tags.
    pub subject: String,
    /// HTML body with merge tags; empty = plain text only.
    pub body_html: String,
    /// Text body with merge tags; empty = made from the HTML.
    pub body_text: String,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
    /// Who changed them last.
    pub edited_by: UserId,
    /// When.
    pub edited_at: Timestamp,
}

const COLUMNS: &str = "enrollment_id, step_id, subject, body_html, body_text, attachments, edited_by, edited_at";

fn holder(enrollment: EnrollmentId, step: StepId) -> String {
    format!("{enrollment}/{step}")
}

fn read(row: &Row) -> Result<EmailEdit> {
    Ok(EmailEdit {
        enrollment_id: row.id("enrollment_id")?,
        step_id: row.id("step_id")?,
        subject: row.text("subject")?,
        body_html: row.text("body_html")?,
        body_text: row.text("body_text")?,
        attachments: row.json("attachments")?,
        edited_by: row.id("edited_by")?,
        edited_at: row.time("edited_at")?,
    })
}

/// Stores the words in place of those before.
pub async fn put(tx: &mut Tx, edit: &EmailEdit) -> Result<()> {
    let sql = "INSERT INTO email_edits (enrollment_id, step_id, subject, body_html, body_text, attachments, edited_by,
            edited_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (enrollment_id, step_id) DO UPDATE SET subject = excluded.subject,
            body_html = excluded.body_html, body_text = excluded.body_text, attachments = excluded.attachments,
            edited_by = excluded.edited_by, edited_at = excluded.edited_at";
    let values = args![
        edit.enrollment_id,
        edit.step_id,
        &edit.subject,
        &edit.body_html,
        &edit.body_text,
        json(&edit.attachments),
        edit.edited_by,
        edit.edited_at
    ];
    tx.execute(sql, values).await?;
    files::hold(tx, &holder(edit.enrollment_id, edit.step_id), &edit.attachments).await
}

/// Forgets them: the sequence's own words hold again. False if there were none.
pub async fn delete(tx: &mut Tx, enrollment: EnrollmentId, step: StepId) -> Result<bool> {
    let sql = "DELETE FROM email_edits WHERE enrollment_id = $1 AND step_id = $2";
    files::hold(tx, &holder(enrollment, step), []).await?;
    Ok(tx.execute(sql, args![enrollment, step]).await? > 0)
}

/// All edits of these enrollments.
pub async fn of_enrollments(
    tx: &mut Tx,
    enrollments: &[EnrollmentId],
) -> Result<HashMap<(EnrollmentId, StepId), EmailEdit>> {
    let mut found = HashMap::new();
    for chunk in enrollments.chunks(crate::conditions::CHUNK) {
        let values: Vec<Value> = repeated(chunk).map(|id| Value::from(*id)).collect();
        let sql = format!("SELECT {COLUMNS} FROM email_edits WHERE enrollment_id IN ({})", list(1, values.len()));
        for edit in tx.all(&sql, values, read).await? {
            found.insert((edit.enrollment_id, edit.step_id), edit);
        }
    }
    Ok(found)
}
