//! An email that is written in a task, or to a person at once: it leaves from the mailbox of whose task it is, under the
//! rules of every other. Written to a person, it is that of a task which is made and done when it is sent.
//!
//! It is the one step of an enrollment in [`task::EMAILS`], with its words as an edit, and begins where *send* was
//! pressed on the draft of a manual email. So suppression, quota, *once*, replies and the history are those of every
//! email. The task is done in the same transaction: who presses twice sends once. A task that a sequence waits for moves
//! its sequence on.

use super::{
    attachments, custom_fields,
    edits::{self, EmailWords},
    manual_drafts,
    preflight::{EnrollRequest, Preflight},
    preview::{Words, company_of},
    tasks as own_tasks, teams, templates, words,
};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    MailboxId, PersonId, Refused, TaskId, TemplateId, Timestamp,
    activity::ActivityKind,
    enrollment::{State, tag_words},
    person::Person,
    sequence::{Sequence, SequenceState, UsableBy},
    step::{EmailText, TaskKind},
    task::{self, Task, TaskState},
    user::Actor,
};
use relance_storage::{
    StorageError, Tx,
    email_edits::{self, EmailEdit},
    enrollments::{self, StoredEnrollment},
    mailboxes,
    sequences::{self, Publication},
    tasks,
};

const NOT_THEIRS: &str = "This email would leave from someone else’s mailbox. Take over the task first.";

/// In which task an email is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailTask {
    /// An open one that asks for an email.
    Open(TaskId),
    /// One of one's own that there is not yet: it is made under this id when the email to this person is sent, so that
    /// sending twice sends once.
    New(TaskId, PersonId),
}

/// What is written in a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskEmail {
    /// Subject, text and files.
    pub words: EmailWords,
    /// From which mailbox of the task's owner; `None` = the one they usually send from.
    pub mailbox_id: Option<MailboxId>,
}

/// The task and to whom its email goes.
async fn writable(tx: &mut Tx, actor: &Actor, at: EmailTask, now: Timestamp) -> Result<(Task, Person)> {
    match at {
        EmailTask::Open(id) => open(tx, actor, id).await,
        EmailTask::New(id, person) => new(tx, actor, (id, person), now).await,
    }
}

/// A task that is not stored yet.
async fn new(tx: &mut Tx, actor: &Actor, (id, person): (TaskId, PersonId), now: Timestamp) -> Result<(Task, Person)> {
    let person = teams::seen_person(tx, actor, person).await?;
    if tasks::find(tx, id).await?.is_some() {
        return Err(sent_already());
    }
    let task = Task {
        id,
        person_id: Some(person.id),
        owner_id: actor.user_id().ok_or_else(nobody_sends)?,
        enrollment_id: None,
        step_id: None,
        delivery_id: None,
        kind: TaskKind::Email,
        content: format!("Email to {}", person.name()),
        due_at: now,
        state: TaskState::Open,
        closed_at: None,
        created_at: now,
    };
    Ok((task, person))
}

fn sent_already() -> EngineError {
    EngineError::refused("closed", "This email was sent already.")
}

fn nobody_sends() -> EngineError {
    EngineError::Forbidden("Only a user can send an email.".to_owned())
}

/// An open task that asks for an email, and to whom.
async fn open(tx: &mut Tx, actor: &Actor, id: TaskId) -> Result<(Task, Person)> {
    let task = own_tasks::open_task(tx, actor, id).await?;
    if task.kind != TaskKind::Email {
        return Err(EngineError::refused("no_email", "This task is not an email. Change its kind, then write."));
    }
    if tasks::find_view(tx, id).await?.is_some_and(|view| view.sends_email) {
        return Err(EngineError::refused("has_draft", "This task has a draft already. Edit it, then send it."));
    }
    let nobody =
        || EngineError::refused("no_person", "This task is about nobody. Make one about the person to write to.");
    let person = teams::seen_person(tx, actor, task.person_id.ok_or_else(nobody)?).await?;
    Ok((task, person))
}

/// Why it cannot leave, in the words of somebody who writes to one person.
fn refusal(outcome: Preflight, person: &Person) -> Option<EngineError> {
    let Preflight::Refused { code, message, enrollment_id } = outcome else { return None };
    let name = person.name();
    let message = match code.as_str() {
        "already_active" => {
            format!("An earlier email to {name} has not left yet. Send it or stop it first.")
        }
        "no_email" => format!("{name} has no email address. Add one, then send."),
        "invalid_email" => format!("The address of {name} cannot be right. Correct it, then send."),
        "not_permitted" => NOT_THEIRS.to_owned(),
        _ => message,
    };
    Some(Refused { code, message, field: enrollment_id.map(|id| id.to_string()) }.into())
}

