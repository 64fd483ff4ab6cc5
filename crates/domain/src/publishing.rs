//! What publishing a changed plan does to those who are enrolled: [`moved`] says where each goes on.
//!
//! Nobody gets a step twice: a step that is still in the plan and still to come stays the current one, wherever it
//! stands now; if it is gone, the next one in the new order follows that was not done. A date that somebody or something
//! moved is never made earlier. What may be leaving at this moment keeps its step. Nothing here changes anything.

use crate::{
    Refused, StepId, TemplateId, Timestamp,
    calendar::LocalSchedule,
    enrollment::{BlockReason, Enrollment, Event, State},
    sequence::Plan,
    step::{Action, EmailText, Step},
    template::Template,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Who follows a version that is published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enrolled {
    /// New people only; those enrolled go on with the version they follow.
    #[default]
    Keep,
    /// Those enrolled too.
    Move,
}

impl Enrolled {
    /// As in the API and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Move => "move",
        }
    }

    /// Reads [`Enrolled::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Keep, Self::Move].into_iter().find(|choice| choice.as_str() == text)
    }
}

/// What is known of one enrollment at the moment of a move.
#[derive(Debug, Clone)]
pub struct Circumstances<'a> {
    /// The business time.
    pub now: Timestamp,
    /// The schedule it follows, in the zone that holds for the person.
    pub before: LocalSchedule<'a>,
    /// The schedule it would follow.
    pub after: LocalSchedule<'a>,
    /// Nothing was sent before.
    pub is_first_email: bool,
    /// Its email is past the point of no return and not answered yet.
    pub is_leaving: bool,
}

/// Where an enrollment goes on under another plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The step it stood at.
    pub from: StepId,
    /// The step it goes on with; `None` = nothing is left, it is completed.
    pub to: Option<StepId>,
    /// Its state then.
    pub state: State,
    /// Its next email says something else, or is another one.
    pub changes_words: bool,
    /// What comes next is due at another time, or another wait lies before its next email.
    pub changes_date: bool,
}

impl Move {
    /// The current step is gone or is of another kind: what was begun for it is put away.
    pub fn leaves_step(&self) -> bool {
        self.to != Some(self.from)
    }
}

/// Where `enrollment` goes on when it follows `new` in place of `old`; refused where it must keep what it follows.
pub fn moved(enrollment: &Enrollment, old: &Plan, new: &Plan, at: &Circumstances) -> Result<Move, Refused> {
    let (Some(from), Some(due)) = (enrollment.state.step(), enrollment.state.due()) else {
        return Err(Refused::new("ended", "It has ended and keeps the version it followed."));
    };
    let uncertain = matches!(&enrollment.state, State::Blocked { reason: BlockReason::DeliveryUncertain, .. });
    let to = goes_on_with(enrollment, from, old, new);
    let stays = to.is_some_and(|step| step.id == from);
    if !stays && at.is_leaving {
        return Err(Refused::new("leaving", "Its email was just leaving. Move it again once that is known."));
    }
    if !stays && uncertain {
        let message = "Its email may have left. Settle that first, then move it.";
        return Err(Refused::new("delivery_uncertain", message));
    }
    let held = at.is_leaving || uncertain;
    let next = to.map(|step| (step, if held { due } else { new_due(enrollment, old.step(from), step, due, at) }));
    let state = enrollment.state.clone().after(Event::Moved { to: next.map(|(step, due)| (step.id, due)) }, at.now)?;
    let done = &enrollment.done_steps;
    let (before, after) = (next_email(old, Some(from), done), next_email(new, to.map(|step| step.id), done));
    let changes_words = !is_same_email(before.as_ref(), after.as_ref());
    let opens = |(step, new_due): (&Step, Timestamp)| {
        let before = opening(&at.before, old.step(from).unwrap_or(step), due, at);
        opening(&at.after, step, new_due, at) != before
    };
    let other_waits = before.map(|email| email.waits) != after.map(|email| email.waits);
    let changes_date = !held && (other_waits || next.is_some_and(opens));
    let released = to.is_some_and(|step| is_released(&state, old.step(from), step));
    let state = if released { state.after(Event::Released, at.now)? } else { state };
    Ok(Move { from, to: to.map(|step| step.id), state, changes_words, changes_date })
}

