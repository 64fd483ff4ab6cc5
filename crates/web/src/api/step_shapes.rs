//! What the steps of an enrollment look like in JSON: planned, held, sent, and every rule with the values compared.

use super::{doc, templates::WordsBody};
use relance_domain::{
    DeliveryId, StepId, TaskId, Timestamp, UserId,
    decision::{Rule, RuleKind, Verdict},
    task::{Task, TaskState},
};
use relance_engine::commands::{
    preview::{EnrollmentStep, StepPreview, StepStatus},
    step_answer::Answer,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A rule that was looked at, with the values compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleBody {
    /// Which rule: `window`, `quota`, `gap`, `merge_data` …
    rule: String,
    /// The values compared, in words.
    compared: String,
    /// `allows`, `holds`, `adds_ms`, `blocks` or `ends`.
    verdict: &'static str,
    /// Until when it holds.
    #[schema(value_type = Option<doc::Instant>)]
    until: Option<Timestamp>,
    /// Milliseconds it adds.
    adds_ms: Option<i64>,
}

impl From<&Rule> for RuleBody {
    fn from(rule: &Rule) -> Self {
        let (verdict, until, adds_ms) = match rule.verdict {
            Verdict::Allows => ("allows", None, None),
            Verdict::Holds { until } => ("holds", until, None),
            Verdict::AddsMs { ms } => ("adds_ms", None, Some(ms)),
            Verdict::Blocks => ("blocks", None, None),
            Verdict::Ends => ("ends", None, None),
        };
        Self { rule: rule_word(rule.kind), compared: rule.compared.clone(), verdict, until, adds_ms }
    }
}

/// `window`, `quota`, `gap` …
fn rule_word(kind: RuleKind) -> String {
    serde_json::to_value(kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What is known of the email of a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryBody {
    /// Its id.
    #[schema(value_type = doc::DeliveryId)]
    id: DeliveryId,
    /// Without angle brackets.
    message_id: String,
    /// The server's last answer.
    smtp_reply: Option<String>,
    /// `planned`, `claimed`, `leaving`, `sent`, `deferred`, `refused`, `uncertain`, `not_sent`, `cancelled` or `skipped`.
    state: &'static str,
    /// The address it goes to.
    recipient: String,
    /// From 1; a person begins a new one.
    generation: u32,
    /// Tries so far.
    attempts: u32,
}

/// The task of a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepTaskBody {
    /// Its id.
    #[schema(value_type = doc::TaskId)]
    id: TaskId,
    /// Where it is.
    #[schema(value_type = doc::TaskState)]
    state: TaskState,
    /// When it is due.
    #[schema(value_type = doc::Instant)]
    due_at: Timestamp,
}

impl From<&Task> for StepTaskBody {
    fn from(task: &Task) -> Self {
        Self { id: task.id, state: task.state, due_at: task.due_at }
    }
}

/// One step of an enrollment, past or future.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnrollmentStep)]
pub struct EnrollmentStepBody {
    /// Its id.
    #[schema(value_type = doc::StepId)]
    id: StepId,
    /// From 1.
    position: usize,
    /// What it does.
    #[schema(value_type = doc::StepAction)]
    action: &'static str,
    /// Where it stands.
    #[schema(value_type = doc::StepStatus)]
    status: StepStatus,
    /// When it is forecast to happen, if it is still to come.
    #[schema(value_type = Option<doc::Instant>)]
    planned_at: Option<Timestamp>,
    /// It comes only after a task before it is done.
    after_task: bool,
    /// When it was sent, done or skipped.
    #[schema(value_type = Option<doc::Instant>)]
    executed_at: Option<Timestamp>,
    /// Its email, latest generation.
    delivery: Option<DeliveryBody>,
    /// Its task.
    task: Option<StepTaskBody>,
    /// What the person got or will get.
    words: WordsBody,
    /// Why it happens or happened when it does, or why it does not, in a sentence or two.
    because: String,
    /// What releases it, in a sentence.
    releases: String,
    /// Every rule with the values compared: now for the current step, at its date for those after it, as it was then
    /// for an email that was sent. Empty where nothing is or was compared.
    explanation: Vec<RuleBody>,
    /// *Retry* may be asked for.
    may_retry: bool,
    /// Which rule moved a step to come from its due time: `window`, `quota`, `gap` …; `null` if none did.
    moved_by: Option<String>,
    /// The holiday that moves a step to come, in words; `null` if none does.
    holiday: Option<String>,
    /// Who changed the words of this email for this person.
    #[schema(value_type = Option<doc::UserId>)]
    edited_by: Option<UserId>,
    /// When they did.
    #[schema(value_type = Option<doc::Instant>)]
    edited_at: Option<Timestamp>,
    /// The words may be changed for this person.
    may_edit: bool,
}

impl EnrollmentStepBody {
    /// A step with what is said about it.
    pub fn of(step: EnrollmentStep, answer: Answer) -> Self {
        let delivery = step.delivery.map(|delivery| DeliveryBody {
            id: delivery.id,
            message_id: delivery.message_id,
            smtp_reply: delivery.smtp_reply,
            state: delivery.state.as_str(),
            recipient: delivery.recipient,
            generation: delivery.generation,
            attempts: delivery.attempts,
        });
        Self {
            id: step.step.id,
            position: step.position,
            action: step.step.action.as_str(),
            status: step.status,
            planned_at: step.planned_at,
            after_task: step.after_task,
            executed_at: step.executed_at,
            delivery,
            task: step.task.as_ref().map(StepTaskBody::from),
            because: answer.sentence,
            releases: answer.releases,
            explanation: answer.rules.iter().map(RuleBody::from).collect(),
            may_retry: step.may_retry,
            moved_by: step.moved_by.map(rule_word),
            holiday: step.holiday,
            edited_by: step.edited.map(|(by, _)| by),
            edited_at: step.edited.map(|(_, at)| at),
            may_edit: step.may_edit,
            words: step.words.into(),
        }
    }
}

/// One step as a person would get it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StepPreview)]
pub struct StepPreviewBody {
    /// Its id.
    #[schema(value_type = doc::StepId)]
    id: StepId,
    /// From 1.
    position: usize,
    /// What it does.
    #[schema(value_type = doc::StepAction)]
    action: &'static str,
    /// When it is forecast to happen; `null` after a task that someone must finish first.
    #[schema(value_type = Option<doc::Instant>)]
    planned_at: Option<Timestamp>,
    /// It comes only after a task before it is done.
    after_task: bool,
    /// The holiday that moves it, in words; `null` if none does.
    holiday: Option<String>,
    /// It goes into the thread of the email before.
    in_thread: bool,
    /// What the person gets.
    words: WordsBody,
}

impl From<StepPreview> for StepPreviewBody {
    fn from(step: StepPreview) -> Self {
        Self {
            id: step.step.id,
            position: step.position,
            action: step.step.action.as_str(),
            planned_at: step.planned_at,
            after_task: step.after_task,
            holiday: step.holiday,
            in_thread: step.in_thread,
            words: step.words.into(),
        }
    }
}
