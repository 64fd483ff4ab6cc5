//! Turns decisions about due emails into claimed emails and new states, in one commit per mailbox and turn.
//!
//! Emails that may leave are rendered, composed and stored as `Claimed`; rows that wait get their next look, rows that
//! are blocked or over get their new state and a line in the history. The words come from the rules, not from here.

use super::facts::{Due, Situation};
use crate::{
    Engine,
    error::{EngineError, Result},
    history::{self, Event},
    rendering::{Correspondence, Footer, Prepared, Texts, Words, unsubscribe_url},
};
use relance_domain::{
    EnrollmentId, MailboxId, Refused, StepId, Timestamp,
    attachment::Attachment,
    calendar::LocalSchedule,
    decision::{Decision, Departed, Facts, RuleKind, decision},
    delivery::{Delivery, DeliveryState},
    enrolling::following,
    enrollment::{self, BlockReason, Enrollment, FinishReason, State},
    person::Person,
    quota,
    user::Actor,
    workspace::Workspace,
};
use relance_storage::{self as storage, Tx, enrollments::Change, enrollments::StoredEnrollment};
use serde_json::Value;
use std::sync::Arc;

/// An email that is ours to hand over.
#[derive(Debug)]
pub struct Claimed {
    /// The delivery; its words are stored.
    pub delivery: Delivery,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// Its enrollment as it was decided on.
    pub enrollment: Enrollment,
    /// The version it follows.
    pub prepared: Arc<Prepared>,
    /// To whom.
    pub person: Person,
    /// The zone of the rep who enrolled.
    pub actor_zone: Option<jiff::tz::TimeZone>,
    /// Something was sent before in this enrollment.
    pub is_follow_up: bool,
    /// Mailboxes that earlier emails of this enrollment left from, before it was handed over: answers may come there.
    pub former_mailboxes: Vec<MailboxId>,
    /// What was compared when it was decided that it leaves.
    pub explained: Value,
}

impl Claimed {
    /// Steps done once this one is.
    pub fn done_steps(&self) -> Vec<StepId> {
        let mut done = self.enrollment.done_steps.clone();
        done.push(self.delivery.step_id);
        done
    }

    /// The step that follows if this one is done at `at`.
    pub fn following(&self, at: Timestamp, workspace: &Workspace) -> Option<(StepId, Timestamp)> {
        let plan = &self.prepared.version.plan;
        let local = LocalSchedule::of(plan.schedule.as_ref(), &self.person, self.actor_zone.as_ref(), workspace);
        following(plan, self.delivery.step_id, &self.done_steps(), at, &local)
    }
}

/// What a turn does with its due rows.
#[derive(Debug, Default)]
pub struct Plan {
    /// Rendered and ready to be claimed.
    pub emails: Vec<Claimed>,
    /// Rows that are looked at again later (`None` = when something happens).
    pub waits: Vec<(EnrollmentId, i64, Option<Timestamp>)>,
    /// Rows that change their state.
    pub changes: Vec<(StoredEnrollment, enrollment::Event)>,
    /// Rows whose current step is over without an email.
    pub skips: Vec<(StoredEnrollment, Arc<Prepared>)>,
    /// When the mailbox may send again, if the gap stopped this turn.
    pub gap_until: Option<Timestamp>,
    /// The quota is used up: what is still due is held until its slots.
    pub quota_reached: bool,
}