/// The sequence of emails from tasks before the first of them is sent.
fn emails_sequence(now: Timestamp) -> Sequence {
    Sequence {
        id: task::EMAILS,
        name: task::EMAILS_NAME.to_owned(),
        description: String::new(),
        folder: String::new(),
        usable_by: UsableBy::Everyone,
        state: SequenceState::Draft,
        draft: task::emails_plan(),
        draft_number: 1,
        version_id: None,
        version: 0,
        paused_at: None,
        revision: 0,
        created_by: None,
        created_at: now,
        updated_at: now,
    }
}

fn asked_of(task: &Task, person: &Person, mailbox_id: Option<MailboxId>) -> EnrollRequest {
    EnrollRequest { mailbox_id, actor_id: Some(task.owner_id), ..EnrollRequest::new(task::EMAILS, vec![person.id]) }
}

fn missing(tags: &[String]) -> EngineError {
    let message = format!("There is no value for {}. Fill it in, or write the email without it.", tag_words(tags));
    EngineError::refused("missing_merge_data", message)
}

impl Engine {
    /// What an email in this task begins with: the words of a template with the person's values in them, else the
    /// signature alone.
    pub async fn begin_task_email(
        &self,
        actor: &Actor,
        at: EmailTask,
        template: Option<TemplateId>,
    ) -> Result<EmailWords> {
        let mut tx = self.store.read().await?;
        let (task, person) = writable(&mut tx, actor, at, self.now()).await?;
        let sender = self.sender_of(&mut tx, Some(task.owner_id), None).await?;
        let Some(template) = template else {
            let has_signature = !sender.mailbox.signature_html.trim().is_empty();
            let body_html = if has_signature { "<p><br></p>\n<p>{{ sender.signature }}</p>" } else { "" }.to_owned();
            return Ok(EmailWords { body_html, ..EmailWords::default() });
        };
        let template = templates::seen_template(&mut tx, actor, template).await?;
        let company = company_of(&mut tx, &person).await?;
        let values = sender.correspondence(&person, company.as_ref());
        let text = manual_drafts::filled(&template.email(), &values.values(&self.unsubscribe_preview()));
        let (subject, body_html, body_text) = (text.subject, text.body_html, text.body_text);
        Ok(EmailWords { subject, body_html, body_text, attachments: text.attachments })
    }

    /// Why no email can be sent here as things are, however it is written; `None` if one can.
    pub async fn task_email_refused(&self, actor: &Actor, at: EmailTask) -> Result<Option<EngineError>> {
        let mut tx = self.store.read().await?;
        let (task, person) = writable(&mut tx, actor, at, self.now()).await?;
        let sequence = match sequences::find(&mut tx, task::EMAILS).await? {
            Some(found) => found,
            None => Sequence { state: SequenceState::Active, ..emails_sequence(self.now()) },
        };
        let request = asked_of(&task, &person, None);
        let ground = self.ground_in(&mut tx, actor, &request, sequence).await?;
        let judged = ground.judge(&mut tx, actor, &[person.id]).await?.pop().ok_or(EngineError::NotFound("person"))?;
        Ok(refusal(judged.row.outcome, &person))
    }

    /// What the person would get; nothing is stored.
    pub async fn preview_task_email(&self, actor: &Actor, at: EmailTask, asked: &TaskEmail) -> Result<Words> {
        let mut tx = self.store.read().await?;
        let (task, person) = writable(&mut tx, actor, at, self.now()).await?;
        let email = edits::written(&asked.words, &EmailText::default())?;
        self.task_email_words(&mut tx, &task, &person, (&email, asked.mailbox_id)).await
    }

    /// What stands for the link to unsubscribe until the email leaves.
    fn unsubscribe_preview(&self) -> String {
        format!("{}/unsubscribe/preview", self.settings.base_url)
    }

    async fn task_email_words(
        &self,
        tx: &mut Tx,
        task: &Task,
        person: &Person,
        (email, mailbox): (&EmailText, Option<MailboxId>),
    ) -> Result<Words> {
        let sender = self.sender_of(tx, Some(task.owner_id), mailbox).await?;
        if sender.mailbox().is_some_and(|mailbox| mailbox.user_id != task.owner_id) {
            return Err(Refused::at("mailbox_id", "not_permitted", NOT_THEIRS).into());
        }
        let company = company_of(tx, person).await?;
        let correspondence = sender.correspondence(person, company.as_ref());
        Ok(words::of_email(email, &correspondence.values(&self.unsubscribe_preview()), &[], None)?)
    }

