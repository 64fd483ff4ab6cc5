//! What enrollments look like in JSON: where they are, why they are held, why they ended.
//!
//! A list shows them without steps; one alone has all of them (`step_shapes`) and warns of data that is missing.

use super::{doc, shapes::EndedBody, step_shapes::EnrollmentStepBody};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, Timestamp, UserId,
    enrollment::{BlockReason, Enrollment, FinishReason, State},
};
use relance_engine::commands::{
    preview::{EnrollmentPreview, EnrollmentStep, StepStatus},
    step_answer::Answer,
};
use relance_storage::enrollment_views::EnrollmentView;
use serde::Serialize;
use utoipa::ToSchema;

/// Why an enrollment is blocked.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockedBody {
    /// A stable code: `missing_merge_data`, `quota_reached` …
    reason: &'static str,
    /// What happened, in a sentence.
    message: String,
    /// What releases it, in a sentence.
    releases: &'static str,
    /// It releases itself then; `null` = when something happens.
    #[schema(value_type = Option<doc::Instant>)]
    resumes_at: Option<Timestamp>,
    /// The merge tags that have no value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

/// A pause.
#[derive(Debug, Serialize, ToSchema)]
pub struct PausedBody {
    /// `person`, `auto_reply` or `deactivated`.
    by: &'static str,
    /// Until when; `null` = until someone resumes.
    #[schema(value_type = Option<doc::Instant>)]
    until: Option<Timestamp>,
}

/// Why and when an enrollment ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct FinishedBody {
    /// A stable code: `completed`, `replied`, `stopped` …
    reason: &'static str,
    /// When.
    #[schema(value_type = doc::Instant)]
    at: Timestamp,
    /// Who did it, if someone did.
    #[schema(value_type = Option<doc::UserId>)]
    by: Option<UserId>,
}

/// An enrollment as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnrollmentSummary)]
pub struct EnrollmentBody {
    /// Its id.
    #[schema(value_type = doc::EnrollmentId)]
    pub id: EnrollmentId,
    /// Who is enrolled.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
    /// The person's name.
    person_name: String,
    /// In which sequence.
    #[schema(value_type = doc::SequenceId)]
    sequence_id: SequenceId,
    /// The sequence's name.
    sequence_name: String,
    /// Number of the version it follows.
    version: u32,
    /// From which mailbox; `null` for tasks only.
    #[schema(value_type = Option<doc::MailboxId>)]
    mailbox_id: Option<MailboxId>,
    /// On whose behalf.
    #[schema(value_type = doc::UserId)]
    actor_id: UserId,
    /// Where it is.
    #[schema(value_type = doc::EnrollmentState)]
    state: &'static str,
    /// Position from 1 of the next step; `null` once completed.
    current_step: Option<u32>,
    /// When that step is due, before windows, quota and gap.
    #[schema(value_type = Option<doc::Instant>)]
    due_at: Option<Timestamp>,
    /// Set while it is paused.
    paused: Option<PausedBody>,
    /// Set while it is blocked.
    blocked: Option<BlockedBody>,
    /// Set once it is completed.
    finished: Option<FinishedBody>,
    /// Steps sent, done or skipped.
    steps_done: usize,
    /// Emails sent.
    emails_sent: u32,
    /// When it began.
    #[schema(value_type = doc::Instant)]
    enrolled_at: Timestamp,
}

struct Names {
    person: String,
    sequence: String,
    version: u32,
    position: u32,
    emails_sent: u32,
    finished_by: Option<UserId>,
}

fn blocked(state: &State) -> Option<BlockedBody> {
    let State::Blocked { reason, resumes_at, .. } = state else { return None };
    let tags = match reason {
        BlockReason::MissingMergeData { tags } => tags.clone(),
        _ => Vec::new(),
    };
    let (message, releases) = (reason.sentence(), reason.releases());
    Some(BlockedBody { reason: reason.code(), message, releases, resumes_at: *resumes_at, tags })
}

