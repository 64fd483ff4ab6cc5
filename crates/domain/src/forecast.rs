//! The forecast: when each email leaves and each task is created, by the rules that send.
//!
//! [`forecast_all`] plays a whole world forward: every enrollment with everyone else's, under windows, holidays, away
//! dates, quotas, gaps and the order of slots. It assumes that tasks are done when they are due and that nobody answers;
//! the engine then does the same to the millisecond. What waits for an event (a missing value, a pause without an end)
//! has no date, and neither has what follows it. Nothing here fails.

mod foresight;
mod planned;
mod queue;
mod run;

use crate::{
    EnrollmentId, PersonId, SequenceId, StepId, Timestamp, UserId, VersionId,
    calendar::LocalSchedule,
    decision::{Explained, Facts, RuleKind},
    enrolling,
    enrollment::{Enrollment, State},
    mailbox::Mailbox,
    person::Person,
    quota,
    sequence::Plan,
    suppression::Suppression,
    workspace::Workspace,
};
use jiff::{civil::Date, tz::TimeZone};
use serde::Serialize;
use std::collections::BTreeMap;

pub use foresight::Foresight;

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
    /// The holiday that moved it, in words: *6 April is Easter Monday in Germany*.
    pub holiday: Option<String>,
    /// The rules of the current step; `None` for those after it, and where it was not asked for.
    pub explained: Option<Explained>,
    /// Why a step after the current one stands at its date; only where it was asked for.
    #[serde(skip)]
    pub foresight: Option<Foresight>,
}

/// What one mailbox has used today: enough to place one email that is alone in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lane {
    today: Option<(Date, u32)>,
    last: Option<Timestamp>,
}

impl Lane {
    /// The lane of the facts of one decision.
    pub(crate) fn of(facts: &Facts) -> Self {
        let today = facts.mailbox.map(|mailbox| (quota::day_of(mailbox, facts.now), facts.used_today));
        Self { today, last: facts.last_slot_at }
    }

    /// The first place from `from` on that window, away dates, quota and gap leave free; `None` if there is none.
    pub(crate) fn slot(
        &self,
        mailbox: Option<&Mailbox>,
        local: &LocalSchedule,
        is_first_email: bool,
        from: Timestamp,
        seed: u128,
    ) -> Option<Timestamp> {
        let mut at = from;
        // Each turn moves to a later day or past the last email: a thousand turns are three years of days.
        for _ in 0..1_100 {
            at = local.next_open(at, is_first_email)?.at;
            let Some(mailbox) = mailbox else { return Some(at) };
            let day = quota::day_of(mailbox, at);
            let used = self.today.filter(|(today, _)| *today == day).map_or(0, |(_, used)| used);
            let free = self.last.map_or(at, |last| last.plus_ms(quota::gap_ms(mailbox, seed)));
            if let Some(until) = mailbox.away_until(at) {
                at = until;
            } else if mailbox.daily_quota == 0 {
                return None;
            } else if used >= mailbox.quota_on(day) {
                at = quota::next_day(mailbox, at);
            } else if free > at {
                at = free;
            } else {
                return Some(at);
            }
        }
        None
    }
}

/// One enrollment of a world that is forecast.
#[derive(Debug, Clone)]
pub struct Prospect<'a> {
    /// What is known of it now.
    pub facts: Facts<'a>,
    /// Steps whose texts lack a value for this person, with the tags; those of the current step stand in the facts.
    pub missing: &'a [(StepId, Vec<String>)],
    /// Each of its steps is to be explained, not only the current one.
    pub explains: bool,
}

/// An email that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// Which prospect, by its place in the world.
    pub prospect: usize,
    /// Which step.
    pub step_id: StepId,
    /// When.
    pub at: Timestamp,
    /// Nothing was sent before in its enrollment.
    pub is_first: bool,
}

/// What happens in a world.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    /// The steps to come of each prospect, the current one first.
    pub steps: Vec<Vec<PlannedStep>>,
    /// Every email in the order in which they leave.
    pub emails: Vec<Leaving>,
}

impl Forecast {
    /// The day of an email in its mailbox's zone, and how many leave on it for which `which` holds.
    pub fn per_day(&self, mailbox: &Mailbox, which: impl Fn(&Leaving) -> bool) -> BTreeMap<Date, u32> {
        let mut days = BTreeMap::new();
        for email in self.emails.iter().filter(|email| which(email)) {
            *days.entry(quota::day_of(mailbox, email.at)).or_default() += 1;
        }
        days
    }
}

/// Everything that happens to these enrollments until `until` (`None` = to their ends), each with all others.
pub fn forecast_all(prospects: &[Prospect], until: Option<Timestamp>) -> Forecast {
    queue::Queue::new(prospects).play(until)
}

/// All steps to come of an enrollment alone in its mailbox, the current one first.
pub fn forecast(facts: &Facts) -> Vec<PlannedStep> {
    let alone = Prospect { facts: facts.clone(), missing: &[], explains: true };
    forecast_all(std::slice::from_ref(&alone), None).steps.pop().unwrap_or_default()
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

/// The forecast of someone who is not enrolled yet, alone in the mailbox; empty if the plan has no such step.
pub fn forecast_new(new: &NewEnrollment) -> Vec<PlannedStep> {
    new.enrollment(0).map(|enrollment| forecast(&new.facts(&enrollment))).unwrap_or_default()
}

impl<'a> NewEnrollment<'a> {
    /// The row it would have, the `number`-th of those that begin together; `None` if the plan has no such step.
    pub fn enrollment(&self, number: u32) -> Option<Enrollment> {
        let local =
            LocalSchedule::of(self.plan.schedule.as_ref(), self.person, self.actor_zone.as_ref(), self.workspace);
        let start_at = self.start_at.map_or(self.now, |at| at.max(self.now));
        let (step, due) = enrolling::start(self.plan, self.start_step, start_at, &local)?;
        let nil = uuid::Uuid::nil();
        Some(Enrollment {
            // After every row there is, in the order of their numbers.
            id: EnrollmentId::from_uuid(uuid::Uuid::from_u128(u128::MAX - u128::from(u32::MAX - number))),
            person_id: PersonId::from_uuid(self.person.id.uuid()),
            sequence_id: SequenceId::from_uuid(nil),
            version_id: VersionId::from_uuid(nil),
            mailbox_id: self.mailbox.map(|mailbox| mailbox.id),
            actor_id: UserId::from_uuid(nil),
            state: State::Active { step, due },
            revision: 0,
            address_key: None,
            done_steps: Vec::new(),
            moved_by_hand: false,
            last_step_at: None,
            enrolled_at: self.now,
        })
    }

    /// The facts of that row.
    pub fn facts<'b>(&self, enrollment: &'b Enrollment) -> Facts<'b>
    where
        'a: 'b,
    {
        Facts {
            mailbox: self.mailbox,
            actor_zone: self.actor_zone.clone(),
            suppressed: self.suppressed,
            used_today: self.used_today,
            last_slot_at: self.last_slot_at,
            missing_tags: self.missing_tags,
            ..Facts::new(self.now, enrollment, self.plan, self.person, self.workspace)
        }
    }
}