impl Engine {
    /// Decides about every due row in the order of slots, until the gap or the quota stops it.
    pub fn plan_turn(&self, situation: &Situation, epoch: i64) -> Plan {
        let mut plan = Plan::default();
        let mut last_slot_at = situation.mailbox.last_sent_at;
        for due in &situation.due {
            let taken = u32::try_from(plan.emails.len()).unwrap_or(u32::MAX);
            let mut facts = due.facts(situation, taken, last_slot_at);
            let mut decided = decision(&facts);
            let mut rendered = None;
            let (mut missing, mut error) = (Vec::new(), None);
            // What lacks a value must not keep others waiting for its gap.
            if matches!(decided, Decision::Send | Decision::Wait { because: RuleKind::Gap, .. }) {
                match self.render_due(due, situation, epoch) {
                    Ok((email, tags)) => {
                        missing = tags;
                        rendered = Some(email);
                    }
                    Err(refused) => error = Some(refused.message),
                }
                facts.missing_tags = &missing;
                facts.template_error = error.as_deref();
                decided = decision(&facts);
            }
            match (decided, rendered) {
                (Decision::Send, Some(mut email)) => {
                    email.explained = departure(&facts, due.edit.is_some());
                    plan.emails.push(email);
                    last_slot_at = Some(situation.now);
                }
                (Decision::Wait { until, because: RuleKind::Gap }, _) => {
                    plan.gap_until = until;
                    break;
                }
                (Decision::Block { reason: BlockReason::QuotaReached, .. }, _) => {
                    plan.quota_reached = true;
                    break;
                }
                (decided, _) => plan.hold(due, decided),
            }
        }
        plan
    }

    /// The words and bytes of a due email, and the tags without a value.
    fn render_due(
        &self,
        due: &Due,
        situation: &Situation,
        epoch: i64,
    ) -> std::result::Result<(Claimed, Vec<String>), Refused> {
        let enrollment = &due.stored.enrollment;
        let step = enrollment.state.step().ok_or_else(|| Refused::new("template_error", "The step is gone."))?;
        if let Some(email) = as_it_was(due, step, situation.mailbox.id, epoch) {
            return Ok((email, Vec::new()));
        }
        let own = due.prepared.texts(step).ok_or_else(|| Refused::new("template_error", "The step is no email."))?;
        let edited_text = due.edited_text(step);
        let edited = edited_text.as_ref().map(Texts::compile).transpose()?;
        let texts = match &edited {
            Some(edited) => edited,
            None => own.as_ref().map_err(Clone::clone)?,
        };
        let who = Correspondence {
            person: &due.person,
            company: due.company.as_ref(),
            mailbox: &situation.mailbox,
            actor: Some(&due.actor),
        };
        let url = unsubscribe_url(&self.settings, &self.keys, enrollment.id);
        let unsubscribe = &due.prepared.version.plan.unsubscribe;
        let footer = Footer::of(unsubscribe, &situation.workspace.postal_address, &url);
        let words = texts.render(&who.values(&url), &due.thread, footer.as_ref())?;
        let missing = words.missing.clone();
        let in_thread = texts.replies_in_thread() && !due.thread.is_empty();
        let own_files = || due.prepared.version.plan.step(step).and_then(|step| step.action.email()).cloned();
        let attachments = edited_text.or_else(own_files).map(|email| email.attachments).unwrap_or_default();
        let delivery = self.draft_delivery(due, step, words, attachments, in_thread, situation, epoch);
        let raw = self
            .compose(&delivery, &due.person.name(), &situation.mailbox, unsubscribe, situation.now)
            .map_err(|refused| Refused::new("template_error", refused.to_string()))?;
        let email = Claimed {
            delivery,
            raw,
            enrollment: enrollment.clone(),
            prepared: Arc::clone(&due.prepared),
            person: due.person.clone(),
            actor_zone: relance_domain::time::zone(&due.actor.time_zone),
            is_follow_up: due.stored.emails_sent > 0,
            former_mailboxes: due.former_mailboxes(situation.mailbox.id),
            explained: Value::Null,
        };
        Ok((email, missing))
    }

