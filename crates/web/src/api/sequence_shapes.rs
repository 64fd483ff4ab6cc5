//! What sequences look like in JSON: steps, exit rules, unsubscribe.
//!
//! A step says its action as a word and carries `email`, `task` or both; what does not fit is refused at its place
//! (`steps[2].task`). In a patch `schedule` is replaced as a whole by `null` or `{}`, else merged.

use super::{
    attachments::{AttachmentBody, bodies, named},
    body::Patch,
    doc,
    schedule_shapes::{ScheduleBody, schedule_over},
    usable_shapes::UsableByBody,
};
use crate::problem::{Problem, Result};
use relance_domain::{
    SequenceId, StepId, TemplateId, Timestamp,
    schedule::Schedule,
    sequence::{ExitRules, OnBounce, OnColleagueReply, Plan, Sequence, SequenceState, Unsubscribe, UsableBy},
    step::{Action, EmailText, Step, TaskKind, TaskMode, TaskText, Wait, WaitUnit},
};
use relance_engine::{Engine, commands::sequences::SequenceFields};
use relance_storage::sequences::SequenceCounts;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The wait before a step.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitBody {
    /// How many; 0 = immediately.
    amount: u32,
    /// Of what.
    #[schema(value_type = doc::WaitUnit)]
    unit: WaitUnit,
}

/// The words of an email step.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmailBody {
    /// The template whose text is copied when the sequence is activated.
    #[schema(value_type = Option<doc::TemplateId>)]
    template_id: Option<TemplateId>,
    /// Subject with merge tags.
    subject: String,
    /// HTML body with merge tags; empty = plain text only.
    body_html: String,
    /// Text body with merge tags; empty = made from the HTML.
    body_text: String,
    /// Reply to the previous email of this enrollment, in its thread.
    reply_in_thread: bool,
    /// Files that go with it, taken in by `POST /attachments`.
    attachments: Vec<AttachmentBody>,
    /// Variants: none yet.
    #[schema(value_type = Vec<Object>)]
    variants: Vec<Value>,
}

/// The task of a step.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskStepBody {
    /// What it asks for.
    #[schema(value_type = doc::TaskKind)]
    kind: TaskKind,
    /// What to do, with merge tags.
    content: String,
    /// Due this many days after its creation.
    #[serde(default)]
    due_in_days: u32,
    /// When the next wait begins.
    #[serde(default)]
    #[schema(value_type = doc::TaskMode)]
    mode: TaskMode,
    /// Business days after the due date at which an unfinished task is skipped.
    #[serde(default)]
    overdue_days: u32,
}

/// One step.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Step)]
pub struct StepBody {
    /// Survives versions; left out for a new step.
    #[serde(default)]
    #[schema(value_type = Option<doc::StepId>)]
    id: Option<StepId>,
    /// From 1, the place in the list.
    #[serde(default)]
    position: Option<usize>,
    /// The wait before it; left out = immediately.
    #[serde(default = "immediately")]
    #[schema(required = false)]
    wait: WaitBody,
    /// What it does.
    #[schema(value_type = doc::StepAction)]
    action: ActionWord,
    /// The words of an email step.
    #[serde(default)]
    email: Option<EmailBody>,
    /// The task of a task step or around a manual email.
    #[serde(default)]
    task: Option<TaskStepBody>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionWord {
    AutomatedEmail,
    ManualEmail,
    Task,
}

const fn immediately() -> WaitBody {
    WaitBody { amount: Wait::IMMEDIATELY.amount, unit: Wait::IMMEDIATELY.unit }
}

impl StepBody {
    fn of(index: usize, step: &Step) -> Self {
        let action = match &step.action {
            Action::AutomatedEmail { .. } => ActionWord::AutomatedEmail,
            Action::ManualEmail { .. } => ActionWord::ManualEmail,
            Action::Task { .. } => ActionWord::Task,
        };
        let email = step.action.email().cloned().map(|email| EmailBody {
            template_id: email.template_id,
            subject: email.subject,
            body_html: email.body_html,
            body_text: email.body_text,
            reply_in_thread: email.reply_in_thread,
            attachments: bodies(email.attachments),
            variants: Vec::new(),
        });
        let task = step.action.task().cloned().map(|task| TaskStepBody {
            kind: task.kind,
            content: task.content,
            due_in_days: task.due_in_days,
            mode: task.mode,
            overdue_days: task.overdue_days,
        });
        let wait = WaitBody { amount: step.wait.amount, unit: step.wait.unit };
        Self { id: Some(step.id), position: Some(index + 1), wait, action, email, task }
    }

