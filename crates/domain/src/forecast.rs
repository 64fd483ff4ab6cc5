//! The forecast of one enrollment: when each step to come happens, by the rules that send.
//!
//! It assumes that tasks are done when they are due and that nobody answers. What waits for an event (a missing value,
//! a pause without an end) has no date, and neither has what follows it. A [`Lane`] shared by several forecasts makes
//! them keep the quota and gap of their mailbox together.

use crate::{
    EnrollmentId, PersonId, SequenceId, StepId, Timestamp, UserId, VersionId,
    calendar::LocalSchedule,
    decision::{Decision, Explained, Facts, RuleKind, Verdict, decide, task_due_at},
    enrolling,
    enrollment::{Enrollment, State},
    mailbox::Mailbox,
    person::Person,
    quota,
    sequence::Plan,
    step::{Step, TaskMode, TaskText},
    suppression::Suppression,
    workspace::Workspace,
};
use jiff::{civil::Date, tz::TimeZone};
use serde::Serialize;
use std::collections::BTreeMap;

/// One step to come.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedStep {
    /// Which step.
    pub step_id: StepId,
    /// Its position in the plan, from 1.
    pub position: usize,
    /// `automated_email`, `manual_email` or `task`.
    pub action: &'static str,
    /// When it is due, before window, quota and gap; `None` if that depends on an event.
    pub due_at: Option<Timestamp>,
    /// When it leaves or its task is created; `None` if that depends on an event.
    pub planned_at: Option<Timestamp>,
    /// A task is waited for before it, so the date holds only if the task is done when due.
    pub after_task: bool,
    /// The rule that moved it from its due time, if one did.
    pub moved_by: Option<RuleKind>,
    /// The rules of the current step; `None` for those after it.
    pub explained: Option<Explained>,
}

/// What one mailbox has used and is planned to use, by its quota days.
#[derive(Debug, Clone, Default)]
pub struct Lane {
    days: BTreeMap<Date, (u32, Option<Timestamp>)>,
    last: Option<Timestamp>,
}

/// A place in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When.
    pub at: Timestamp,
    /// The rule that moved it last, if one did.
    pub moved_by: Option<RuleKind>,
}

impl Lane {
    /// A lane of which `used` emails have left on the quota day of `now`, the last at `last_slot_at`.
    pub fn new(mailbox: Option<&Mailbox>, now: Timestamp, used: u32, last_slot_at: Option<Timestamp>) -> Self {
        let days = mailbox.map(|mailbox| (quota::day_of(mailbox, now), (used, None))).into_iter().collect();
        Self { days, last: last_slot_at }
    }

    /// The lane of the facts of one decision.
    pub fn of(facts: &Facts) -> Self {
        Self::new(facts.mailbox, facts.now, facts.used_today, facts.last_slot_at)
    }

    /// The first place from `from` on that window, away dates, quota and gap leave free; `None` if there is none.
    pub fn slot(
        &self,
        mailbox: Option<&Mailbox>,
        local: &LocalSchedule,
        is_first_email: bool,
        from: Timestamp,
        enrollment: EnrollmentId,
        step: StepId,
    ) -> Option<Slot> {
        let mut slot = Slot { at: from, moved_by: None };
        // Each turn moves to a later day or past one email: a thousand turns are three years of full days.
        for _ in 0..1_100 {
            let opening = local.next_open(slot.at, is_first_email)?;
            if opening.moved {
                slot = Slot { at: opening.at, moved_by: Some(RuleKind::Window) };
            }
            let Some(mailbox) = mailbox else { return Some(slot) };
            let gap = quota::gap_ms(mailbox.min_gap_seconds, quota::jitter_seed(enrollment, step));
            let (used, last) = self.days.get(&quota::day_of(mailbox, slot.at)).copied().unwrap_or_default();
            let free = last.max(self.last).map_or(slot.at, |last| last.plus_ms(gap));
            if let Some(until) = mailbox.away_until(slot.at) {
                slot = Slot { at: until, moved_by: Some(RuleKind::Away) };
            } else if mailbox.daily_quota == 0 {
                return None;
            } else if used >= mailbox.daily_quota {
                slot = Slot { at: quota::next_day(mailbox, slot.at), moved_by: Some(RuleKind::Quota) };
            } else if free > slot.at {
                slot = Slot { at: free, moved_by: slot.moved_by.or(Some(RuleKind::Gap)) };
            } else {
                return Some(slot);
            }
        }
        None
    }

