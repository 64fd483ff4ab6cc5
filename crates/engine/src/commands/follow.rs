//! Moves those who are enrolled to a version that was published, and takes such a move back.
//!
//! A chunk is locked, decided row by row by `domain::publishing`, and written with one statement per table. An email
//! claimed meanwhile is held by the raised revision; one that is leaving keeps its step. Each row keeps what it needs to
//! go back: that works as long as nothing was done since.

use super::{
    access,
    bulk_rows::{Before, RowDone, row_done},
};
use crate::{
    Engine, EngineError, Result,
    history::{self, Event as Told},
    sender::facts::Due,
};
use relance_domain::{
    EnrollmentId, PersonId, SequenceId, StepId, Timestamp, VersionId,
    activity::{Activity, ActivityKind},
    calendar::LocalSchedule,
    enrollment::{Event, FinishReason, State},
    publishing::{Circumstances, Move, moved},
    sequence::{Plan, Version},
    user::Actor,
    workspace::Workspace,
};
use relance_storage::{
    Tx, activities,
    enrollment_moves::{self, Follow},
    enrollments::{self, Change, StoredEnrollment, wake_of},
    mailboxes, sequences, tasks,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;

/// Where an enrollment stood before it was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Followed {
    /// Which one.
    pub(crate) id: EnrollmentId,
    /// The version it followed.
    pub(crate) version_id: VersionId,
    /// The step it waited for.
    pub(crate) step: StepId,
    /// When that was due.
    pub(crate) due: Timestamp,
    /// Steps done by then.
    pub(crate) done: usize,
}

/// Where a row would go on under another plan.
pub(crate) fn move_of(
    due: &Due,
    new: &Plan,
    workspace: &Workspace,
    is_leaving: bool,
    now: Timestamp,
) -> std::result::Result<Move, relance_domain::Refused> {
    let old = &due.prepared.version.plan;
    let zone = relance_domain::time::zone(&due.actor.time_zone);
    let at = Circumstances {
        now,
        before: LocalSchedule::of(old.schedule.as_ref(), &due.person, zone.as_ref(), workspace),
        after: LocalSchedule::of(new.schedule.as_ref(), &due.person, zone.as_ref(), workspace),
        is_first_email: due.stored.emails_sent == 0,
        is_leaving,
    };
    moved(&due.stored.enrollment, old, new, &at)
}

fn changed_since(message: &str) -> EngineError {
    EngineError::refused("changed_since", message)
}

impl Engine {
    /// Moves the enrollments of these people in one sequence to a version, in a transaction of the caller.
    pub(crate) async fn follow_chunk(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        people: &[PersonId],
        (sequence_id, version_id): (SequenceId, VersionId),
    ) -> Result<Vec<RowDone>> {
        access::admins_only(actor, "move people to another version")?;
        let now = self.now();
        let workspace = access::workspace(tx).await?;
        let sequence = access::sequence(tx, sequence_id).await?;
        let version = sequences::find_version(tx, version_id).await?.ok_or(EngineError::NotFound("version"))?;
        let stored = enrollment_moves::lock_of_people(tx, sequence_id, people).await?;
        let ids: Vec<EnrollmentId> = stored.iter().map(|row| row.enrollment.id).collect();
        let leaving = enrollment_moves::leaving(tx, &ids).await?;
        let mut dues: HashMap<PersonId, Due> =
            self.load_due(tx, stored).await?.into_iter().map(|due| (due.person.id, due)).collect();
        let mut rows = Vec::with_capacity(people.len());
        let mut moves = Vec::with_capacity(people.len());
        for person in people {
            let done = match dues.remove(person) {
                None => Err(EngineError::refused("ended", "It has ended and keeps the version it followed.")),
                Some(due) if due.stored.enrollment.version_id == version_id => {
                    Err(EngineError::refused("nothing_to_do", "It follows this version already."))
                }
                Some(due) => {
                    let is_leaving = leaving.contains(&due.stored.enrollment.id);
                    move_of(&due, &version.plan, &workspace, is_leaving, now).map_err(EngineError::from).map(|after| {
                        let before = Before { followed: followed(&due.stored), ..Before::default() };
                        moves.push((due, after));
                        before
                    })
                }
            };
            rows.push(row_done(*person, done)?);
        }
        self.write_moves(tx, actor, &version, &sequence.name, &moves).await?;
        Ok(rows)
    }