    fn into_domain(self, index: usize, engine: &Engine) -> Result<Step> {
        let field = |name: &str| format!("steps[{index}].{name}");
        if self.position.is_some_and(|position| position != index + 1) {
            let message = "The position of a step is its place in the list, from 1.";
            return Err(Problem::at(&field("position"), "invalid", message));
        }
        if self.email.as_ref().is_some_and(|email| !email.variants.is_empty()) {
            return Err(Problem::at(&field("email.variants"), "invalid", "An email has no variants yet."));
        }
        let missing = |name: &str| Problem::at(&field(name), "required", format!("This kind of step needs {name}."));
        let extra = |name: &str| Problem::at(&field(name), "not_allowed", format!("This kind of step has no {name}."));
        let email = self.email.map(|email| EmailText {
            template_id: email.template_id,
            subject: email.subject,
            body_html: email.body_html,
            body_text: email.body_text,
            reply_in_thread: email.reply_in_thread,
            attachments: named(email.attachments),
        });
        let task = self.task.map(|task| TaskText {
            kind: task.kind,
            content: task.content,
            due_in_days: task.due_in_days,
            mode: task.mode,
            overdue_days: task.overdue_days,
        });
        let action = match (self.action, email, task) {
            (ActionWord::AutomatedEmail, Some(email), None) => Action::AutomatedEmail { email },
            (ActionWord::ManualEmail, Some(email), Some(task)) => Action::ManualEmail { email, task },
            (ActionWord::Task, None, Some(task)) => Action::Task { task },
            (ActionWord::AutomatedEmail | ActionWord::ManualEmail, None, _) => return Err(missing("email")),
            (ActionWord::ManualEmail | ActionWord::Task, _, None) => return Err(missing("task")),
            (ActionWord::AutomatedEmail, _, Some(_)) => return Err(extra("task")),
            (ActionWord::Task, Some(_), _) => return Err(extra("email")),
        };
        let wait = Wait { amount: self.wait.amount, unit: self.wait.unit };
        Ok(Step { id: self.id.unwrap_or_else(|| engine.new_step_id()), wait, action })
    }
}

/// When a sequence ends or pauses.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExitBody {
    /// What a hard bounce does.
    #[schema(value_type = doc::OnBounce)]
    on_bounce: OnBounce,
    /// What a colleague's answer does.
    #[schema(value_type = doc::OnColleagueReply)]
    on_colleague_reply: OnColleagueReply,
    /// Business days to pause after an auto-reply without a return date.
    auto_reply_days: u32,
}

impl Default for ExitBody {
    fn default() -> Self {
        let ExitRules { on_bounce, on_colleague_reply, auto_reply_days } = ExitRules::default();
        Self { on_bounce, on_colleague_reply, auto_reply_days }
    }
}

/// The unsubscribe footer and headers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UnsubscribeBody {
    /// Footer link and headers on every email.
    enabled: bool,
    /// Language of the footer and page.
    locale: String,
}

impl Default for UnsubscribeBody {
    fn default() -> Self {
        let Unsubscribe { enabled, locale } = Unsubscribe::default();
        Self { enabled, locale }
    }
}

fn said<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What is written of a sequence.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = SequenceFields)]
pub struct SequenceBodyFields {
    /// Its name.
    name: String,
    /// Its description.
    description: String,
    /// Folder; empty = none.
    folder: String,
    /// Who may enroll people in it; admins always may.
    usable_by: UsableByBody,
    /// Sending days and windows; `null` = any time, left out or `{}` = the workspace's.
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<ScheduleBody>)]
    pub(super) schedule: Option<Value>,
    /// Exit rules.
    pub(super) exit: ExitBody,
    /// Unsubscribe footer and headers.
    pub(super) unsubscribe: UnsubscribeBody,
    /// In order.
    pub(super) steps: Vec<StepBody>,
}

