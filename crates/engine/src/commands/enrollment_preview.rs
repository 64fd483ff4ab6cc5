//! An enrollment with all its steps: what has happened, what is held and why, what is forecast.
//!
//! Words of what was sent are those that were sent; of what is to come, those that would be sent now.

use super::{
    access,
    preview::{EnrollmentPreview, EnrollmentStep, StepStatus, Words},
    words,
};
use crate::{
    Engine, EngineError, Result,
    forecasting::MOST_OF_A_MAILBOX,
    rendering::{Correspondence, Footer, unsubscribe_url},
    sender::facts::{Due, edited},
};
use relance_domain::{
    DeliveryId, EnrollmentId, StepId, Timestamp,
    delivery::{Delivery, DeliveryState},
    enrollment::State,
    forecast::PlannedStep,
    mailbox::Mailbox,
    step::{Action, Step},
    task::{Task, TaskState},
    user::Actor,
    workspace::Workspace,
};
use relance_storage::{
    Tx, activities, deliveries,
    email_edits::{self, EmailEdit},
    enrollments,
    sending::InThread,
    tasks,
};
use serde_json::Value;
use std::collections::HashMap;

/// Everything the steps of one enrollment are shown from.
struct View {
    now: Timestamp,
    workspace: Workspace,
    due: Due,
    deliveries: Vec<Delivery>,
    tasks: Vec<Task>,
    /// In whose name the words are made, a stand-in where no mailbox is left.
    writer: Mailbox,
    planned: Vec<PlannedStep>,
    edits: HashMap<(EnrollmentId, StepId), EmailEdit>,
    /// Why each email that left did so then.
    departed: HashMap<DeliveryId, Value>,
}

impl Engine {
    /// An enrollment with all its past and future steps, statuses as in `api.md`.
    pub async fn preview_enrollment(&self, actor: &Actor, id: EnrollmentId) -> Result<EnrollmentPreview> {
        let mut tx = self.store.read().await?;
        let view = self.view(&mut tx, actor, id).await?;
        drop(tx);
        let words = view.words(self);
        let planned = &view.planned;
        let plan = &view.due.prepared.version.plan;
        let steps = plan.steps.iter().enumerate().map(|(index, step)| {
            let words = words.get(&step.id).cloned().unwrap_or_default();
            view.step(step, index + 1, planned, words)
        });
        Ok(EnrollmentPreview {
            steps: steps.collect(),
            emails_sent: view.due.stored.emails_sent,
            enrollment: view.due.stored.enrollment.clone(),
            person: view.due.person.clone(),
            sequence: view.due.sequence.clone(),
            version: view.due.prepared.version.clone(),
        })
    }

    /// The words of one step for its person: what was sent, or what would be sent now.
    pub async fn preview_step(&self, actor: &Actor, enrollment: EnrollmentId, step: StepId) -> Result<Words> {
        let mut tx = self.store.read().await?;
        let view = self.view(&mut tx, actor, enrollment).await?;
        drop(tx);
        view.words(self).remove(&step).ok_or(EngineError::NotFound("step"))
    }

    async fn view(&self, tx: &mut Tx, _actor: &Actor, id: EnrollmentId) -> Result<View> {
        let stored = enrollments::find(tx, id).await?.ok_or(EngineError::NotFound("enrollment"))?;
        let (actor_id, mailbox_id) = (stored.enrollment.actor_id, stored.enrollment.mailbox_id);
        let due = self.load_due(tx, vec![stored]).await?.pop().ok_or(EngineError::NotFound("enrollment"))?;
        let writer = self.sender_of(tx, Some(actor_id), mailbox_id).await?.mailbox;
        let future = self.future(tx, &[], &[id], MOST_OF_A_MAILBOX).await?;
        let planned = future.and_then(|future| future.steps_of(id)).unwrap_or_default();
        let now = self.now();
        Ok(View {
            now,
            workspace: access::workspace(tx).await?,
            deliveries: deliveries::of_enrollment(tx, id).await?,
            tasks: tasks::of_enrollments(tx, &[id]).await?,
            writer,
            planned,
            edits: email_edits::of_enrollments(tx, &[id]).await?,
            departed: activities::departures(tx, id).await?,
            due,
        })
    }
}

impl View {
    /// The step with the words that someone gave it for this person.
    fn as_edited(&self, step: &Step) -> Step {
        let mut step = step.clone();
        if let Some(edit) = self.edits.get(&(self.due.stored.enrollment.id, step.id))
            && let Action::AutomatedEmail { email } | Action::ManualEmail { email, .. } = &mut step.action
        {
            *email = edited(email, edit);
        }
        step
    }

    fn state(&self) -> &State {
        &self.due.stored.enrollment.state
    }

    /// The newest generation of a step's email.
    fn delivery(&self, step: StepId) -> Option<&Delivery> {
        self.deliveries.iter().filter(|delivery| delivery.step_id == step).max_by_key(|delivery| delivery.generation)
    }

