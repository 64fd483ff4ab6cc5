//! Enrolling one person or many.

use super::{
    access,
    bulk::Selection,
    ground::{Ground, Judged},
    preflight::{BulkForecast, EnrollRequest, Preflight, PreflightRow},
};
use crate::{Engine, EngineError, Result, commands::RowOutcome};
use relance_domain::{
    EnrollmentId, JobId, PersonId, Refused,
    activity::{Activity, ActivityKind},
    enrollment::{Enrollment, State, tag_words},
    user::Actor,
};
use relance_storage::{
    Tx, activities,
    enrollments::{self, StoredEnrollment},
    mailboxes,
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What to do with people whose first texts lack data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// They start and wait for the data.
    #[default]
    Start,
    /// They are left out.
    Skip,
}

/// One person of a bulk enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollOutcome {
    /// What was judged.
    #[serde(flatten)]
    pub row: PreflightRow,
    /// The enrollment that began, or the one in the way; `None` if refused or left out.
    pub enrollment_id: Option<EnrollmentId>,
    /// Whether an enrollment began.
    pub started: bool,
}

/// What enrolling many did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolledMany {
    /// Up to 1,000 people: one row each, and when their emails leave.
    Rows(Vec<EnrollOutcome>, BulkForecast),
    /// More: a job does it.
    Job(JobId),
}

/// People judged and not yet enrolled.
pub(crate) struct Prepared {
    ground: Ground,
    judged: Vec<Judged>,
}

const AT_ONCE: usize = 1_000;
const CHUNK: usize = 500;

impl Engine {
    /// Enrolls one person (`request.person_ids` has one). A refusal carries its code; `already_active` names the
    /// enrollment in its `field`.
    pub async fn enroll(&self, actor: &Actor, request: &EnrollRequest) -> Result<Enrollment> {
        let [_] = request.person_ids.as_slice() else {
            return Err(Refused::at("person_id", "required", "Choose one person.").into());
        };
        let mut tx = self.store.begin().await?;
        let ground = self.ground(&mut tx, actor, request).await?;
        let judged = ground.judge(&mut tx, actor, &request.person_ids).await?;
        let outcomes = self.start_judged(&mut tx, actor, &ground, judged, OnMissing::Start).await?;
        let outcome = outcomes.into_iter().next().ok_or(EngineError::NotFound("person"))?;
        if !outcome.started {
            return Err(refusal(outcome.row));
        }
        let id = outcome.enrollment_id.ok_or(EngineError::NotFound("enrollment"))?;
        let stored = enrollments::find(&mut tx, id).await?.ok_or(EngineError::NotFound("enrollment"))?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(stored.enrollment)
    }

    /// Enrolls many: each row for itself.
    pub async fn enroll_many(
        &self,
        actor: &Actor,
        request: &EnrollRequest,
        on_missing: OnMissing,
    ) -> Result<EnrolledMany> {
        if request.person_ids.len() > AT_ONCE {
            let selection = Selection::Ids(request.person_ids.clone());
            return Ok(EnrolledMany::Job(self.start_bulk_enroll(actor, request, on_missing, &selection).await?));
        }
        let mut rows = Vec::with_capacity(request.person_ids.len());
        let (planned, forecast) = self.preflight_rows(actor, request, on_missing).await?;
        for chunk in request.person_ids.chunks(CHUNK) {
            let prepared = self.prepare_enroll(actor, request, chunk).await?;
            let mut tx = self.store.begin().await?;
            rows.extend(self.enroll_prepared(&mut tx, actor, prepared, on_missing).await?);
            tx.commit().await?;
        }
        self.signals.due.notify_waiters();
        for (row, planned) in rows.iter_mut().zip(planned).filter(|(row, _)| row.started) {
            row.row.first_at = planned.first_at;
        }
        Ok(EnrolledMany::Rows(rows, forecast))
    }

    /// Judges these people in a view of their own, so that little is left for the write transaction.
    pub(crate) async fn prepare_enroll(
        &self,
        actor: &Actor,
        request: &EnrollRequest,
        people: &[PersonId],
    ) -> Result<Prepared> {
        let mut tx = self.store.read().await?;
        let ground = self.ground(&mut tx, actor, request).await?;
        let judged = ground.judge(&mut tx, actor, people).await?;
        Ok(Prepared { ground, judged })
    }

    /// Stores what was prepared, in a transaction of the caller; nothing if the sequence was archived or changed since.
    pub(crate) async fn enroll_prepared(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        prepared: Prepared,
        on_missing: OnMissing,
    ) -> Result<Vec<EnrollOutcome>> {
        let Prepared { ground, judged } = prepared;
        let now = access::sequence(tx, ground.sequence.id).await?;
        if now.state != ground.sequence.state || now.version_id != ground.sequence.version_id {
            return Err(EngineError::Unavailable("The sequence was changed at the same moment. Try again.".to_owned()));
        }
        self.start_judged(tx, actor, &ground, judged, on_missing).await
    }

