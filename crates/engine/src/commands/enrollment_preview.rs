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
    rendering::{Correspondence, Footer, unsubscribe_url},
    sender::facts::Due,
};
use relance_domain::{
    EnrollmentId, StepId, Timestamp,
    decision::Facts,
    delivery::{Delivery, DeliveryState},
    enrollment::State,
    forecast::{PlannedStep, forecast},
    mailbox::Mailbox,
    quota,
    step::{Action, Step},
    task::{Task, TaskState},
    user::Actor,
    workspace::Workspace,
};
use relance_storage::{Tx, deliveries, enrollments, mailbox_days, mailboxes, sending::InThread, tasks};
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
    mailbox: Option<Mailbox>,
    used_today: u32,
}

impl Engine {
    /// An enrollment with all its past and future steps, statuses as in `api.md`.
    pub async fn preview_enrollment(&self, actor: &Actor, id: EnrollmentId) -> Result<EnrollmentPreview> {
        let mut tx = self.store.read().await?;
        let view = self.view(&mut tx, actor, id).await?;
        drop(tx);
        let words = view.words(self);
        let planned = view.planned(&words);
        let plan = &view.due.prepared.version.plan;
        let steps = plan.steps.iter().enumerate().map(|(index, step)| {
            let words = words.get(&step.id).cloned().unwrap_or_default();
            view.step(step, index + 1, &planned, words)
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
        let mailbox = match mailbox_id {
            Some(id) => mailboxes::find(tx, id).await?,
            None => None,
        };
        let now = self.now();
        let used_today = match &mailbox {
            Some(mailbox) => mailbox_days::used(tx, mailbox.id, quota::day_of(mailbox, now)).await?,
            None => 0,
        };
        Ok(View {
            now,
            workspace: access::workspace(tx).await?,
            deliveries: deliveries::of_enrollment(tx, id).await?,
            tasks: tasks::of_enrollments(tx, &[id]).await?,
            writer,
            mailbox,
            used_today,
            due,
        })
    }
}

impl View {
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
                },
                None => words::of_step(step, &values, &thread, footer.as_ref())
                    .unwrap_or_else(|refused| Words { text: refused.message, ..Words::default() }),
            };
            let skipped = self.due.stored.enrollment.done_steps.contains(&step.id) && sent.is_none();
            if step.action.email().is_some() && !skipped {
                thread.push(InThread { message_id: String::new(), subject: words.subject.clone() });
            }
            found.insert(step.id, words);
        }
        found
    }

    /// The steps to come with their dates; none once it has ended.
    fn planned(&self, words: &HashMap<StepId, Words>) -> Vec<PlannedStep> {
        let enrollment = &self.due.stored.enrollment;
        let Some(current) = enrollment.state.step() else { return Vec::new() };
        let plan = &self.due.prepared.version.plan;
        let mut facts = Facts::new(self.now, enrollment, plan, &self.due.person, &self.workspace);
        facts.sequence_paused = self.due.sequence.paused_at.is_some();
        facts.mailbox = self.mailbox.as_ref();
        facts.actor_zone = relance_domain::time::zone(&self.due.actor.time_zone);
        facts.actor_active = self.due.actor.deactivated_at.is_none();
        facts.suppressed = self.due.suppressed.as_ref();
        facts.used_today = self.used_today;
        facts.last_slot_at = self.mailbox.as_ref().and_then(|mailbox| mailbox.last_sent_at);
        facts.emails_sent = self.due.stored.emails_sent;
        facts.open_task = self.task(current).filter(|task| task.state == TaskState::Open);
        facts.missing_tags = words.get(&current).map_or(&[], |words| words.missing_tags.as_slice());
        facts.delivery = self.delivery(current);
        let is_manual = plan.step(current).is_some_and(|step| matches!(step.action, Action::ManualEmail { .. }));
        facts.pressed_send = is_manual && self.due.stored.step_action.as_deref() == Some("automated_email");
        forecast(&facts)
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
        EnrollmentStep {
            step: step.clone(),
            position,
            status: self.status(step, position, delivery, task),
            planned_at: planned.and_then(|planned| planned.planned_at),
            after_task: planned.is_some_and(|planned| planned.after_task),
            executed_at,
            delivery: delivery.cloned(),
            task: task.cloned(),
            words,
            explained: planned.and_then(|planned| planned.explained.clone()),
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
