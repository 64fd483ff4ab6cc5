//! One enrollment played forward: its states by `State::after`, its decisions by `decision`, its steps as they happen.
//!
//! A runner knows nothing of the others; when its email is due it says so, and the queue of its mailbox decides.

use super::{Foresight, Leaving, PlannedStep, Prospect};
use crate::{
    TaskId, Timestamp,
    calendar::LocalSchedule,
    decision::{Decision, Explained, Facts, RuleKind, decide, decision, task_due_at},
    enrolling,
    enrollment::{BlockReason, Enrollment, Event, State},
    quota::SlotOrder,
    step::{Action, Step, TaskMode},
    task::{Task, TaskState},
};

/// One enrollment on its way.
pub(super) struct Runner<'a> {
    pub(super) prospect: &'a Prospect<'a>,
    pub(super) local: LocalSchedule<'a>,
    pub(super) enrollment: Enrollment,
    emails_sent: u32,
    /// The task of the current step, and when it is taken as done.
    task: Option<(Task, Timestamp)>,
    pressed_send: bool,
    /// It still stands where it stands now: what became of its email so far counts.
    pub(super) has_not_moved: bool,
    /// The current step is among the planned ones.
    pub(super) is_planned: bool,
    /// When its wait began, if that is known.
    pub(super) began: Option<Timestamp>,
    /// When the current step was due before anything held it.
    pub(super) due: Option<Timestamp>,
    /// When it is looked at next by itself.
    pub(super) wake: Option<Timestamp>,
    pub(super) after_task: bool,
    pub(super) moved_by: Option<RuleKind>,
    pub(super) explained: Option<Explained>,
    pub(super) foresight: Option<Foresight>,
    pub(super) planned: Vec<PlannedStep>,
}

impl<'a> Runner<'a> {
    pub fn new(prospect: &'a Prospect<'a>) -> Self {
        let facts = &prospect.facts;
        let state = &facts.enrollment.state;
        let decided = state.is_ongoing().then(|| decision(facts));
        // Words are made for those who are to be explained: a world has thousands of others.
        let explained = (prospect.explains && state.is_ongoing()).then(|| decide(facts));
        let wake = match state {
            State::Active { due, .. } => Some((*due).max(facts.now)),
            State::Paused { until, .. } => until.map(|until| until.max(facts.now)),
            State::Blocked { reason: BlockReason::QuotaReached, resumes_at, .. } => {
                resumes_at.map(|at| at.max(facts.now))
            }
            // What the facts of the moment no longer hold goes on now.
            State::Blocked { .. } => {
                let is_held = matches!(&decided, Some(Decision::Block { .. }));
                (!is_held).then_some(facts.now)
            }
            State::Finished { .. } => None,
        };
        let mut runner = Self {
            prospect,
            local: facts.local(),
            enrollment: facts.enrollment.clone(),
            emails_sent: facts.emails_sent,
            task: None,
            pressed_send: facts.pressed_send,
            has_not_moved: true,
            is_planned: false,
            began: facts.enrollment.last_step_at,
            due: state.due(),
            wake,
            after_task: false,
            moved_by: decided.as_ref().and_then(mover),
            explained,
            foresight: None,
            planned: Vec::new(),
        };
        if let Some(task) = facts.open_task.filter(|task| task.step_id == state.step()) {
            runner.task = Some((task.clone(), task.due_at.max(facts.now)));
            runner.plan_step(Some(task.created_at));
        }
        runner
    }