    /// Stores the enrollments of everyone who may start; who was quicker elsewhere comes back as already active.
    async fn start_judged(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        ground: &Ground,
        judged: Vec<Judged>,
        on_missing: OnMissing,
    ) -> Result<Vec<EnrollOutcome>> {
        let mut stored = Vec::with_capacity(judged.len());
        let mut outcomes = Vec::with_capacity(judged.len());
        for judged in judged {
            let leave_out =
                on_missing == OnMissing::Skip && matches!(judged.row.outcome, Preflight::WaitsForData { .. });
            let row = if leave_out { None } else { self.new_enrollment(ground, &judged) };
            let in_the_way = match &judged.row.outcome {
                Preflight::Refused { enrollment_id, .. } => *enrollment_id,
                _ => None,
            };
            let enrollment_id = row.as_ref().map(|row| row.enrollment.id).or(in_the_way);
            outcomes.push(EnrollOutcome { row: judged.row, enrollment_id, started: row.is_some() });
            stored.extend(row);
        }
        let inserted: HashSet<EnrollmentId> = enrollments::insert_many(tx, &stored).await?.into_iter().collect();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.started) {
            if !outcome.enrollment_id.is_some_and(|id| inserted.contains(&id)) {
                let message = "Someone enrolled this person, or this address, at the same moment.".to_owned();
                outcome.row.outcome =
                    Preflight::Refused { code: "already_active".to_owned(), message, enrollment_id: None };
                (outcome.enrollment_id, outcome.started) = (None, false);
            }
        }
        stored.retain(|row| inserted.contains(&row.enrollment.id));
        let words = format!("Enrolled in {}", ground.sequence.name);
        let events: Vec<Activity> = stored
            .iter()
            .map(|row| self.enrollment_event(&row.enrollment, ActivityKind::SequenceStarted, actor, words.as_str()))
            .collect();
        activities::insert_many(tx, &events).await?;
        let first = stored.iter().filter_map(|row| row.wake_at).min();
        if let (Some(mailbox), Some(first)) = (ground.sender.mailbox(), first) {
            mailboxes::hasten(tx, mailbox.id, first).await?;
        }
        Ok(outcomes)
    }

    /// The row of one new enrollment; `None` if the person is refused or the plan has no step.
    pub(crate) fn new_enrollment(&self, ground: &Ground, judged: &Judged) -> Option<StoredEnrollment> {
        let (step_id, due) = judged.start?;
        let step = ground.plan.step(step_id)?;
        let now = self.now();
        let enrollment = Enrollment {
            id: self.new_enrollment_id(),
            person_id: judged.row.person_id,
            sequence_id: ground.sequence.id,
            version_id: ground.version_id?,
            mailbox_id: ground.sender.mailbox().map(|mailbox| mailbox.id),
            actor_id: ground.actor_id,
            state: State::Active { step: step_id, due },
            revision: 0,
            address_key: judged.address_key.clone(),
            done_steps: Vec::new(),
            moved_by_hand: false,
            last_step_at: None,
            enrolled_at: now,
        };
        Some(StoredEnrollment {
            enrollment,
            step_action: Some(step.action.as_str().to_owned()),
            position: u32::try_from(ground.plan.position(step_id)?).ok()?,
            wake_at: Some(due),
            emails_sent: 0,
            finished_by: None,
            updated_at: now,
        })
    }
}

fn refusal(row: PreflightRow) -> EngineError {
    match row.outcome {
        Preflight::Refused { code, message, enrollment_id } => {
            Refused { code, message, field: enrollment_id.map(|id| id.to_string()) }.into()
        }
        Preflight::Starts | Preflight::WaitsForData { .. } => {
            EngineError::refused("sequence_not_active", "This sequence has no step to start with.")
        }
    }
}

impl From<EnrollOutcome> for RowOutcome {
    fn from(outcome: EnrollOutcome) -> Self {
        let refused = match outcome.row.outcome {
            Preflight::Refused { code, message, .. } => Some(Refused::new(code, message)),
            Preflight::WaitsForData { tags } if !outcome.started => {
                let message = format!("Left out: there is no value for {}.", tag_words(&tags));
                Some(Refused::new("missing_merge_data", message))
            }
            Preflight::Starts | Preflight::WaitsForData { .. } => None,
        };
        Self { enrollment_id: outcome.enrollment_id, refused, ..Self::done(outcome.row.person_id) }
    }
}