impl SequenceBodyFields {
    /// As it is written.
    pub fn of(name: &str, description: &str, plan: &Plan) -> Self {
        let schedule = plan.schedule.clone().map(|schedule| serde_json::to_value(ScheduleBody::from(schedule)));
        let ExitRules { on_bounce, on_colleague_reply, auto_reply_days } = plan.exit;
        let Unsubscribe { enabled, locale } = plan.unsubscribe.clone();
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            folder: String::new(),
            usable_by: UsableByBody::default(),
            schedule: Some(schedule.and_then(std::result::Result::ok).unwrap_or_default()),
            exit: ExitBody { on_bounce, on_colleague_reply, auto_reply_days },
            unsubscribe: UnsubscribeBody { enabled, locale },
            steps: plan.steps.iter().enumerate().map(|(index, step)| StepBody::of(index, step)).collect(),
        }
    }

    /// With its place in the list and who may use it.
    fn placed(self, folder: &str, usable_by: &UsableBy) -> Self {
        Self { folder: folder.to_owned(), usable_by: usable_by.clone().into(), ..self }
    }

    /// What the command takes; `workspace` is the schedule of sequences that do not set one.
    pub fn into_domain(self, engine: &Engine, workspace: &Schedule) -> Result<SequenceFields> {
        let ExitBody { on_bounce, on_colleague_reply, auto_reply_days } = self.exit;
        let UnsubscribeBody { enabled, locale } = self.unsubscribe;
        let steps: Result<Vec<Step>> =
            self.steps.into_iter().enumerate().map(|(index, step)| step.into_domain(index, engine)).collect();
        let plan = Plan {
            steps: steps?,
            schedule: match &self.schedule {
                None => Some(workspace.clone()),
                Some(asked) => schedule_over(workspace, asked)?,
            },
            exit: ExitRules { on_bounce, on_colleague_reply, auto_reply_days },
            unsubscribe: Unsubscribe { enabled, locale },
        };
        let usable_by = self.usable_by.into();
        Ok(SequenceFields { name: self.name, description: self.description, folder: self.folder, usable_by, plan })
    }
}

/// What is stored with a patch merged in.
pub fn patched(
    patch: &Patch,
    stored: &SequenceFields,
    engine: &Engine,
    workspace: &Schedule,
) -> Result<SequenceFields> {
    let now = SequenceBodyFields::of(&stored.name, &stored.description, &stored.plan);
    let mut merged = patch.merged(&now.placed(&stored.folder, &stored.usable_by))?;
    match patch.get("schedule") {
        // `{}` and `null` say something here that a merge cannot.
        Some(Value::Object(changes)) if changes.is_empty() => merged.schedule = None,
        Some(Value::Null) => merged.schedule = Some(Value::Null),
        _ => {}
    }
    merged.into_domain(engine, workspace)
}

/// How many enrollments stand where.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CountsBody {
    active: u32,
    paused: u32,
    blocked: u32,
    completed: u32,
    replied: u32,
}

impl From<SequenceCounts> for CountsBody {
    fn from(counts: SequenceCounts) -> Self {
        let SequenceCounts { active, paused, blocked, finished, replied } = counts;
        Self { active, paused, blocked, completed: finished, replied }
    }
}

/// A sequence: the plan as it is being written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sequence)]
pub struct SequenceBody {
    /// Its id.
    #[schema(value_type = doc::SequenceId)]
    pub id: SequenceId,
    #[serde(flatten)]
    #[schema(inline)]
    fields: SequenceBodyFields,
    /// Draft, active or archived.
    #[schema(value_type = doc::SequenceState)]
    state: SequenceState,
    /// Number of the live version; 0 before the first.
    version: u32,
    /// Raised by every change of the draft.
    draft_number: u32,
    /// Paused for everyone in it since then.
    #[schema(value_type = Option<doc::Instant>)]
    paused_at: Option<Timestamp>,
    /// How many enrollments stand where.
    enrollments: CountsBody,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = doc::Instant)]
    updated_at: Timestamp,
}

impl SequenceBody {
    /// A sequence with its counts.
    pub fn of(sequence: Sequence, counts: SequenceCounts) -> Self {
        Self {
            id: sequence.id,
            fields: SequenceBodyFields::of(&sequence.name, &sequence.description, &sequence.draft)
                .placed(&sequence.folder, &sequence.usable_by),
            state: sequence.state,
            version: sequence.version,
            draft_number: sequence.draft_number,
            paused_at: sequence.paused_at,
            enrollments: counts.into(),
            created_at: sequence.created_at,
            updated_at: sequence.updated_at,
        }
    }
}