    /// Takes a place.
    pub fn take(&mut self, mailbox: Option<&Mailbox>, at: Timestamp) {
        let Some(mailbox) = mailbox else { return };
        let day = self.days.entry(quota::day_of(mailbox, at)).or_default();
        *day = (day.0 + 1, day.1.max(Some(at)));
    }

    /// Emails used and planned by quota day.
    pub fn per_day(&self) -> impl Iterator<Item = (Date, u32)> + '_ {
        self.days.iter().map(|(day, (used, _))| (*day, *used))
    }
}

/// All steps to come of an enrollment, the current one first.
pub fn forecast(facts: &Facts) -> Vec<PlannedStep> {
    forecast_in(facts, &mut Lane::of(facts))
}

/// As [`forecast`], taking places in a lane that other forecasts of the same mailbox share.
pub fn forecast_in(facts: &Facts, lane: &mut Lane) -> Vec<PlannedStep> {
    let mut walk = Walk {
        facts,
        local: facts.local(),
        lane,
        done: facts.enrollment.done_steps.clone(),
        emails_sent: facts.emails_sent,
        after_task: false,
        planned: Vec::new(),
    };
    walk.run();
    walk.planned
}

struct Walk<'a> {
    facts: &'a Facts<'a>,
    local: LocalSchedule<'a>,
    lane: &'a mut Lane,
    done: Vec<StepId>,
    emails_sent: u32,
    after_task: bool,
    planned: Vec<PlannedStep>,
}

impl Walk<'_> {
    fn run(&mut self) {
        let facts = self.facts;
        let (Some(current), Some(due)) = (facts.enrollment.state.step(), facts.enrollment.state.due()) else { return };
        let explained = decide(facts);
        let lost = Decision::Skip { because: RuleKind::Step };
        let mut at = match facts.plan.step(current) {
            _ if matches!(explained.decision, Decision::Finish { .. }) => return,
            Some(step) if explained.decision != lost => self.note(step, due, Some(explained)),
            _ => Some(facts.now),
        };
        let mut after = current;
        self.done.push(current);
        // What follows something without a date has no date either, but stands in the list.
        while let Some((id, due)) =
            enrolling::following(facts.plan, after, &self.done, at.unwrap_or(facts.now), &self.local)
        {
            let Some(step) = facts.plan.step(id) else { break };
            if at.is_some() {
                at = self.note(step, due, None);
            } else {
                self.push(step, [None, None], None, None);
            }
            after = id;
            self.done.push(id);
        }
    }

    /// Notes one step that is due at `due` and returns the time from which the next wait counts.
    fn note(&mut self, step: &Step, due: Timestamp, explained: Option<Explained>) -> Option<Timestamp> {
        let from = due.max(self.facts.now);
        let leaves = explained.as_ref().map_or(Some(from), |explained| explained.leaves_at);
        match step.action.task() {
            None => self.note_email(step, due, leaves, explained),
            Some(text) => self.note_task(step, text, due, leaves, explained),
        }
    }

    fn note_email(
        &mut self,
        step: &Step,
        due: Timestamp,
        leaves: Option<Timestamp>,
        explained: Option<Explained>,
    ) -> Option<Timestamp> {
        let facts = self.facts;
        let first = self.emails_sent == 0;
        let slot = leaves
            .and_then(|from| self.lane.slot(facts.mailbox, &self.local, first, from, facts.enrollment.id, step.id));
        let moved_by = explained.as_ref().and_then(mover).or_else(|| slot.and_then(|slot| slot.moved_by));
        let at = slot.map(|slot| slot.at);
        if let Some(at) = at {
            self.lane.take(facts.mailbox, at);
            self.emails_sent += 1;
        }
        self.push(step, [Some(due), at], moved_by, explained);
        at
    }

    fn note_task(
        &mut self,
        step: &Step,
        text: &TaskText,
        due: Timestamp,
        leaves: Option<Timestamp>,
        explained: Option<Explained>,
    ) -> Option<Timestamp> {
        let facts = self.facts;
        let decision = explained.as_ref().map(|explained| explained.decision.clone());
        let open = facts.open_task.filter(|task| decision.is_some() && task.step_id == Some(step.id));
        let created = open.map(|task| task.created_at).or(leaves);
        let due_of_task = open.map(|task| task.due_at).or_else(|| Some(task_due_at(created?, text, &self.local)));
        let released = match decision {
            None | Some(Decision::Wait { because: RuleKind::Task, .. } | Decision::Skip { .. }) => Some(facts.now),
            Some(Decision::Wait { until, .. }) => until,
            Some(Decision::Block { resumes_at, .. }) => resumes_at,
            Some(Decision::Send | Decision::CreateTask | Decision::Finish { .. }) => Some(facts.now),
        };
        let moved_by = explained.as_ref().and_then(mover);
        let skipped = matches!(decision, Some(Decision::Skip { .. }));
        self.push(step, [Some(due), created], moved_by, explained);
        // A manual email is sent when its task is done.
        self.emails_sent += u32::from(step.action.email().is_some());
        let released = released?;
        Some(match text.mode {
            _ if skipped => facts.now,
            TaskMode::GoOn => created?.max(released),
            TaskMode::Wait | TaskMode::WaitUntilOverdue => {
                self.after_task = true;
                due_of_task?.max(released)
            }
        })
    }

    fn push(
        &mut self,
        step: &Step,
        [due_at, planned_at]: [Option<Timestamp>; 2],
        moved_by: Option<RuleKind>,
        explained: Option<Explained>,
    ) {
        self.planned.push(PlannedStep {
            step_id: step.id,
            position: self.facts.plan.position(step.id).unwrap_or(0),
            action: step.action.as_str(),
            due_at,
            planned_at,
            after_task: self.after_task,
            moved_by,
            explained,
        });
    }
}

