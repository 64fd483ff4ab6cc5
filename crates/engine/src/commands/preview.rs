//! What a person will get, before enrolling and while enrolled: the same rendering and rules that send.

use super::{preflight::EnrollRequest, teams, words};
use crate::{Engine, Result, forecasting::MOST_OF_A_MAILBOX, rendering::Footer};
use relance_domain::{
    PersonId, Timestamp, UserId,
    attachment::Attachment,
    decision::{Explained, RuleKind},
    delivery::Delivery,
    enrollment::Enrollment,
    forecast::{Foresight, Prospect},
    person::Person,
    sequence::{Sequence, Version},
    step::Step,
    task::Task,
    user::Actor,
};
use relance_storage::{Tx, people, sending::InThread};
use serde::{Deserialize, Serialize};

/// The words of a step for one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Subject; empty for a task.
    pub subject: String,
    /// HTML; empty for plain text and tasks. Missing tags stand as `<mark class="missing">` with their name.
    pub html: String,
    /// Text of the email or content of the task.
    pub text: String,
    /// Merge tags without a value.
    pub missing_tags: Vec<String>,
    /// Files that go with the email.
    pub attachments: Vec<Attachment>,
}

/// One step of the enroll dialog's preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPreview {
    /// The step.
    pub step: Step,
    /// From 1.
    pub position: usize,
    /// When it is forecast to happen; `None` after a task that someone must finish first.
    pub planned_at: Option<Timestamp>,
    /// It comes only after a task before it is done.
    pub after_task: bool,
    /// The holiday that moves it, in words: *6 April is Easter Monday in Germany*.
    pub holiday: Option<String>,
    /// It goes into the thread of the email before.
    pub in_thread: bool,
    /// What the person gets.
    pub words: Words,
}

/// Where one step of an enrollment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not due.
    Planned,
    /// Due and held: a wait, a block, a deferral, an open task.
    Waiting,
    /// Past the point of no return.
    Leaving,
    /// Accepted by the server.
    Sent,
    /// The task was done.
    Done,
    /// Skipped.
    Skipped,
    /// The server refused it for good.
    Failed,
    /// The enrollment ended first.
    Cancelled,
    /// It may or may not have left.
    Uncertain,
}

/// One step of an enrollment, past or future.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrollmentStep {
    /// The step.
    pub step: Step,
    /// From 1.
    pub position: usize,
    /// Where it stands.
    pub status: StepStatus,
    /// When it is forecast to happen, if it is still to come.
    pub planned_at: Option<Timestamp>,
    /// It comes only after a task before it is done.
    pub after_task: bool,
    /// When it was sent, done or skipped.
    pub executed_at: Option<Timestamp>,
    /// Its email, latest generation.
    pub delivery: Option<Delivery>,
    /// Its task.
    pub task: Option<Task>,
    /// What the person got or will get.
    pub words: Words,
    /// The decision about the current step, with the rules and the values compared.
    pub explained: Option<Explained>,
    /// Why a step after the current one stands at its date.
    pub foresight: Option<Foresight>,
    /// *Retry* may be pressed at this step.
    pub may_retry: bool,
    /// Which rule moved a step to come from its due time, if one did.
    pub moved_by: Option<RuleKind>,
    /// The holiday that moves a step to come, in words.
    pub holiday: Option<String>,
    /// Why a sent email left when it did: `due_at`, `held_by`, `place` and `rules`; `null` if that is not known.
    pub departed: serde_json::Value,
    /// Who changed the words of this email for this person, and when.
    pub edited: Option<(UserId, Timestamp)>,
    /// The words may be changed for this person.
    pub may_edit: bool,
}

/// An enrollment with all its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrollmentPreview {
    /// The enrollment.
    pub enrollment: Enrollment,
    /// The person.
    pub person: Person,
    /// The sequence.
    pub sequence: Sequence,
    /// The version it follows.
    pub version: Version,
    /// All steps in order.
    pub steps: Vec<EnrollmentStep>,
    /// How many emails were sent.
    pub emails_sent: u32,
}

impl StepStatus {
    /// As in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Waiting => "waiting",
            Self::Leaving => "leaving",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Uncertain => "uncertain",
        }
    }
}

impl Engine {
    /// Every step of a sequence as `person` would get it, with the forecast; nothing is stored. `request` as for
    /// [`Engine::enroll`] (its people are not looked at). An active sequence shows its live version, a draft its draft.
    pub async fn preview_steps(
        &self,
        actor: &Actor,
        request: &EnrollRequest,
        person: PersonId,
    ) -> Result<Vec<StepPreview>> {
        let mut tx = self.store.read().await?;
        let ground = self.ground(&mut tx, actor, request).await?;
        let person = teams::seen_person(&mut tx, actor, person).await?;
        let company = company_of(&mut tx, &person).await?;
        let desks: Vec<_> = ground.sender.mailbox().map(|mailbox| mailbox.id).into_iter().collect();
        let future = self.future(&mut tx, &desks, &[], MOST_OF_A_MAILBOX).await?;
        drop(tx);
        // What would refuse it, or holds it for data, is told beside the dates, not instead of them.
        let newcomer = ground.newcomer(&person, &[]);
        let row = newcomer.enrollment(0);
        let joins: Vec<Prospect> =
            row.iter().map(|row| Prospect { facts: newcomer.facts(row), missing: &[], explains: false }).collect();
        let planned = match (&future, joins.is_empty()) {
            (Some(future), false) => future.forecast(None, joins).steps.pop().unwrap_or_default(),
            _ => Vec::new(),
        };
        let url = format!("{}/unsubscribe/preview", self.settings.base_url);
        let footer = Footer::of(&ground.plan.unsubscribe, &ground.workspace.postal_address, &url);
        let correspondence = ground.sender.correspondence(&person, company.as_ref());
        let values = correspondence.values(&url);
        let mut thread: Vec<InThread> = Vec::new();
        let mut previews = Vec::with_capacity(planned.len());
        for planned in planned {
            let Some(step) = ground.plan.step(planned.step_id) else { continue };
            let words = words::of_step(step, &values, &thread, footer.as_ref())?;
            let in_thread = step.action.email().is_some_and(|email| email.reply_in_thread) && !thread.is_empty();
            if step.action.email().is_some() {
                thread.push(InThread::planned(words.subject.clone()));
            }
            previews.push(StepPreview {
                step: step.clone(),
                position: planned.position,
                planned_at: planned.planned_at,
                after_task: planned.after_task,
                holiday: planned.holiday,
                in_thread,
                words,
            });
        }
        Ok(previews)
    }
}

pub(crate) async fn company_of(tx: &mut Tx, person: &Person) -> Result<Option<Person>> {
    Ok(match person.fields.company_id {
        Some(id) => people::find(tx, id).await?,
        None => None,
    })
}