    /// The delivery of this step: the one that was begun before, else a new first generation.
    #[expect(clippy::too_many_arguments, reason = "everything of the email comes from the one turn that claims it")]
    fn draft_delivery(
        &self,
        due: &Due,
        step: StepId,
        words: Words,
        attachments: Vec<Attachment>,
        in_thread: bool,
        situation: &Situation,
        epoch: i64,
    ) -> Delivery {
        let enrollment = &due.stored.enrollment;
        // A generation that is over stays as it is; a person's retry has begun a new one by then.
        let begun = due.delivery.as_ref();
        let generation = begun.map_or(1, |delivery| delivery.generation);
        let thread: Vec<String> =
            if in_thread { due.thread.iter().map(|sent| sent.message_id.clone()).collect() } else { Vec::new() };
        Delivery {
            id: begun.map_or_else(|| self.new_delivery_id(), |delivery| delivery.id),
            enrollment_id: enrollment.id,
            person_id: enrollment.person_id,
            step_id: step,
            generation,
            mailbox_id: situation.mailbox.id,
            state: DeliveryState::Claimed { epoch },
            message_id: begun.map_or_else(
                || self.message_id(enrollment.id, step, generation, &situation.mailbox),
                |delivery| delivery.message_id.clone(),
            ),
            recipient: due.person.fields.email.clone(),
            subject: words.subject,
            html: words.html,
            text: words.text,
            attachments,
            in_reply_to: thread.last().cloned(),
            references: thread,
            smtp_reply: None,
            attempts: begun.map_or(0, |delivery| delivery.attempts),
            created_at: begun.map_or(situation.now, |delivery| delivery.created_at),
        }
    }

    /// Writes what a turn decided; the emails that are now claimed, in their order.
    pub async fn commit_turn(&self, situation: &Situation, plan: Plan, epoch: i64) -> Result<Vec<Claimed>> {
        let mut tx = self.store.begin().await?;
        if !storage::leases::check(&mut tx, situation.mailbox.id, epoch).await? {
            return Ok(Vec::new());
        }
        let claims: Vec<(&Delivery, &[u8])> =
            plan.emails.iter().map(|email| (&email.delivery, email.raw.as_slice())).collect();
        let claimed = storage::sending::claim(&mut tx, epoch, &claims, situation.now).await?;
        storage::sending::set_wakes(&mut tx, &plan.waits).await?;
        for (stored, event) in plan.changes {
            give_up(&mut tx, &stored, &event, situation.now).await?;
            match self.change(&mut tx, &stored, event, situation.now).await {
                Err(EngineError::Refused(refused)) => {
                    // A row that cannot move must not hold up the others: it sleeps until something happens to it.
                    tracing::error!(enrollment = %stored.enrollment.id, ?refused, "an enrollment could not be changed");
                    let (id, revision) = (stored.enrollment.id, stored.enrollment.revision);
                    storage::enrollments::set_wake(&mut tx, id, revision, None).await?;
                }
                done => drop(done?),
            }
        }
        for (stored, prepared) in plan.skips {
            let after = self.advance(&mut tx, &stored, &prepared.version.plan, situation.now, 0).await?;
            if Self::has_just_ended(&stored, &after) {
                self.after_one_end(&mut tx, &after.enrollment, &FinishReason::Completed, &Actor::System).await?;
            }
        }
        if plan.quota_reached {
            hold_for_quota(&mut tx, situation, claimed.len()).await?;
        }
        tx.commit().await?;
        let mut emails = plan.emails;
        emails.retain(|email| claimed.contains(&email.delivery.id));
        for email in &mut emails {
            // Stored and composed: only the bytes are needed from here on.
            (email.delivery.html, email.delivery.text) = (String::new(), String::new());
        }
        Ok(emails)
    }

    /// Applies a rule's event to an enrollment that nobody changed since it was read, with its line in the history.
    pub(crate) async fn change(
        &self,
        tx: &mut Tx,
        stored: &StoredEnrollment,
        event: enrollment::Event,
        now: Timestamp,
    ) -> Result<bool> {
        let state = stored.enrollment.state.clone().after(event, now)?;
        let saved = storage::enrollments::save(tx, Change::of(stored, &state), now).await?;
        if saved {
            let happened = match &state {
                State::Blocked { reason, .. } => Some(Event::blocked(reason)),
                State::Finished { reason, .. } => Some(Event::ended(reason)),
                State::Active { .. } | State::Paused { .. } => None,
            };
            if let Some(event) = happened {
                let activity = history::of_enrollment(self.new_activity_id(), &stored.enrollment, event, None, now);
                storage::activities::insert(tx, &activity).await?;
            }
            if matches!(state, State::Finished { .. }) {
                storage::tasks::cancel_open_of_enrollments(tx, &[stored.enrollment.id], now).await?;
            }
        }
        Ok(saved)
    }
}

