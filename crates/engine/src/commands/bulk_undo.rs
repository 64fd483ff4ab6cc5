//! Taking a bulk action back: restore, untag, the owner before, resume. Row by row, each with its outcome.
//!
//! It is a job of its own over the rows the other one changed. What someone changed since stays as it is and says so.
//! A second wish to undo the same action answers with the first.

use super::{
    bulk::{BulkAction, BulkDone, BulkPayload},
    bulk_rows::{Before, RowDone, retag, row_done},
};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    JobId, PersonId, UserId,
    activity::ActivityKind,
    enrollment::{Event, State},
    user::Actor,
};
use relance_storage::{
    Tx, enrollments,
    jobs::{self, Job, JobRow, JobState},
    people,
};
use serde_json::json;

const AT_ONCE: i64 = 1_000;

/// The action of a bulk job; `None` for an import.
pub fn action_of(job: &Job) -> Option<BulkAction> {
    serde_json::from_value::<BulkPayload>(job.payload.clone()).ok().map(|payload| payload.action)
}

/// The job that took this one back.
pub fn undone_by(job: &Job) -> Option<JobId> {
    job.summary.get("undone_by")?.as_str()?.parse().ok()
}

/// Whether a job can still be taken back.
pub fn can_undo(job: &Job) -> bool {
    let has_ended = matches!(job.state, JobState::Done | JobState::Failed | JobState::Cancelled);
    has_ended
        && job.done_count > 0
        && undone_by(job).is_none()
        && action_of(job).is_some_and(|action| action.can_be_undone())
}

impl Engine {
    /// Takes a bulk action back: at once up to 1,000 rows, as a job beyond.
    pub async fn undo_bulk(&self, actor: &Actor, id: JobId) -> Result<(JobId, BulkDone)> {
        let mut tx = self.store.begin().await?;
        let job = jobs::find_for_update(&mut tx, id).await?.ok_or(EngineError::NotFound("job"))?;
        if !actor.is_admin() && job.created_by != actor.user_id() {
            return Err(EngineError::NotFound("job"));
        }
        if let Some(undo) = undone_by(&job) {
            drop(tx);
            let known = self.known_bulk(actor, undo).await?;
            return Ok((undo, known.unwrap_or(BulkDone::Job(undo))));
        }
        if !can_undo(&job) {
            return Err(EngineError::refused("cannot_undo", "This cannot be undone. Nothing was changed."));
        }
        let undo = self.new_job_id();
        let total = usize::try_from(job.done_count).unwrap_or(0);
        let payload = BulkPayload { actor: actor.clone(), action: BulkAction::Undo { job: id }, matching: None };
        self.store_bulk(&mut tx, undo, total, payload, &[]).await?;
        let mut summary = job.summary.clone();
        summary["undone_by"] = json!(undo.to_string());
        jobs::set_summary(&mut tx, id, &summary).await?;
        tx.commit().await?;
        if job.done_count <= AT_ONCE {
            return Ok((undo, self.finish_now(undo).await?));
        }
        self.signals.jobs.notify_one();
        Ok((undo, BulkDone::Job(undo)))
    }

    /// Takes rows of another job back in a transaction of the caller.
    pub(crate) async fn undo_chunk(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &BulkAction,
        rows: &[JobRow],
    ) -> Result<Vec<RowDone>> {
        let mut done = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(id) = row.person_id else { continue };
            let before: Before = serde_json::from_str(&row.data).unwrap_or_default();
            done.push(row_done(id, self.undo_row(tx, actor, id, action, before).await)?);
        }
        Ok(done)
    }

    async fn undo_row(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: PersonId,
        action: &BulkAction,
        before: Before,
    ) -> Result<Before> {
        match action {
            BulkAction::Delete => {
                if !self.restore_in(tx, actor, id).await? {
                    return Err(changed_since("This person is there already, or was merged into another one."));
                }
            }
            BulkAction::Tag { .. } => {
                self.edit_in(tx, actor, id, |fields| drop(retag(fields, &before.removed, &before.added))).await?;
            }
            BulkAction::AssignOwner { owner_id } => self.give_back(tx, actor, id, *owner_id, before.owner_id).await?,
            BulkAction::Pause { .. } => self.resume_paused(tx, actor, &before).await?,
            BulkAction::Resume => self.pause_resumed(tx, actor, &before).await?,
            BulkAction::FollowVersion { version_id, .. } => match &before.followed {
                Some(followed) => self.unfollow(tx, actor, *version_id, followed).await?,
                None => return Err(changed_since("Nothing was moved.")),
            },
            _ => return Err(changed_since("This cannot be undone.")),
        }
        Ok(Before::default())
    }

    async fn give_back(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: PersonId,
        given: Option<UserId>,
        to: Option<UserId>,
    ) -> Result<()> {
        let now = people::lock(tx, id).await?.ok_or(EngineError::NotFound("person"))?;
        if now.fields.owner_id != given {
            return Err(changed_since("The owner was changed since. It stays as it is."));
        }
        self.edit_in(tx, actor, id, |fields| fields.owner_id = to).await?;
        Ok(())
    }

    async fn resume_paused(&self, tx: &mut Tx, actor: &Actor, before: &Before) -> Result<()> {
        let mut resumed = 0;
        for stored in enrollments::find_many(tx, &before.paused, true).await? {
            if matches!(stored.enrollment.state, State::Paused { .. }) {
                let told = (Event::Resumed, ActivityKind::SequenceResumed, "Resumed");
                self.bulk_apply(tx, actor, &stored, told).await?;
                resumed += 1;
            }
        }
        if resumed == 0 { Err(changed_since("Nothing is paused any more.")) } else { Ok(()) }
    }

    /// Puts the pauses that were ended in force again, each with its date if that is still to come.
    async fn pause_resumed(&self, tx: &mut Tx, actor: &Actor, before: &Before) -> Result<()> {
        let (now, mut paused) = (self.now(), 0);
        let ids: Vec<_> = before.resumed.iter().map(|held| held.id).collect();
        for stored in enrollments::find_many(tx, &ids, true).await? {
            let Some(held) = before.resumed.iter().find(|held| held.id == stored.enrollment.id) else { continue };
            if !matches!(stored.enrollment.state, State::Active { .. } | State::Blocked { .. }) {
                continue;
            }
            let event = Event::Paused { until: held.until.filter(|until| *until > now), by: held.by };
            match self.bulk_apply(tx, actor, &stored, (event, ActivityKind::SequencePaused, "Paused")).await {
                Ok(()) => paused += 1,
                // What waits for a decision by now keeps its reason.
                Err(EngineError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if paused == 0 { Err(changed_since("Nothing can be paused again.")) } else { Ok(()) }
    }
}

fn changed_since(message: &str) -> EngineError {
    EngineError::refused("changed_since", message)
}
