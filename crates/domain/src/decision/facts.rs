//! What a decision is made from.

use crate::{
    Timestamp, calendar::LocalSchedule, delivery::Delivery, enrollment::Enrollment, mailbox::Mailbox, person::Person,
    sequence::Plan, start_check::StartCheck, step::Step, suppression::Suppression, task::Task, workspace::Workspace,
};
use jiff::tz::TimeZone;

/// Everything that a decision depends on. [`Facts::new`] fills what is usually so.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The business time of the decision.
    pub now: Timestamp,
    /// The enrollment that is judged.
    pub enrollment: &'a Enrollment,
    /// The version it follows.
    pub plan: &'a Plan,
    /// The sequence is paused for everyone.
    pub sequence_paused: bool,
    /// The sequence was archived with *stop all*.
    pub sequence_archived: bool,
    /// The person.
    pub person: &'a Person,
    /// The person was deleted.
    pub person_deleted: bool,
    /// The mailbox it is sent from; `None` if there is none.
    pub mailbox: Option<&'a Mailbox>,
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The zone of the rep who enrolled.
    pub actor_zone: Option<TimeZone>,
    /// The rep who enrolled is not deactivated.
    pub actor_active: bool,
    /// The entry of the suppression list that covers the address.
    pub suppressed: Option<&'a Suppression>,
    /// Hand-overs and claims of the mailbox on the quota day of `now`.
    pub used_today: u32,
    /// The last hand-over (or claim) of the mailbox.
    pub last_slot_at: Option<Timestamp>,
    /// The open task of the current step.
    pub open_task: Option<&'a Task>,
    /// Emails of this enrollment that were accepted; above 0 the next is a follow-up.
    pub emails_sent: u32,
    /// Merge tags of the current email that have no value.
    pub missing_tags: &'a [String],
    /// Why the text of the current email cannot be made.
    pub template_error: Option<&'a str>,
    /// The delivery of the current step, latest generation.
    pub delivery: Option<&'a Delivery>,
    /// A person pressed *send* on the manual email of the current step: due time and windows do not matter.
    pub pressed_send: bool,
    /// When a pause of the sequence, the mailbox or the workspace last ended: lateness counts from there.
    pub resumed_at: Option<Timestamp>,
    /// Since when the mailbox has been worked for without a break (business time of the lease): what was due long
    /// before suffered an outage. `None` = no outage to speak of.
    pub worked_since: Option<Timestamp>,
    /// What the start found, while the mailbox must be compared with its Sent folder before it sends.
    pub comparing: Option<&'a StartCheck>,
}

impl<'a> Facts<'a> {
    /// Nothing is paused, stopped, used, sent or missing, and there is no mailbox.
    pub const fn new(
        now: Timestamp,
        enrollment: &'a Enrollment,
        plan: &'a Plan,
        person: &'a Person,
        workspace: &'a Workspace,
    ) -> Self {
        Self {
            now,
            enrollment,
            plan,
            sequence_paused: false,
            sequence_archived: false,
            person,
            person_deleted: false,
            mailbox: None,
            workspace,
            actor_zone: None,
            actor_active: true,
            suppressed: None,
            used_today: 0,
            last_slot_at: None,
            open_task: None,
            emails_sent: 0,
            missing_tags: &[],
            template_error: None,
            delivery: None,
            pressed_send: false,
            resumed_at: None,
            worked_since: None,
            comparing: None,
        }
    }

    /// The current step; `None` once finished or if the plan has lost it.
    pub fn step(&self) -> Option<&'a Step> {
        self.enrollment.state.step().and_then(|id| self.plan.step(id))
    }

    /// The schedule in the zone that holds for this person.
    pub fn local(&self) -> LocalSchedule<'a> {
        LocalSchedule::of(self.plan.schedule.as_ref(), self.person, self.actor_zone.as_ref(), self.workspace)
    }

    /// The schedule in the zone of the rep, for when tasks are due and overdue.
    pub fn local_of_rep(&self) -> LocalSchedule<'a> {
        LocalSchedule::of_rep(self.plan.schedule.as_ref(), self.actor_zone.as_ref(), self.workspace)
    }

    /// Nothing was sent before: the next email is a first email.
    pub const fn is_first_email(&self) -> bool {
        self.emails_sent == 0
    }
}
