//! What a runner notes about its steps: when each happens, what moved it, and why.

use super::{Foresight, PlannedStep, run::Runner};
use crate::{
    StepId, Timestamp,
    decision::{Facts, RuleKind, decide},
    enrolling,
    step::{Step, WaitUnit},
};
use jiff::civil::Date;

/// Days after its due time, or in its wait, in which a step's holiday is looked for.
const MOST_DAYS_PASSED: usize = 62;

impl Runner<'_> {
    /// Notes why the current step happens now, if that is asked for.
    pub(super) fn foresee(&mut self, now: Timestamp, used_today: u32, last_slot_at: Option<Timestamp>) {
        if !self.prospect.explains || self.has_not_moved || self.is_planned {
            return;
        }
        self.foresight = Some(Foresight::Happens {
            due_at: self.due.unwrap_or(now),
            at: now,
            held_by: self.moved_by,
            holiday: None,
            after_task: self.after_task,
            seen_at: self.prospect.facts.now,
            explained: Box::new(decide(&self.facts(now, used_today, last_slot_at))),
        });
    }

    /// Notes why the current step will not happen by itself, if that is asked for.
    pub(super) fn foresee_held(&mut self) {
        if !self.prospect.explains || self.has_not_moved || self.is_planned {
            return;
        }
        let now = self.due.unwrap_or(self.prospect.facts.now);
        let facts = Facts { missing_tags: self.missing(), ..self.facts(now, 0, None) };
        self.foresight = Some(Foresight::Held(Box::new(decide(&facts))));
    }

    /// Puts the current step among the planned ones, once.
    pub(super) fn plan_step(&mut self, at: Option<Timestamp>) {
        let Some(step) = self.step().filter(|_| !self.is_planned) else { return };
        self.is_planned = true;
        self.push(step, [self.due, at]);
    }

    fn push(&mut self, step: &Step, [due_at, planned_at]: [Option<Timestamp>; 2]) {
        let mut explained = self.explained.take().filter(|_| self.has_not_moved);
        if let Some(explained) = explained.as_mut().filter(|explained| explained.is_email) {
            explained.leaves_at = planned_at;
        }
        let holiday = self.holiday(step, due_at, planned_at);
        if let Some(Foresight::Happens { holiday: named, .. }) = &mut self.foresight {
            named.clone_from(&holiday);
        }
        self.planned.push(PlannedStep {
            holiday,
            step_id: step.id,
            position: self.prospect.facts.plan.position(step.id).unwrap_or(0),
            action: step.action.as_str(),
            due_at,
            planned_at,
            after_task: self.after_task,
            moved_by: self.moved_by,
            explained,
            foresight: self.foresight.take(),
        });
    }

    /// The holiday that moves this step: the one it is due on, or the first that its wait in business days passes over.
    fn holiday(&self, step: &Step, due: Option<Timestamp>, planned: Option<Timestamp>) -> Option<String> {
        let (due, planned) = (due?, planned?);
        let day = |at: Timestamp| at.zoned(&self.local.zone).date();
        let words = |from: Date, to: Date| {
            from.series(jiff::Span::new().days(1))
                .take_while(|day| *day < to)
                .take(MOST_DAYS_PASSED)
                .find_map(|day| self.local.holiday_words(day))
        };
        let by_day = (self.moved_by == Some(RuleKind::SendingDay)).then(|| words(day(due), day(planned))).flatten();
        by_day.or_else(|| {
            let began = self.began.filter(|_| step.wait.unit == WaitUnit::BusinessDays && step.wait.amount > 0)?;
            words(day(began).tomorrow().ok()?, day(due))
        })
    }

    /// All its steps; those that nothing brings about by itself stand at the end without a date.
    pub fn into_steps(mut self) -> Vec<PlannedStep> {
        let Some(mut after) = self.enrollment.state.step() else { return self.planned };
        self.foresee_held();
        self.plan_step(None);
        self.moved_by = None;
        let mut done: Vec<StepId> = std::mem::take(&mut self.enrollment.done_steps);
        done.push(after);
        self.has_not_moved = false;
        let (plan, now) = (self.prospect.facts.plan, self.prospect.facts.now);
        while let Some((id, _)) = enrolling::following(plan, after, &done, now, &self.local) {
            let Some(step) = plan.step(id) else { break };
            let position = plan.position(after).unwrap_or(0);
            self.foresight = self.prospect.explains.then_some(Foresight::After { position, wait: step.wait });
            self.push(step, [None, None]);
            after = id;
            done.push(id);
        }
        self.planned
    }
}