    pub(super) fn step(&self) -> Option<&'a Step> {
        self.enrollment.state.step().and_then(|id| self.prospect.facts.plan.step(id))
    }

    /// The facts at `now`, with what its mailbox has done by then.
    pub(super) fn facts(&self, now: Timestamp, used_today: u32, last_slot_at: Option<Timestamp>) -> Facts<'_> {
        let facts = self.prospect.facts.clone();
        Facts {
            now,
            enrollment: &self.enrollment,
            used_today,
            last_slot_at,
            open_task: self.task.as_ref().map(|(task, _)| task),
            emails_sent: self.emails_sent,
            missing_tags: &[],
            template_error: facts.template_error.filter(|_| self.has_not_moved),
            delivery: facts.delivery.filter(|_| self.has_not_moved),
            pressed_send: self.pressed_send,
            ..facts
        }
    }

    /// Tags without a value in the current email.
    pub(super) fn missing(&self) -> &'a [String] {
        let id = self.enrollment.state.step();
        let noted = self.prospect.missing.iter().find(|(step, _)| Some(*step) == id);
        match noted {
            Some((_, tags)) => tags,
            None if self.has_not_moved => self.prospect.facts.missing_tags,
            None => &[],
        }
    }

    /// Its place among the due emails of its mailbox.
    pub fn order(&self) -> SlotOrder {
        let e = &self.enrollment;
        SlotOrder::new(
            e.moved_by_hand,
            self.emails_sent == 0,
            u32::try_from(e.position(self.prospect.facts.plan)).unwrap_or(u32::MAX),
            e.state.due().unwrap_or(e.enrolled_at),
            e.enrolled_at,
            e.person_id,
            e.id,
        )
    }

    /// Its time has come: true if it now stands in the queue of its mailbox.
    pub fn wake_up(&mut self, now: Timestamp) -> bool {
        self.wake = None;
        let event = match &self.enrollment.state {
            State::Paused { .. } => Some(Event::Resumed),
            State::Blocked { .. } => Some(Event::Released),
            State::Active { .. } => None,
            State::Finished { .. } => return false,
        };
        if let Some(event) = event {
            self.apply(event, now);
        }
        let Some(due) = self.enrollment.state.due() else { return false };
        if due > now {
            self.wake = Some(due);
            return false;
        }
        let is_email = self.step().is_none_or(|step| step.action.is_automated_email() || self.pressed_send);
        if is_email && self.prospect.facts.mailbox.is_some() {
            return true;
        }
        self.look_at_task(now);
        false
    }

    fn apply(&mut self, event: Event, now: Timestamp) {
        if let Ok(state) = self.enrollment.state.clone().after(event, now) {
            self.enrollment.state = state;
        }
    }

    fn look_at_task(&mut self, now: Timestamp) {
        let decided = decision(&self.facts(now, 0, None));
        let done_at = self.task.as_ref().map(|(_, done_at)| *done_at);
        match decided {
            Decision::CreateTask => self.create_task(now),
            Decision::Wait { because: RuleKind::Task, .. } | Decision::Skip { because: RuleKind::Task } => {
                match done_at {
                    Some(done_at) if done_at > now => self.wake = Some(done_at),
                    Some(_) => self.finish_task(now),
                    None => self.go_on(now),
                }
            }
            other => self.hold(other, now),
        }
    }

    fn create_task(&mut self, now: Timestamp) {
        let Some((step, text)) = self.step().and_then(|step| Some((step, step.action.task()?))) else { return };
        self.foresee(now, 0, None);
        self.plan_step(Some(now));
        if text.mode == TaskMode::GoOn {
            return self.go_on(now);
        }
        let due_at = task_due_at(now, text, &self.prospect.facts.local_of_rep());
        let task = Task {
            id: TaskId::from_uuid(uuid::Uuid::nil()),
            person_id: Some(self.enrollment.person_id),
            owner_id: self.enrollment.actor_id,
            enrollment_id: Some(self.enrollment.id),
            step_id: Some(step.id),
            delivery_id: None,
            kind: text.kind,
            content: String::new(),
            due_at,
            state: TaskState::Open,
            closed_at: None,
            created_at: now,
        };
        self.task = Some((task, due_at.max(now)));
        self.wake = Some(due_at.max(now));
    }

    /// The task is done: the next wait begins, or the draft of a manual email is sent.
    fn finish_task(&mut self, now: Timestamp) {
        self.after_task |= self.step().and_then(|step| step.action.task()).is_some_and(|t| t.mode != TaskMode::GoOn);
        self.task = None;
        if self.step().is_some_and(|step| matches!(step.action, Action::ManualEmail { .. })) {
            self.apply(Event::Rescheduled { due: now }, now);
            self.enrollment.moved_by_hand = true;
            self.pressed_send = true;
            self.wake = Some(now);
        } else {
            self.go_on(now);
        }
    }

    /// The decision about its due email; `None` if the email leaves.
    pub fn decide_email(&self, now: Timestamp, used_today: u32, last_slot_at: Option<Timestamp>) -> Option<Decision> {
        let mut facts = self.facts(now, used_today, last_slot_at);
        let mut decided = decision(&facts);
        // What lacks a value must not keep others waiting for its gap.
        if matches!(decided, Decision::Send | Decision::Wait { because: RuleKind::Gap, .. }) {
            facts.missing_tags = self.missing();
            decided = decision(&facts);
        }
        (decided != Decision::Send).then_some(decided)
    }

    /// What a look of its mailbox (or at its task) decided, other than leaving.
    pub fn hold(&mut self, decided: Decision, now: Timestamp) {
        match decided {
            Decision::Wait { until, because } => {
                self.note(because);
                self.wake = until.filter(|until| *until > now);
            }
            Decision::Block { reason, resumes_at } => {
                self.note(rule_of(&reason));
                self.wake = resumes_at.filter(|at| *at > now);
                self.apply(Event::Blocked { reason, resumes_at }, now);
            }
            Decision::Finish { reason } => self.apply(Event::Ended { reason }, now),
            Decision::Skip { .. } => self.go_on(now),
            Decision::Send | Decision::CreateTask => {}
        }
    }

    /// The quota holds it until the day of its slot.
    pub fn hold_for_quota(&mut self, resumes_at: Timestamp, now: Timestamp) {
        self.hold(Decision::Block { reason: BlockReason::QuotaReached, resumes_at: Some(resumes_at) }, now);
    }

    fn note(&mut self, because: RuleKind) {
        if because != RuleKind::Due && self.moved_by.is_none_or(|by| by == RuleKind::Gap) {
            self.moved_by = Some(because);
        }
    }

    /// Its email leaves.
    pub fn leave(
        &mut self,
        prospect: usize,
        now: Timestamp,
        used_today: u32,
        last_slot_at: Option<Timestamp>,
    ) -> Option<Leaving> {
        let step_id = self.enrollment.state.step()?;
        if self.moved_by.is_none() && self.due.is_some_and(|due| due < now) {
            self.moved_by = Some(RuleKind::Gap);
        }
        self.foresee(now, used_today, last_slot_at);
        self.plan_step(Some(now));
        let left = Leaving { prospect, step_id, at: now, is_first: self.emails_sent == 0 };
        self.emails_sent += 1;
        self.go_on(now);
        Some(left)
    }

    /// The current step is over at `at`.
    fn go_on(&mut self, at: Timestamp) {
        let Some(step) = self.enrollment.state.step() else { return };
        let plan = self.prospect.facts.plan;
        let next = enrolling::following(plan, step, &self.enrollment.done_steps, at, &self.local);
        self.apply(Event::StepDone { step, next }, at);
        self.enrollment.done_steps.push(step);
        self.enrollment.moved_by_hand = false;
        (self.task, self.moved_by, self.pressed_send) = (None, None, false);
        (self.has_not_moved, self.is_planned) = (false, false);
        self.due = next.map(|(_, due)| due);
        self.began = Some(at);
        self.wake = self.due;
    }
}

/// The rule that holds the current step, unless it is only its due time.
fn mover(decided: &Decision) -> Option<RuleKind> {
    match decided {
        Decision::Wait { because, .. } if *because != RuleKind::Due => Some(*because),
        Decision::Block { reason, .. } => Some(rule_of(reason)),
        _ => None,
    }
}

/// The rule that blocks for this reason.
const fn rule_of(reason: &BlockReason) -> RuleKind {
    match reason {
        BlockReason::QuotaReached => RuleKind::Quota,
        BlockReason::MissingMergeData { .. } | BlockReason::TemplateError { .. } => RuleKind::MergeData,
        BlockReason::LateStart => RuleKind::Lateness,
        BlockReason::NoRecipient => RuleKind::Recipient,
        BlockReason::MailboxDisconnected | BlockReason::AuthFailed | BlockReason::MailboxSettings { .. } => {
            RuleKind::Mailbox
        }
        _ => RuleKind::Stopped,
    }
}