    /// Sends it, and the task is done.
    pub async fn send_task_email(&self, actor: &Actor, at: EmailTask, asked: &TaskEmail) -> Result<Task> {
        let by = actor.user_id().ok_or_else(nobody_sends)?;
        let mut tx = self.store.begin().await?;
        let (mut task, person) = writable(&mut tx, actor, at, self.now()).await?;
        let mut email = edits::check(&asked.words, &EmailText::default())?;
        attachments::check(&mut tx, "attachments", &mut email.attachments).await?;
        let texts = [("subject", &email.subject), ("body", &email.body_html), ("body", &email.body_text)];
        custom_fields::check_tags(&mut tx, texts.map(|(field, text)| (field.to_owned(), text.as_str()))).await?;
        let shown = self.task_email_words(&mut tx, &task, &person, (&email, asked.mailbox_id)).await?;
        if !shown.missing_tags.is_empty() {
            return Err(missing(&shown.missing_tags));
        }
        if matches!(at, EmailTask::New(..)) {
            task.content = format!("Email: {}", shown.subject);
            // Another press of the same button was quicker by a moment.
            tasks::insert(&mut tx, &task).await.map_err(|error| match error {
                StorageError::Conflict(_) => sent_already(),
                error => error.into(),
            })?;
        }
        let stored = self.begin_email(&mut tx, actor, (&task, &person), asked.mailbox_id).await?;
        let enrollment = &stored.enrollment;
        let step = enrollment.state.step().ok_or(EngineError::NotFound("step"))?;
        let edit = EmailEdit {
            enrollment_id: enrollment.id,
            step_id: step,
            subject: email.subject,
            body_html: email.body_html,
            body_text: email.body_text,
            attachments: email.attachments,
            edited_by: by,
            edited_at: self.now(),
        };
        email_edits::put(&mut tx, &edit).await?;
        let done = if task.enrollment_id.is_some() {
            self.close_task_in(&mut tx, actor, task.id, TaskState::Done).await?
        } else {
            self.close_with_email(&mut tx, actor, task, &stored).await?
        };
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(done)
    }

    async fn close_with_email(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        task: Task,
        stored: &StoredEnrollment,
    ) -> Result<Task> {
        let now = self.now();
        let (enrollment, step) = (stored.enrollment.id, stored.enrollment.state.step());
        let step = step.ok_or(EngineError::NotFound("step"))?;
        if !tasks::close_with_email(tx, task.id, (enrollment, step), now).await? {
            return Err(EngineError::refused("closed", "This task is already closed."));
        }
        self.task_event(tx, &task, ActivityKind::TaskDone, actor).await?;
        let (enrollment_id, step_id) = (Some(enrollment), Some(step));
        Ok(Task { state: TaskState::Done, closed_at: Some(now), enrollment_id, step_id, ..task })
    }

    /// The enrollment it leaves as, due now.
    async fn begin_email(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (task, person): (&Task, &Person),
        mailbox_id: Option<MailboxId>,
    ) -> Result<StoredEnrollment> {
        let now = self.now();
        let request = asked_of(task, person, mailbox_id);
        let sequence = self.emails_from_tasks(tx).await?;
        let ground = self.ground_in(tx, actor, &request, sequence).await?;
        let judged = ground.judge(tx, actor, &[person.id]).await?.pop().ok_or(EngineError::NotFound("person"))?;
        let mut stored = match self.new_enrollment(&ground, &judged) {
            Some(stored) => stored,
            None => return Err(refusal(judged.row.outcome, person).unwrap_or(EngineError::NotFound("person"))),
        };
        // As if *send* had been pressed on the draft of a manual email.
        stored.step_action = Some("automated_email".to_owned());
        stored.enrollment.moved_by_hand = true;
        if let State::Active { due, .. } = &mut stored.enrollment.state {
            *due = now;
        }
        stored.wake_at = Some(now);
        if enrollments::insert_many(tx, std::slice::from_ref(&stored)).await?.is_empty() {
            let message = "Someone sends another email to this address at this moment. Try again when it has left.";
            return Err(EngineError::refused("already_active", message));
        }
        if let Some(mailbox) = ground.sender.mailbox() {
            mailboxes::hasten(tx, mailbox.id, now).await?;
        }
        Ok(stored)
    }

    /// The sequence of emails from tasks, which the first of them makes.
    async fn emails_from_tasks(&self, tx: &mut Tx) -> Result<Sequence> {
        if let Some(found) = sequences::find(tx, task::EMAILS).await? {
            return Ok(found);
        }
        let now = self.now();
        let sequence = emails_sequence(now);
        match sequences::insert(tx, &sequence).await {
            Ok(()) => {}
            Err(StorageError::Conflict(_)) => {
                let message = "Someone sent the first email from a task at the same moment. Try again.";
                return Err(EngineError::Unavailable(message.to_owned()));
            }
            Err(error) => return Err(error.into()),
        }
        let version_id = self.new_version_id();
        let publication = Publication { sequence_id: task::EMAILS, version_id, plan: &sequence.draft, by: None };
        sequences::publish(tx, publication, now).await?;
        sequences::find(tx, task::EMAILS).await?.ok_or(EngineError::NotFound("sequence"))
    }
}
