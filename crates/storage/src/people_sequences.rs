//! The sequences of the people on a page, and when each gets the next email. Set-based: one statement for all of them.

use crate::{
    error::Result,
    tx::{self, Tx},
    value::{Row, Value},
};
use relance_domain::{EnrollmentId, PersonId, SequenceId, TaskId, Timestamp, UserId};
use std::collections::HashMap;

/// An enrollment as lists name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InSequence {
    /// The enrollment.
    pub enrollment_id: EnrollmentId,
    /// The sequence.
    pub sequence_id: SequenceId,
    /// Its name.
    pub name: String,
    /// On whose behalf it runs.
    pub actor_id: UserId,
    /// `active`, `paused`, `blocked` or `finished`.
    pub state: String,
    /// Position from 1 of the current step.
    pub position: u32,
    /// `automated_email`, `manual_email` or `task`; `None` once finished.
    pub step_action: Option<String>,
    /// When the current step is due.
    pub due_at: Option<Timestamp>,
    /// Until when it is paused.
    pub paused_until: Option<Timestamp>,
    /// Code of what blocks it.
    pub blocked_reason: Option<String>,
    /// When the block releases itself.
    pub resumes_at: Option<Timestamp>,
    /// Steps done.
    pub steps_done: u32,
    /// Emails sent.
    pub emails_sent: u32,
    /// When it began.
    pub enrolled_at: Timestamp,
    /// Code of why it ended.
    pub finished_reason: Option<String>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl InSequence {
    /// It has ended.
    pub fn is_finished(&self) -> bool {
        self.state == "finished"
    }
}

/// When a person gets the next email, as far as the current steps say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NextEmail {
    /// Then.
    At(Timestamp),
    /// After a task, due then, is done.
    AfterTask(Option<Timestamp>),
    /// A pause or a block holds it, until then if it ends by itself.
    Held(Option<Timestamp>),
    /// There is no ongoing sequence.
    #[default]
    None,
}

/// What keeps the next email from having a date, in words: *missing industry*, or the task *Call Lucía*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitsFor {
    /// The words.
    pub words: String,
    /// The task, if it is one and there already.
    pub task_id: Option<TaskId>,
}

impl NextEmail {
    /// The instant, where one is known.
    pub const fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::AfterTask(_) | Self::Held(_) | Self::None => None,
        }
    }
}

/// The next email over the ongoing enrollments of one person: the earliest that time alone brings, else what it waits for.
pub fn next_email(ongoing: &[InSequence]) -> NextEmail {
    let active = |emails: bool| {
        ongoing
            .iter()
            .filter(move |e| e.state == "active" && (e.step_action.as_deref() == Some("automated_email")) == emails)
            .filter_map(|e| e.due_at)
            .min()
    };
    if let Some(at) = active(true) {
        return NextEmail::At(at);
    }
    if let Some(due) = active(false) {
        return NextEmail::AfterTask(Some(due));
    }
    match ongoing {
        [] => NextEmail::None,
        held => NextEmail::Held(held.iter().filter_map(|e| e.paused_until.or(e.resumes_at)).min()),
    }
}

fn in_sequence(row: &Row) -> Result<InSequence> {
    Ok(InSequence {
        enrollment_id: row.id("id")?,
        sequence_id: row.id("sequence_id")?,
        name: row.text("name")?,
        actor_id: row.id("actor_id")?,
        state: row.text("state")?,
        position: row.count("position")?,
        step_action: row.text_opt("step_action")?,
        due_at: row.time_opt("due_at")?,
        paused_until: row.time_opt("paused_until")?,
        blocked_reason: row.text_opt("blocked_reason")?,
        resumes_at: row.time_opt("resumes_at")?,
        steps_done: row.count("steps_done")?,
        emails_sent: row.count("emails_sent")?,
        enrolled_at: row.time("enrolled_at")?,
        finished_reason: row.text_opt("finished_reason")?,
        finished_at: row.time_opt("finished_at")?,
    })
}

/// Every enrollment of each of these people, the oldest first.
pub async fn of_people(tx: &mut Tx, ids: &[PersonId]) -> Result<HashMap<PersonId, Vec<InSequence>>> {
    let mut found: HashMap<PersonId, Vec<InSequence>> = HashMap::new();
    for chunk in ids.chunks(1_000) {
        let sql = format!(
            "SELECT e.person_id, e.id, e.sequence_id, s.name, e.actor_id, e.state, e.position, e.step_action, e.due_at,
                e.paused_until, e.blocked_reason, e.resumes_at, e.steps_done, e.emails_sent, e.enrolled_at,
                e.finished_reason, e.finished_at
            FROM enrollments e JOIN sequences s ON s.id = e.sequence_id
            WHERE e.person_id IN ({}) ORDER BY e.enrolled_at, e.id",
            tx::list(1, chunk.len())
        );
        let read = |row: &Row| Ok((row.id::<PersonId>("person_id")?, in_sequence(row)?));
        for (person, enrollment) in tx.all(&sql, chunk.iter().map(|id| Value::from(*id)).collect(), read).await? {
            found.entry(person).or_default().push(enrollment);
        }
    }
    Ok(found)
}

/// When the last event in the history of each of these people was.
pub async fn last_activities(tx: &mut Tx, ids: &[PersonId]) -> Result<HashMap<PersonId, Timestamp>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(1_000) {
        let sql = format!(
            "SELECT p.id, (SELECT MAX(a.at) FROM activities a WHERE a.person_id = p.id) AS at
            FROM people p WHERE p.id IN ({})",
            tx::list(1, chunk.len())
        );
        let read = |row: &Row| Ok((row.id::<PersonId>("id")?, row.time_opt("at")?));
        let rows = tx.all(&sql, chunk.iter().map(|id| Value::from(*id)).collect(), read).await?;
        found.extend(rows.into_iter().filter_map(|(id, at)| Some((id, at?))));
    }
    Ok(found)
}