    /// Writes what was decided about a chunk: rows, emails and tasks of steps that are left, history, mailboxes.
    async fn write_moves(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        version: &Version,
        name: &str,
        moves: &[(Due, Move)],
    ) -> Result<()> {
        let now = self.now();
        let rows: Vec<Follow> = moves.iter().map(|(due, after)| row_of(due, after, version)).collect();
        let left: Vec<(EnrollmentId, StepId)> = moves
            .iter()
            .filter(|(_, after)| after.leaves_step())
            .map(|(due, after)| (due.stored.enrollment.id, after.from))
            .collect();
        let entered: Vec<(EnrollmentId, StepId)> = moves
            .iter()
            .filter(|(_, after)| after.leaves_step())
            .filter_map(|(due, after)| Some((due.stored.enrollment.id, after.to?)))
            .collect();
        enrollment_moves::follow(tx, &rows, now).await?;
        enrollment_moves::give_back_emails(tx, &left, now).await?;
        enrollment_moves::cancel_tasks(tx, &left, now).await?;
        enrollment_moves::reopen_tasks(tx, &entered).await?;
        let mut events: Vec<Activity> = Vec::with_capacity(moves.len());
        for (due, after) in moves {
            let e = &due.stored.enrollment;
            let told = Activity {
                detail: json!({ "version": version.number, "step": after.to.and_then(|id| version.plan.position(id)) }),
                ..self.enrollment_event(e, ActivityKind::VersionChanged, actor, words_of(after, version, name))
            };
            events.push(told);
            if after.to.is_none() {
                let ended = Told::ended(&FinishReason::Completed);
                events.push(history::of_enrollment(self.new_activity_id(), e, ended, actor.user_id(), now));
            }
        }
        activities::insert_many(tx, &events).await?;
        let mut wakes: HashMap<_, Timestamp> = HashMap::new();
        for ((due, _), row) in moves.iter().zip(&rows) {
            if let (Some(mailbox), Some(wake)) = (due.stored.enrollment.mailbox_id, row.wake_at) {
                let first = wakes.entry(mailbox).or_insert(wake);
                *first = wake.min(*first);
            }
        }
        for (mailbox, wake) in wakes {
            mailboxes::hasten(tx, mailbox, wake.max(now)).await?;
        }
        Ok(())
    }

    /// Takes the move of one person back, if nothing was done since.
    pub(crate) async fn unfollow(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        version_id: VersionId,
        before: &Followed,
    ) -> Result<()> {
        access::admins_only(actor, "move people to another version")?;
        let stored = enrollments::find_for_update(tx, before.id).await?.ok_or(EngineError::NotFound("enrollment"))?;
        let version = sequences::find_version(tx, before.version_id).await?.ok_or(EngineError::NotFound("version"))?;
        self.may_go_back(tx, &stored, version_id, before).await?;
        let leaves = stored.enrollment.state.step() != Some(before.step);
        let left: Vec<_> =
            stored.enrollment.state.step().filter(|_| leaves).map(|step| (before.id, step)).into_iter().collect();
        let state =
            stored.enrollment.state.clone().after(Event::Moved { to: Some((before.step, before.due)) }, self.now())?;
        let step = version.plan.step(before.step).ok_or(EngineError::NotFound("step"))?;
        let position = version.plan.position(before.step).unwrap_or(0);
        let change = Change {
            version_id: version.id,
            step_action: Some(step.action.as_str()),
            position: u32::try_from(position).unwrap_or(u32::MAX),
            wake_at: wake_of(&state, false),
            ..Change::of(&stored, &state)
        };
        if !enrollments::save(tx, change, self.now()).await? {
            return Err(EngineError::Unavailable("This enrollment was changed at the same moment.".to_owned()));
        }
        enrollment_moves::give_back_emails(tx, &left, self.now()).await?;
        enrollment_moves::cancel_tasks(tx, &left, self.now()).await?;
        if leaves {
            enrollment_moves::reopen_tasks(tx, &[(before.id, before.step)]).await?;
        }
        let words = format!("Follows version {} again: goes on with step {position}", version.number);
        let event = self.enrollment_event(&stored.enrollment, ActivityKind::VersionChanged, actor, words);
        activities::insert(tx, &event).await?;
        if let (Some(mailbox), Some(wake)) = (stored.enrollment.mailbox_id, wake_of(&state, false)) {
            mailboxes::hasten(tx, mailbox, wake.max(self.now())).await?;
        }
        Ok(())
    }

