//! Before and between steps: who may be enrolled, which step comes first, which step follows.
//!
//! The refusals carry the codes of the API and a sentence each; missing merge data is not among them, because such an
//! enrollment starts and waits for the data.

use crate::{
    EnrollmentId, Refused, StepId, Timestamp, UserId,
    calendar::LocalSchedule,
    mailbox::Mailbox,
    person::{Person, check_email},
    sequence::{Plan, SequenceState},
    step::Step,
    suppression::{Suppression, SuppressionReason},
    user::Actor,
};

/// The first step and its due time: the wait before it counts from the start; `None` if there is no such step.
pub fn start(
    plan: &Plan,
    start_step: Option<StepId>,
    start_at: Timestamp,
    local: &LocalSchedule,
) -> Option<(StepId, Timestamp)> {
    let step = match start_step {
        Some(id) => plan.step(id)?,
        None => plan.steps.first()?,
    };
    Some((step.id, local.add_wait(start_at, step.wait)))
}

/// The step that follows `after`, which was done at `at`, and its due time; `None` at the end.
///
/// Steps in `done` are passed over. If the plan has lost `after`, the order goes on from the last done step it knows.
pub fn following(
    plan: &Plan,
    after: StepId,
    done: &[StepId],
    at: Timestamp,
    local: &LocalSchedule,
) -> Option<(StepId, Timestamp)> {
    let known = std::iter::once(&after).chain(done.iter().rev()).find_map(|id| plan.position(*id)).unwrap_or(0);
    let step: &Step = plan.steps[known..].iter().find(|step| step.id != after && !done.contains(&step.id))?;
    Some((step.id, local.add_wait(at, step.wait)))
}

/// What decides whether someone may be enrolled.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Who would be enrolled.
    pub person: &'a Person,
    /// The state of the sequence.
    pub sequence: SequenceState,
    /// The version that would be followed.
    pub plan: &'a Plan,
    /// The mailbox it would be sent from.
    pub mailbox: Option<&'a Mailbox>,
    /// Who asks.
    pub asked_by: &'a Actor,
    /// On whose behalf it would run.
    pub actor_id: UserId,
    /// Whoever asks may use this sequence.
    pub may_use: bool,
    /// An unfinished enrollment in this sequence of the person or of anyone with the same address.
    pub ongoing: Option<EnrollmentId>,
    /// The entry of the suppression list that covers the address.
    pub suppressed: Option<&'a Suppression>,
    /// An email to this address came back for good.
    pub bounced_before: bool,
}

/// Whether someone may be enrolled; a refusal has one of the codes of the API.
pub fn may_enroll(candidate: &Candidate) -> Result<(), Refused> {
    let name = candidate.person.name();
    let refuse = |code: &str, message: String| Err(Refused::new(code, message));
    if candidate.sequence != SequenceState::Active {
        let message = "This sequence is not active. An admin can activate it.";
        return refuse("sequence_not_active", message.to_owned());
    }
    if !candidate.may_use {
        let message = "Only some teams or users may use this sequence. An admin can let you.";
        return refuse("not_permitted", message.to_owned());
    }
    let acts_for_self = candidate.asked_by.user_id().is_none_or(|user| user == candidate.actor_id);
    if !acts_for_self && !candidate.asked_by.acts_for_others() {
        let message = "Only managers and admins enroll on behalf of someone else.";
        return refuse("not_permitted", message.to_owned());
    }
    if candidate.ongoing.is_some() {
        return refuse(
            "already_active",
            format!("{name}, or someone with the same address, is already in this sequence."),
        );
    }
    if candidate.plan.has_email() { check_address(candidate, &name) } else { Ok(()) }
}

fn check_address(candidate: &Candidate, name: &str) -> Result<(), Refused> {
    let refuse = |code: &str, message: String| Err(Refused::new(code, message));
    let Some(mailbox) = candidate.mailbox else {
        return refuse("no_mailbox", "No mailbox is connected to send from. Connect one in the settings.".to_owned());
    };
    if mailbox.user_id != candidate.actor_id {
        return refuse("not_permitted", "This mailbox belongs to someone else. Choose one of your own.".to_owned());
    }
    let email = &candidate.person.fields.email;
    if email.is_empty() {
        return refuse("no_email", format!("{name} has no email address. Add one, then enroll again."));
    }
    if let Err(refused) = check_email(email) {
        return refuse("invalid_email", format!("{refused} Correct the address of {name}, then enroll again."));
    }
    let hard_bounce = |entry: &Suppression| entry.reason == SuppressionReason::HardBounce;
    if candidate.bounced_before || candidate.suppressed.is_some_and(hard_bounce) {
        return refuse("bounced_before", format!("An earlier email to {email} came back. Correct the address first."));
    }
    if let Some(entry) = candidate.suppressed {
        let message = format!("{email} is never mailed: {} is on the suppression list.", entry.entry);
        return refuse("suppressed", message);
    }
    Ok(())
}