    fn task(&self, step: StepId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.step_id == Some(step))
    }

    /// The words of every step, each in the thread of those before it.
    fn words(&self, engine: &Engine) -> HashMap<StepId, Words> {
        let plan = &self.due.prepared.version.plan;
        let url = unsubscribe_url(&engine.settings, &engine.keys, self.due.stored.enrollment.id);
        let footer = Footer::of(&plan.unsubscribe, &self.workspace.postal_address, &url);
        let correspondence = Correspondence {
            person: &self.due.person,
            company: self.due.company.as_ref(),
            mailbox: &self.writer,
            actor: Some(&self.due.actor),
        };
        let values = correspondence.values(&url);
        let mut thread: Vec<InThread> = Vec::new();
        let mut found = HashMap::new();
        for step in &plan.steps {
            let sent = self.delivery(step.id).filter(|delivery| !delivery.text.is_empty() && has_left(delivery.state));
            let words = match sent {
                Some(sent) => Words {
                    subject: sent.subject.clone(),
                    html: sent.html.clone(),
                    text: sent.text.clone(),
                    missing_tags: Vec::new(),
                    attachments: sent.attachments.clone(),
                },
                None => words::of_step(&self.as_edited(step), &values, &thread, footer.as_ref())
                    .unwrap_or_else(|refused| Words { text: refused.message, ..Words::default() }),
            };
            let skipped = self.due.stored.enrollment.done_steps.contains(&step.id) && sent.is_none();
            if step.action.email().is_some() && !skipped {
                thread.push(InThread::planned(words.subject.clone()));
            }
            found.insert(step.id, words);
        }
        found
    }

    fn step(&self, step: &Step, position: usize, planned: &[PlannedStep], words: Words) -> EnrollmentStep {
        let (delivery, task) = (self.delivery(step.id), self.task(step.id));
        let planned = planned.iter().find(|planned| planned.step_id == step.id);
        let may_retry = match self.state() {
            State::Blocked { step: held, reason, .. } => *held == step.id && reason.retryable(),
            _ => false,
        };
        let executed_at = match delivery.map(|delivery| delivery.state) {
            Some(DeliveryState::Sent { at }) => Some(at),
            _ => task.filter(|task| task.state != TaskState::Open).and_then(|task| task.closed_at),
        };
        let status = self.status(step, position, delivery, task);
        let edit = self.edits.get(&(self.due.stored.enrollment.id, step.id));
        let is_to_come = matches!(status, StepStatus::Planned | StepStatus::Waiting);
        EnrollmentStep {
            step: step.clone(),
            position,
            status,
            moved_by: planned.and_then(|planned| planned.moved_by),
            holiday: planned.and_then(|planned| planned.holiday.clone()),
            departed: delivery.and_then(|delivery| self.departed.get(&delivery.id).cloned()).unwrap_or(Value::Null),
            edited: edit.map(|edit| (edit.edited_by, edit.edited_at)),
            may_edit: step.action.email().is_some() && self.state().is_ongoing() && is_to_come,
            planned_at: planned.and_then(|planned| planned.planned_at),
            after_task: planned.is_some_and(|planned| planned.after_task),
            executed_at,
            delivery: delivery.cloned(),
            task: task.cloned(),
            words,
            explained: planned.and_then(|planned| planned.explained.clone()),
            foresight: planned.and_then(|planned| planned.foresight.clone()),
            may_retry,
        }
    }

    fn status(&self, step: &Step, position: usize, delivery: Option<&Delivery>, task: Option<&Task>) -> StepStatus {
        let enrollment = &self.due.stored.enrollment;
        let current = enrollment.state.step() == Some(step.id);
        match delivery.map(|delivery| delivery.state) {
            Some(DeliveryState::Sent { .. }) => return StepStatus::Sent,
            Some(DeliveryState::Leaving { .. }) => return StepStatus::Leaving,
            Some(DeliveryState::Uncertain { .. }) => return StepStatus::Uncertain,
            Some(DeliveryState::Refused) => return StepStatus::Failed,
            Some(DeliveryState::Skipped) => return StepStatus::Skipped,
            Some(DeliveryState::Cancelled) if !current => return StepStatus::Cancelled,
            Some(DeliveryState::Claimed { .. } | DeliveryState::Deferred { .. }) => return StepStatus::Waiting,
            _ => {}
        }
        match task.map(|task| task.state) {
            Some(TaskState::Open) => return StepStatus::Waiting,
            Some(TaskState::Skipped) => return StepStatus::Skipped,
            Some(TaskState::Cancelled) => return StepStatus::Cancelled,
            Some(TaskState::Done) if !current => return StepStatus::Done,
            Some(TaskState::Done) | None => {}
        }
        let passed = self.due.stored.position > 0 && position < self.due.stored.position as usize;
        match &enrollment.state {
            _ if enrollment.done_steps.contains(&step.id) || passed => StepStatus::Skipped,
            State::Finished { .. } => StepStatus::Cancelled,
            State::Blocked { .. } if current => StepStatus::Waiting,
            State::Active { due, .. } | State::Paused { due, .. } if current && *due <= self.now => StepStatus::Waiting,
            _ => StepStatus::Planned,
        }
    }
}

/// What stands in its row is what left, or may have.
const fn has_left(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Sent { .. } | DeliveryState::Leaving { .. } | DeliveryState::Uncertain { .. })
}
