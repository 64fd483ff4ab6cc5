//! The words of one person's email, changed by hand before it leaves.
//!
//! An edit stands in place of the sequence's own words for one step of one enrollment, and a new version keeps it.
//! Writing one raises the revision, so an email that is claimed at that moment does not leave with the old words.

use super::{access, attachments, custom_fields, email_html, manual_drafts, moves, preview::Words, words};
use crate::{
    Engine, EngineError, Result,
    rendering::{Footer, Texts, unsubscribe_url},
    sender::facts::edited,
};
use relance_domain::{
    EnrollmentId, Refused, StepId, UserId,
    activity::{Activity, ActivityKind},
    attachment::Attachment,
    delivery::DeliveryState,
    forecast::PlannedStep,
    step::{Action, EmailText},
    user::Actor,
};
use relance_storage::{
    Tx, activities, deliveries,
    email_edits::{self, EmailEdit},
    enrollment_sets,
    enrollments::{self, StoredEnrollment},
    sending::{self, InThread},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Most characters of a subject and of a body, as in templates.
const LONGEST_SUBJECT: usize = 998;
const LONGEST_BODY: usize = 200_000;

/// Subject and body of an email, with merge tags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmailWords {
    /// Subject.
    pub subject: String,
    /// HTML body; empty = plain text only.
    pub body_html: String,
    /// Text body; empty = made from the HTML.
    pub body_text: String,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
}

/// The words of an email to come as they would be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailToEdit {
    /// As they are now, with merge tags.
    pub words: EmailWords,
    /// They answer in the thread of an email before, whose subject they take.
    pub in_thread: bool,
    /// Who changed them for this person; `None` = they are the sequence's.
    pub edited_by: Option<UserId>,
}

fn is_over(what: &str) -> EngineError {
    EngineError::refused("not_editable", format!("{what} Its words can no longer be changed."))
}

/// The step's own words; refused if it makes no email or its email is over or on its way.
async fn own_words(tx: &mut Tx, stored: &StoredEnrollment, step: StepId) -> Result<EmailText> {
    let plan = moves::plan_of(tx, stored).await?;
    let own = plan.step(step).ok_or(EngineError::NotFound("step"))?.action.email().cloned();
    let own = own.ok_or_else(|| EngineError::refused("no_email", "This step is a task, not an email."))?;
    if !stored.enrollment.state.is_ongoing() {
        return Err(is_over("This sequence has ended for this person."));
    }
    if stored.enrollment.done_steps.contains(&step) {
        return Err(is_over("This step is over."));
    }
    match deliveries::latest_of_step(tx, stored.enrollment.id, step).await?.map(|delivery| delivery.state) {
        Some(DeliveryState::Leaving { .. }) => {
            Err(EngineError::refused("leaving", "This email is on its way at this moment."))
        }
        Some(DeliveryState::Sent { .. } | DeliveryState::Uncertain { .. }) => {
            Err(is_over("This email has left, or may have."))
        }
        _ => Ok(own),
    }
}

async fn is_manual(tx: &mut Tx, stored: &StoredEnrollment, step: StepId) -> Result<bool> {
    let plan = moves::plan_of(tx, stored).await?;
    Ok(plan.step(step).is_some_and(|step| matches!(step.action, Action::ManualEmail { .. })))
}

pub(super) fn check(words: &EmailWords, own: &EmailText) -> Result<EmailText> {
    let refuse = |field: &str, code: &str, message: &str| Err(Refused::at(field, code, message).into());
    if words.subject.trim().is_empty() && !own.reply_in_thread {
        return refuse("subject", "required", "Write a subject.");
    }
    if words.body_html.trim().is_empty() && words.body_text.trim().is_empty() {
        return refuse("body", "required", "Write what the email says.");
    }
    written(words, own)
}