/// The current step if the plan still has it, else the next in the new order that was not done.
fn goes_on_with<'a>(enrollment: &Enrollment, from: StepId, old: &Plan, new: &'a Plan) -> Option<&'a Step> {
    let done = &enrollment.done_steps;
    let is_same_kind = |step: &Step| {
        old.step(from).is_none_or(|before| before.action.as_str() == step.action.as_str()) && !done.contains(&from)
    };
    if let Some(step) = new.step(from).filter(|step| is_same_kind(step)) {
        return Some(step);
    }
    // The nearest step before it, in the order in which it came, that the plan still has.
    let index = old.position(from).map_or(0, |position| position - 1);
    let before = old.steps[..index].iter().rev().find_map(|step| new.position(step.id));
    let last_done = || done.iter().rev().find_map(|id| new.position(*id));
    let anchor = before.or_else(last_done).unwrap_or(0);
    new.steps[anchor..].iter().find(|step| step.id != from && !done.contains(&step.id))
}

/// When the step it goes on with is due: its wait from the last step, never before a date that was chosen.
fn new_due(
    enrollment: &Enrollment,
    before: Option<&Step>,
    step: &Step,
    due: Timestamp,
    at: &Circumstances,
) -> Timestamp {
    let from = enrollment.last_step_at.unwrap_or(enrollment.enrolled_at);
    let stays = before.is_some_and(|before| before.id == step.id);
    let is_same =
        stays && before.is_some_and(|before| before.wait == step.wait) && at.before.schedule == at.after.schedule;
    if is_same || (stays && enrollment.moved_by_hand) {
        return due;
    }
    let waited = at.after.add_wait(from, step.wait);
    let as_planned = before.map(|before| at.before.add_wait(from, before.wait));
    if as_planned == Some(due) { waited } else { waited.max(due) }
}

/// The next email from a step on that was not done, with the waits up to it.
struct NextEmail<'a> {
    step: StepId,
    email: &'a EmailText,
    waits: Vec<(StepId, crate::step::Wait)>,
}

fn next_email<'a>(plan: &'a Plan, from: Option<StepId>, done: &[StepId]) -> Option<NextEmail<'a>> {
    let index = plan.position(from?)? - 1;
    let mut waits = Vec::new();
    for step in plan.steps[index..].iter().filter(|step| !done.contains(&step.id)) {
        if let Some(email) = step.action.email() {
            return Some(NextEmail { step: step.id, email, waits });
        }
        waits.push((step.id, step.wait));
    }
    None
}

fn is_same_email(before: Option<&NextEmail>, after: Option<&NextEmail>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => before.step == after.step && says_the_same(before.email, after.email),
        (None, None) => true,
        _ => false,
    }
}

/// Two emails have the same words, wherever they were copied from.
pub fn says_the_same(a: &EmailText, b: &EmailText) -> bool {
    EmailText { template_id: None, ..a.clone() } == EmailText { template_id: None, ..b.clone() }
}

/// When a step may happen at the earliest: an email at the next opening, a task when it is due.
fn opening(local: &LocalSchedule, step: &Step, due: Timestamp, at: &Circumstances) -> Option<Timestamp> {
    let due = due.max(at.now);
    if step.action.is_automated_email() {
        local.next_open(due, at.is_first_email).map(|opening| opening.at)
    } else {
        Some(due)
    }
}

/// A block that belonged to words or to a step that are no longer so is over.
fn is_released(state: &State, before: Option<&Step>, after: &Step) -> bool {
    let State::Blocked { reason, .. } = state else { return false };
    if before.is_none_or(|before| before.id != after.id) {
        return match reason {
            BlockReason::DuplicateAddress | BlockReason::HeldForReview | BlockReason::DeliveryUncertain => false,
            BlockReason::MissingMergeData { .. }
            | BlockReason::TemplateError { .. }
            | BlockReason::QuotaReached
            | BlockReason::LateStart => true,
            _ => !after.action.is_automated_email(),
        };
    }
    let same_words = match (before.and_then(|step| step.action.email()), after.action.email()) {
        (Some(before), Some(after)) => says_the_same(before, after),
        _ => true,
    };
    !same_words && matches!(reason, BlockReason::MissingMergeData { .. } | BlockReason::TemplateError { .. })
}

impl Plan {
    /// The plan with the words that its templates have now; a template that is gone leaves the words copied before.
    #[must_use]
    pub fn with_templates(mut self, templates: &HashMap<TemplateId, Template>) -> Self {
        for step in &mut self.steps {
            let (Action::AutomatedEmail { email } | Action::ManualEmail { email, .. }) = &mut step.action else {
                continue;
            };
            if let Some(template) = email.template_id.and_then(|id| templates.get(&id)) {
                email.subject.clone_from(&template.subject);
                email.body_html.clone_from(&template.body_html);
                email.body_text.clone_from(&template.body_text);
                email.attachments.clone_from(&template.attachments);
            }
        }
        self
    }

    /// The templates its steps name.
    pub fn templates(&self) -> Vec<TemplateId> {
        let mut ids: Vec<TemplateId> = self.steps.iter().filter_map(|step| step.action.email()?.template_id).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}