impl Plan {
    /// A row that does not leave now: what is written about it.
    fn hold(&mut self, due: &Due, decided: Decision) {
        let enrollment = &due.stored.enrollment;
        match decided {
            Decision::Wait { until, .. } => self.waits.push((enrollment.id, enrollment.revision, until)),
            Decision::Block { reason, resumes_at } => {
                self.changes.push((due.stored.clone(), enrollment::Event::Blocked { reason, resumes_at }));
            }
            Decision::Finish { reason } => {
                self.changes.push((due.stored.clone(), enrollment::Event::Ended { reason }));
            }
            Decision::Skip { .. } => self.skips.push((due.stored.clone(), Arc::clone(&due.prepared))),
            // A task step never comes up as an email; it is looked at by `wake_up`.
            Decision::Send | Decision::CreateTask => {
                self.waits.push((enrollment.id, enrollment.revision, None));
            }
        }
    }
}

/// An email that was proved not to have left leaves again with the bytes it had.
fn as_it_was(due: &Due, step: StepId, mailbox: MailboxId, epoch: i64) -> Option<Claimed> {
    // Handed over since, it leaves from another mailbox and is rendered anew.
    let of_this = |delivery: &&Delivery| delivery.step_id == step && delivery.mailbox_id == mailbox;
    let delivery = due.delivery.as_ref().filter(of_this)?;
    let raw = due.frozen.clone()?;
    Some(Claimed {
        delivery: Delivery { state: DeliveryState::Claimed { epoch }, smtp_reply: None, ..delivery.clone() },
        raw,
        enrollment: due.stored.enrollment.clone(),
        prepared: Arc::clone(&due.prepared),
        person: due.person.clone(),
        actor_zone: relance_domain::time::zone(&due.actor.time_zone),
        is_follow_up: due.stored.emails_sent > 0,
        former_mailboxes: due.former_mailboxes(mailbox),
        explained: Value::Null,
    })
}

/// Why it leaves now, for whoever asks later: since when it was due, what held it until then, what was compared.
fn departure(facts: &Facts, is_edited: bool) -> Value {
    serde_json::to_value(Departed::now(facts, is_edited)).unwrap_or_default()
}

/// An email that was refused for now until nobody tries again is refused for good, so that a person can retry it.
async fn give_up(tx: &mut Tx, stored: &StoredEnrollment, event: &enrollment::Event, now: Timestamp) -> Result<()> {
    let enrollment::Event::Blocked { reason: BlockReason::RecipientRefused { .. }, .. } = event else { return Ok(()) };
    let Some(step) = stored.enrollment.state.step() else { return Ok(()) };
    let latest = storage::deliveries::latest_of_step(tx, stored.enrollment.id, step).await?;
    if let Some(delivery) = latest.filter(|delivery| matches!(delivery.state, DeliveryState::Deferred { .. })) {
        let refused = DeliveryState::Refused;
        storage::deliveries::set_state(tx, delivery.id, delivery.state, refused, None, now).await?;
    }
    Ok(())
}

/// What is due beyond today's quota is blocked until its slots, by one statement.
async fn hold_for_quota(tx: &mut Tx, situation: &Situation, claimed: usize) -> Result<()> {
    // No day has a slot: they are held until the quota is raised.
    if situation.mailbox.daily_quota == 0 {
        let id = situation.mailbox.id;
        storage::enrollment_sets::block_mailbox(tx, id, &BlockReason::QuotaReached, situation.now).await?;
        return Ok(());
    }
    let taken = u32::try_from(claimed).unwrap_or(u32::MAX);
    let slots = quota::slots_after(&situation.mailbox, situation.now, taken);
    storage::enrollment_sets::hold_quota(tx, situation.mailbox.id, &slots, situation.now).await?;
    Ok(())
}