    /// Nothing was sent, done or decided since the move, and the person is not in the sequence anew.
    async fn may_go_back(
        &self,
        tx: &mut Tx,
        stored: &StoredEnrollment,
        version_id: VersionId,
        before: &Followed,
    ) -> Result<()> {
        let e = &stored.enrollment;
        if e.version_id != version_id {
            return Err(changed_since("It follows yet another version since. It stays as it is."));
        }
        if e.done_steps.len() != before.done {
            return Err(changed_since("A step was sent or done since. It goes on with the version it follows."));
        }
        match &e.state {
            State::Finished { reason: FinishReason::Completed, .. } => {
                let others = enrollments::of_person(tx, e.person_id).await?;
                let is_later = |other: &StoredEnrollment| {
                    let other = &other.enrollment;
                    other.sequence_id == e.sequence_id && other.id != e.id && other.enrolled_at >= e.enrolled_at
                };
                if others.iter().any(is_later) {
                    return Err(changed_since("The person was enrolled again since. Nothing was changed."));
                }
            }
            State::Finished { reason, .. } => {
                return Err(changed_since(&format!("It ended since, because {}.", reason.words())));
            }
            _ => {}
        }
        let is_closed = |task: relance_domain::task::Task| task.closed_at.is_some();
        let step_task = match e.state.step() {
            Some(step) if step != before.step => tasks::find_of_step(tx, e.id, step).await?,
            _ => None,
        };
        if step_task.is_some_and(is_closed) || !enrollment_moves::leaving(tx, &[e.id]).await?.is_empty() {
            return Err(changed_since("Its email is just leaving, or its task was done. It stays as it is."));
        }
        Ok(())
    }
}

/// Where an enrollment stands now.
fn followed(stored: &StoredEnrollment) -> Option<Followed> {
    let e = &stored.enrollment;
    Some(Followed {
        id: e.id,
        version_id: e.version_id,
        step: e.state.step()?,
        due: e.state.due()?,
        done: e.done_steps.len(),
    })
}

fn row_of(due: &Due, after: &Move, version: &Version) -> Follow {
    let step = after.to.and_then(|id| version.plan.step(id));
    let position = after.to.and_then(|id| version.plan.position(id)).unwrap_or(0);
    Follow {
        id: due.stored.enrollment.id,
        version_id: version.id,
        state: after.state.clone(),
        step_action: match (&due.stored.step_action, after.leaves_step()) {
            // A rep pressed *send* on a manual email: it stays the email that it is by then.
            (Some(action), false) if action == "automated_email" => Some("automated_email"),
            _ => step.map(|step| step.action.as_str()),
        },
        position: u32::try_from(position).unwrap_or(u32::MAX),
        wake_at: wake_of(&after.state, false),
        moved_by_hand: due.stored.enrollment.moved_by_hand && !after.leaves_step(),
    }
}

fn words_of(after: &Move, version: &Version, name: &str) -> String {
    let follows = format!("Follows version {} of {name}", version.number);
    match after.to.and_then(|id| version.plan.position(id)) {
        Some(position) => format!("{follows}: goes on with step {position}"),
        None => format!("{follows}: no step is left"),
    }
}