impl EnrollmentBody {
    fn of(enrollment: Enrollment, names: Names) -> Self {
        let state = enrollment.state;
        let paused = match &state {
            State::Paused { until, by, .. } => Some(PausedBody { by: by.as_str(), until: *until }),
            _ => None,
        };
        let finished = match &state {
            State::Finished { reason, at } => {
                let by = match reason {
                    FinishReason::Stopped { by } => by.or(names.finished_by),
                    _ => names.finished_by,
                };
                Some(FinishedBody { reason: reason.code(), at: *at, by })
            }
            _ => None,
        };
        Self {
            id: enrollment.id,
            person_id: enrollment.person_id,
            person_name: names.person,
            sequence_id: enrollment.sequence_id,
            sequence_name: names.sequence,
            version: names.version,
            mailbox_id: enrollment.mailbox_id,
            actor_id: enrollment.actor_id,
            state: state.word(),
            current_step: Some(names.position).filter(|position| *position > 0),
            due_at: state.due(),
            paused,
            blocked: blocked(&state),
            finished,
            steps_done: enrollment.done_steps.len(),
            emails_sent: names.emails_sent,
            enrolled_at: enrollment.enrolled_at,
        }
    }
}

impl From<EnrollmentView> for EnrollmentBody {
    fn from(view: EnrollmentView) -> Self {
        let names = Names {
            person: view.person_name,
            sequence: view.sequence_name,
            version: view.version,
            position: view.stored.position,
            emails_sent: view.stored.emails_sent,
            finished_by: view.stored.finished_by,
        };
        Self::of(view.stored.enrollment, names)
    }
}

/// Something that does not keep an enrollment from starting.
#[derive(Debug, Serialize, ToSchema)]
pub struct WarningBody {
    /// `missing_merge_data`.
    code: &'static str,
    /// Position from 1 of the step.
    position: usize,
    /// The merge tags without a value.
    tags: Vec<String>,
}

/// An enrollment with all its steps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Enrollment)]
pub struct EnrollmentWithSteps {
    #[serde(flatten)]
    #[schema(inline)]
    enrollment: EnrollmentBody,
    /// All steps in order.
    steps: Vec<EnrollmentStepBody>,
    /// Emails to come that lack data: they wait for it.
    warnings: Vec<WarningBody>,
}

impl From<EnrollmentPreview> for EnrollmentWithSteps {
    fn from(preview: EnrollmentPreview) -> Self {
        let to_come = |step: &&EnrollmentStep| {
            matches!(step.status, StepStatus::Planned | StepStatus::Waiting) && !step.words.missing_tags.is_empty()
        };
        let warning = |step: &EnrollmentStep| WarningBody {
            code: "missing_merge_data",
            position: step.position,
            tags: step.words.missing_tags.clone(),
        };
        let warnings = preview.steps.iter().filter(to_come).map(warning).collect();
        let answers: Vec<Answer> = preview.steps.iter().map(|step| preview.answer(step)).collect();
        let steps =
            preview.steps.into_iter().zip(answers).map(|(step, said)| EnrollmentStepBody::of(step, said)).collect();
        let position = preview.enrollment.position(&preview.version.plan);
        let names = Names {
            person: preview.person.name(),
            sequence: preview.sequence.name,
            version: preview.version.number,
            position: u32::try_from(position).unwrap_or_default(),
            emails_sent: preview.emails_sent,
            finished_by: None,
        };
        Self { enrollment: EnrollmentBody::of(preview.enrollment, names), steps, warnings }
    }
}

/// An enrollment with what stopping or pausing it did.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldEnrollment {
    /// The enrollment.
    #[serde(flatten)]
    #[schema(inline)]
    pub enrollment: EnrollmentWithSteps,
    /// What was ended or held; `leaving` names emails that were already on their way.
    pub ended: EndedBody,
}