/// What was typed so far as an email, which may still lack its subject or text.
pub(super) fn written(words: &EmailWords, own: &EmailText) -> Result<EmailText> {
    let refuse = |field: &str, code: &str, message: &str| Err(Refused::at(field, code, message).into());
    if words.subject.chars().count() > LONGEST_SUBJECT {
        return refuse("subject", "too_long", "A subject has at most 998 characters.");
    }
    if words.body_html.len().max(words.body_text.len()) > LONGEST_BODY {
        return refuse("body", "too_long", "This email is too long. Shorten it to 200,000 characters.");
    }
    relance_domain::merge::check(&words.subject).map_err(|refused| at_field(refused, "subject"))?;
    for body in [&words.body_html, &words.body_text] {
        relance_domain::merge::check(body).map_err(|refused| at_field(refused, "body"))?;
    }
    let email = EmailText {
        subject: words.subject.trim().to_owned(),
        body_html: email_html::clean_source(&words.body_html),
        body_text: words.body_text.clone(),
        attachments: words.attachments.clone(),
        ..own.clone()
    };
    Texts::compile(&email)?;
    Ok(email)
}

fn at_field(refused: Refused, field: &str) -> Refused {
    Refused { field: Some(field.to_owned()), ..refused }
}

impl Engine {
    /// The words of an email to come, with their merge tags, for whoever wants to change them.
    pub async fn email_to_edit(&self, actor: &Actor, id: EnrollmentId, step: StepId) -> Result<EmailToEdit> {
        let mut tx = self.store.read().await?;
        let stored = enrollments::find(&mut tx, id).await?.ok_or(EngineError::NotFound("enrollment"))?;
        access::may_touch_enrollment(&mut tx, actor, &stored.enrollment).await?;
        let own = own_words(&mut tx, &stored, step).await?;
        let edit = email_edits::of_enrollments(&mut tx, &[id]).await?.remove(&(id, step));
        let in_thread = own.reply_in_thread && stored.emails_sent > 0;
        let text = match &edit {
            Some(edit) => edited(&own, edit),
            None if is_manual(&mut tx, &stored, step).await? => self.filled_draft(&mut tx, stored, &own).await?,
            None => own,
        };
        let (subject, body_html, body_text) = (text.subject, text.body_html, text.body_text);
        let words = EmailWords { subject, body_html, body_text, attachments: text.attachments };
        Ok(EmailToEdit { words, in_thread, edited_by: edit.map(|edit| edit.edited_by) })
    }

    /// A rep writes a manual email for one person: the values stand in it, not their tags.
    async fn filled_draft(&self, tx: &mut Tx, stored: StoredEnrollment, own: &EmailText) -> Result<EmailText> {
        let (id, actor_id, mailbox_id) =
            (stored.enrollment.id, stored.enrollment.actor_id, stored.enrollment.mailbox_id);
        let sender = self.sender_of(tx, Some(actor_id), mailbox_id).await?;
        let due = self.load_due(tx, vec![stored]).await?.pop().ok_or(EngineError::NotFound("enrollment"))?;
        let url = unsubscribe_url(&self.settings, &self.keys, id);
        let correspondence = sender.correspondence(&due.person, due.company.as_ref());
        Ok(manual_drafts::filled(own, &correspondence.values(&url)))
    }

    /// What the person would get with these words; nothing is stored.
    pub async fn preview_edit(
        &self,
        actor: &Actor,
        id: EnrollmentId,
        step: StepId,
        asked: &EmailWords,
    ) -> Result<Words> {
        let mut tx = self.store.read().await?;
        let stored = enrollments::find(&mut tx, id).await?.ok_or(EngineError::NotFound("enrollment"))?;
        access::may_touch_enrollment(&mut tx, actor, &stored.enrollment).await?;
        let own = own_words(&mut tx, &stored, step).await?;
        let email = check(asked, &own)?;
        let (actor_id, mailbox_id) = (stored.enrollment.actor_id, stored.enrollment.mailbox_id);
        let sender = self.sender_of(&mut tx, Some(actor_id), mailbox_id).await?;
        let workspace = access::workspace(&mut tx).await?;
        let thread: Vec<InThread> = sending::threads(&mut tx, &[id]).await?.remove(&id).unwrap_or_default();
        let due = self.load_due(&mut tx, vec![stored]).await?.pop().ok_or(EngineError::NotFound("enrollment"))?;
        drop(tx);
        let url = unsubscribe_url(&self.settings, &self.keys, id);
        let footer = Footer::of(&due.prepared.version.plan.unsubscribe, &workspace.postal_address, &url);
        let correspondence = sender.correspondence(&due.person, due.company.as_ref());
        Ok(words::of_email(&email, &correspondence.values(&url), &thread, footer.as_ref())?)
    }