/// The rule that holds the current step, unless it is only its due time.
fn mover(explained: &Explained) -> Option<RuleKind> {
    match &explained.decision {
        Decision::Wait { because, .. } if *because != RuleKind::Due => Some(*because),
        Decision::Block { .. } => {
            explained.rules.iter().find(|rule| rule.verdict != Verdict::Allows).map(|rule| rule.kind)
        }
        _ => None,
    }
}

/// What is known before someone is enrolled.
#[derive(Debug, Clone)]
pub struct NewEnrollment<'a> {
    /// The business time.
    pub now: Timestamp,
    /// The version that would be followed.
    pub plan: &'a Plan,
    /// Who would be enrolled.
    pub person: &'a Person,
    /// The mailbox it would be sent from.
    pub mailbox: Option<&'a Mailbox>,
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The zone of the rep who enrolls.
    pub actor_zone: Option<TimeZone>,
    /// Start then; `None` = now.
    pub start_at: Option<Timestamp>,
    /// Start with this step; `None` = the first.
    pub start_step: Option<StepId>,
    /// Hand-overs of the mailbox today.
    pub used_today: u32,
    /// The last hand-over of the mailbox.
    pub last_slot_at: Option<Timestamp>,
    /// The entry of the suppression list that covers the address.
    pub suppressed: Option<&'a Suppression>,
    /// Merge tags of the first email that have no value.
    pub missing_tags: &'a [String],
}

/// The forecast of someone who is not enrolled yet; empty if the plan has no such step.
pub fn forecast_new(new: &NewEnrollment) -> Vec<PlannedStep> {
    forecast_new_in(new, &mut Lane::new(new.mailbox, new.now, new.used_today, new.last_slot_at))
}

/// As [`forecast_new`], taking places in a lane that other forecasts of the same mailbox share.
pub fn forecast_new_in(new: &NewEnrollment, lane: &mut Lane) -> Vec<PlannedStep> {
    let local = LocalSchedule::of(new.plan.schedule.as_ref(), new.person, new.actor_zone.as_ref(), new.workspace);
    let start_at = new.start_at.unwrap_or(new.now);
    let Some((step, due)) = enrolling::start(new.plan, new.start_step, start_at, &local) else { return Vec::new() };
    let nil = uuid::Uuid::nil();
    let enrollment = Enrollment {
        id: EnrollmentId::from_uuid(nil),
        person_id: PersonId::from_uuid(new.person.id.uuid()),
        sequence_id: SequenceId::from_uuid(nil),
        version_id: VersionId::from_uuid(nil),
        mailbox_id: new.mailbox.map(|mailbox| mailbox.id),
        actor_id: UserId::from_uuid(nil),
        state: State::Active { step, due },
        revision: 0,
        address_key: None,
        done_steps: Vec::new(),
        moved_by_hand: false,
        last_step_at: None,
        enrolled_at: new.now,
    };
    let facts = Facts {
        mailbox: new.mailbox,
        actor_zone: new.actor_zone.clone(),
        suppressed: new.suppressed,
        used_today: new.used_today,
        last_slot_at: new.last_slot_at,
        missing_tags: new.missing_tags,
        ..Facts::new(new.now, &enrollment, new.plan, new.person, new.workspace)
    };
    forecast_in(&facts, lane)
}