    /// Changes the words of an email to come for this person only.
    pub async fn edit_email(&self, actor: &Actor, id: EnrollmentId, step: StepId, asked: &EmailWords) -> Result<()> {
        let nobody = || EngineError::Forbidden("Only a user can change an email.".to_owned());
        let user = actor.user_id().ok_or_else(nobody)?;
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        let own = own_words(&mut tx, &stored, step).await?;
        let mut email = check(asked, &own)?;
        attachments::check(&mut tx, "attachments", &mut email.attachments).await?;
        let texts = [("subject", &email.subject), ("body", &email.body_html), ("body", &email.body_text)];
        custom_fields::check_tags(&mut tx, texts.map(|(field, text)| (field.to_owned(), text.as_str()))).await?;
        let edit = EmailEdit {
            enrollment_id: id,
            step_id: step,
            subject: email.subject,
            body_html: email.body_html,
            body_text: email.body_text,
            attachments: email.attachments,
            edited_by: user,
            edited_at: self.now(),
        };
        email_edits::put(&mut tx, &edit).await?;
        self.words_changed(&mut tx, actor, &stored, step, "Email edited before it leaves").await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(())
    }

    /// Back to the sequence's own words; false if nobody had changed them.
    pub async fn reset_email(&self, actor: &Actor, id: EnrollmentId, step: StepId) -> Result<bool> {
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        own_words(&mut tx, &stored, step).await?;
        if !email_edits::delete(&mut tx, id, step).await? {
            return Ok(false);
        }
        self.words_changed(&mut tx, actor, &stored, step, "Email back to the words of the sequence").await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(true)
    }

    /// What follows from other words: no claimed email leaves with the old ones, what waited for a value or for a
    /// correct text is decided about again, and the history says so.
    async fn words_changed(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: &StoredEnrollment,
        step: StepId,
        summary: &str,
    ) -> Result<()> {
        use relance_domain::enrollment::{BlockReason, Event, State};
        let waits_for_words = matches!(
            &stored.enrollment.state,
            State::Blocked {
                step: held,
                reason: BlockReason::MissingMergeData { .. } | BlockReason::TemplateError { .. },
                ..
            } if *held == step
        );
        if waits_for_words {
            self.apply(tx, stored, Event::Released).await?;
        } else {
            enrollment_sets::raise_many(tx, &[stored.enrollment.id]).await?;
        }
        let event = Activity {
            detail: json!({ "step_id": step }),
            ..self.enrollment_event(&stored.enrollment, ActivityKind::EmailEdited, actor, summary)
        };
        Ok(activities::insert(tx, &event).await?)
    }

    /// The steps to come if this happened now, for a dialog that asks first: a pause, a new date, an end of a pause.
    pub async fn forecast_if(
        &self,
        actor: &Actor,
        id: EnrollmentId,
        event: relance_domain::enrollment::Event,
    ) -> Result<Vec<PlannedStep>> {
        let mut tx = self.store.read().await?;
        let stored = enrollments::find(&mut tx, id).await?.ok_or(EngineError::NotFound("enrollment"))?;
        access::may_touch_enrollment(&mut tx, actor, &stored.enrollment).await?;
        let future = self.future(&mut tx, &[], &[id], crate::forecasting::MOST_OF_A_MAILBOX).await?;
        drop(tx);
        let mut future = future.ok_or(EngineError::NotFound("enrollment"))?;
        let state = future.state_of(id).cloned().ok_or(EngineError::NotFound("enrollment"))?;
        let after = state.after(event, self.now())?;
        Ok(future.steps_if(id, after).unwrap_or_default())
    }
}
