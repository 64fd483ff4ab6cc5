//! Loads what a decision about the due emails of one mailbox depends on, set-based, in one consistent view.

use crate::{Engine, error::Result, rendering::Prepared};
use relance_domain::{
    EnrollmentId, PersonId, SequenceId, Timestamp, UserId, VersionId,
    decision::Facts,
    delivery::{Delivery, DeliveryState},
    enrollment,
    mailbox::Mailbox,
    merge::{self, Format},
    person::Person,
    sequence::Sequence,
    step::{Action, EmailText, Step},
    suppression::{self, Suppression},
    time::DAY,
    user::User,
    workspace::Workspace,
};
use relance_storage::{self as storage, Tx, email_edits::EmailEdit, enrollments::StoredEnrollment, sending::InThread};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// What holds for every due email of one mailbox.
#[derive(Debug)]
pub struct Situation {
    /// When it was loaded.
    pub now: Timestamp,
    /// The workspace.
    pub workspace: Workspace,
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Hand-overs on the quota day of `now`.
    pub used_today: u32,
    /// Since when this node has worked for the mailbox without a break.
    pub worked_since: Option<Timestamp>,
    /// Its due emails, in the order of their slots.
    pub due: Vec<Due>,
    /// Its Sent folder must be compared with the data before it sends.
    pub is_held: bool,
}

/// One due email.
#[derive(Debug)]
pub struct Due {
    /// Its enrollment.
    pub stored: StoredEnrollment,
    /// The version it follows.
    pub prepared: Arc<Prepared>,
    /// Its sequence.
    pub sequence: Sequence,
    /// To whom.
    pub person: Person,
    /// Where the person works.
    pub company: Option<Person>,
    /// On whose behalf.
    pub actor: User,
    /// What keeps the address from being mailed.
    pub suppressed: Option<Suppression>,
    /// The delivery of the current step, if there is one.
    pub delivery: Option<Delivery>,
    /// The emails sent in this enrollment, oldest first.
    pub thread: Vec<InThread>,
    /// The words of the current email, if someone changed them for this person.
    pub edit: Option<EmailEdit>,
    /// The bytes of the current email, if it was proved not to have left and leaves again as it was.
    pub frozen: Option<Vec<u8>>,
    /// When a pause of the sequence, the mailbox or the workspace last ended, where that matters.
    pub resumed_at: Option<Timestamp>,
}

impl Due {
    /// The words of a task; a tag without a value stands as its name in brackets, for a person reads it.
    pub(crate) fn task_words(&self, step: &Step) -> String {
        let Some(text) = step.action.task() else { return String::new() };
        let values = merge::Values {
            person: &self.person,
            company: self.company.as_ref(),
            sender: merge::Sender {
                name: &self.actor.name,
                email: &self.actor.email,
                phone: &self.actor.phone,
                signature_html: "",
            },
            unsubscribe_url: None,
        };
        match merge::render(&text.content, Format::Text, &values) {
            Ok(rendered) if rendered.missing.is_empty() => rendered.text,
            Ok(rendered) => format!("{} ({} missing)", rendered.text, enrollment::tag_words(&rendered.missing)),
            Err(_) => text.content.clone(),
        }
    }

    /// The texts of an edited email; its place in a thread is that of the step.
    pub fn edited_text(&self, step: relance_domain::StepId) -> Option<EmailText> {
        let edit = self.edit.as_ref().filter(|edit| edit.step_id == step)?;
        let own = self.prepared.version.plan.step(step)?.action.email()?;
        Some(edited(own, edit))
    }

    /// Mailboxes other than `now` that emails of this enrollment left from.
    pub fn former_mailboxes(&self, now: relance_domain::MailboxId) -> Vec<relance_domain::MailboxId> {
        let mut former: Vec<_> =
            self.thread.iter().filter_map(|sent| sent.mailbox_id).filter(|mailbox| *mailbox != now).collect();
        former.sort();
        former.dedup();
        former
    }

    /// The facts for `decide`, with what this turn has already taken from the mailbox.
    pub fn facts<'a>(&'a self, situation: &'a Situation, taken: u32, last_slot_at: Option<Timestamp>) -> Facts<'a> {
        let mut facts = Facts::new(
            situation.now,
            &self.stored.enrollment,
            &self.prepared.version.plan,
            &self.person,
            &situation.workspace,
        );
        facts.sequence_paused = self.sequence.paused_at.is_some();
        facts.mailbox = Some(&situation.mailbox);
        facts.actor_zone = relance_domain::time::zone(&self.actor.time_zone);
        facts.actor_active = self.actor.deactivated_at.is_none();
        facts.suppressed = self.suppressed.as_ref();
        facts.used_today = situation.used_today + taken;
        facts.last_slot_at = last_slot_at;
        facts.emails_sent = self.stored.emails_sent;
        facts.delivery = self.delivery.as_ref();
        facts.pressed_send = self.pressed_send();
        facts.worked_since = situation.worked_since;
        facts.resumed_at = self.resumed_at;
        facts
    }

    /// A row that comes up as an email although its step is a manual one: its rep pressed *send*.
    fn pressed_send(&self) -> bool {
        let step = self.stored.enrollment.state.step().and_then(|id| self.prepared.version.plan.step(id));
        step.is_some_and(|step| matches!(step.action, Action::ManualEmail { .. }))
    }
}

/// The words of a step as someone changed them for one person.
pub(crate) fn edited(own: &EmailText, edit: &EmailEdit) -> EmailText {
    EmailText {
        subject: edit.subject.clone(),
        body_html: edit.body_html.clone(),
        body_text: edit.body_text.clone(),
        attachments: edit.attachments.clone(),
        ..own.clone()
    }
}

impl Engine {
    /// The situation of a mailbox with up to `limit` of its due emails; `None` if the mailbox or workspace is gone.
    pub async fn situation(&self, mailbox: relance_domain::MailboxId, limit: u32) -> Result<Option<Situation>> {
        let now = self.now();
        let mut tx = self.store.read().await?;
        let (Some(workspace), Some(mailbox)) =
            (storage::workspace::read(&mut tx).await?, storage::mailboxes::find(&mut tx, mailbox).await?)
        else {
            return Ok(None);
        };
        let rows = storage::enrollment_due::due_emails(&mut tx, mailbox.id, now, limit, false).await?;
        let day = relance_domain::quota::day_of(&mailbox, now);
        let used_today = storage::mailbox_days::used(&mut tx, mailbox.id, day).await?;
        let mut due = self.load_due(&mut tx, rows).await?;
        let worked_since = self.leases.since(mailbox.id);
        load_frozen(&mut tx, &mut due).await?;
        load_resumes(&mut tx, mailbox.id, worked_since, &mut due).await?;
        let is_held = storage::start_checks::compare_from(&mut tx, mailbox.id).await?.is_some();
        Ok(Some(Situation { now, workspace, mailbox, used_today, worked_since, due, is_held }))
    }

    /// Everything about these rows; rows whose person, sequence or version is gone are left out.
    pub(crate) async fn load_due(&self, tx: &mut Tx, rows: Vec<StoredEnrollment>) -> Result<Vec<Due>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let versions = self.prepared_versions(tx, &rows).await?;
        let sequences = sequences_of(tx, &rows).await?;
        let people = people_of(tx, rows.iter().map(|row| row.enrollment.person_id)).await?;
        let companies = people_of(tx, people.values().filter_map(|person| person.fields.company_id)).await?;
        let actors = actors_of(tx, &rows).await?;
        let suppressions = suppressions_of(tx, people.values()).await?;
        let ids: Vec<EnrollmentId> = rows.iter().map(|row| row.enrollment.id).collect();
        let mut deliveries = storage::sending::current_deliveries(tx, &ids).await?;
        let sent_before: Vec<EnrollmentId> =
            rows.iter().filter(|row| row.emails_sent > 0).map(|row| row.enrollment.id).collect();
        let mut edits = storage::email_edits::of_enrollments(tx, &ids).await?;
        let mut threads = storage::sending::threads(tx, &sent_before).await?;
        let due = rows.into_iter().filter_map(|stored| {
            let enrollment = &stored.enrollment;
            let person = people.get(&enrollment.person_id)?.clone();
            let keys = suppression::keys_of(&person.fields.email);
            Some(Due {
                prepared: Arc::clone(versions.get(&enrollment.version_id)?),
                sequence: sequences.get(&enrollment.sequence_id)?.clone(),
                company: person.fields.company_id.and_then(|id| companies.get(&id).cloned()),
                actor: actors.get(&enrollment.actor_id)?.clone(),
                suppressed: keys.iter().find_map(|key| suppressions.get(key).cloned()),
                delivery: deliveries.remove(&enrollment.id),
                thread: threads.remove(&enrollment.id).unwrap_or_default(),
                edit: enrollment.state.step().and_then(|step| edits.remove(&(enrollment.id, step))),
                frozen: None,
                resumed_at: None,
                person,
                stored,
            })
        });
        Ok(due.collect())
    }

    /// The versions of these rows, from memory where they were read before.
    async fn prepared_versions(
        &self,
        tx: &mut Tx,
        rows: &[StoredEnrollment],
    ) -> Result<HashMap<VersionId, Arc<Prepared>>> {
        let wanted: HashSet<VersionId> = rows.iter().map(|row| row.enrollment.version_id).collect();
        let mut found: HashMap<VersionId, Arc<Prepared>> =
            wanted.iter().filter_map(|id| Some((*id, self.versions.get(*id)?))).collect();
        let missing: Vec<VersionId> = wanted.into_iter().filter(|id| !found.contains_key(id)).collect();
        for version in storage::sequences::find_versions(tx, &missing).await? {
            found.insert(version.id, self.versions.keep(version));
        }
        Ok(found)
    }
}

/// Of emails that are tried again, those that must leave with the bytes they had.
async fn load_frozen(tx: &mut Tx, due: &mut [Due]) -> Result<()> {
    let again: Vec<_> = due
        .iter()
        .filter_map(|due| due.delivery.as_ref())
        .filter(|delivery| matches!(delivery.state, DeliveryState::Deferred { .. } | DeliveryState::Claimed { .. }))
        .filter(|delivery| delivery.attempts > 0)
        .map(|delivery| (delivery.enrollment_id, delivery.id))
        .collect();
    if again.is_empty() {
        return Ok(());
    }
    let mut frozen = storage::start_checks::frozen(tx, &again).await?;
    for due in due {
        due.frozen = frozen.remove(&due.stored.enrollment.id);
    }
    Ok(())
}

/// When pauses ended, read only where an email is so late that an outage comes into question.
async fn load_resumes(
    tx: &mut Tx,
    mailbox: relance_domain::MailboxId,
    worked_since: Option<Timestamp>,
    due: &mut [Due],
) -> Result<()> {
    let Some(since) = worked_since else { return Ok(()) };
    let is_late = |due: &Due| due.stored.enrollment.state.due().is_some_and(|due| since.since(due) > DAY);
    let wanted: HashSet<SequenceId> = due.iter().filter(|due| is_late(due)).map(|due| due.sequence.id).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let wanted: Vec<SequenceId> = wanted.into_iter().collect();
    let resumes = storage::start_checks::resumes(tx, mailbox, &wanted).await?;
    for due in due {
        due.resumed_at = resumes.get(&due.sequence.id).copied();
    }
    Ok(())
}

async fn sequences_of(tx: &mut Tx, rows: &[StoredEnrollment]) -> Result<HashMap<SequenceId, Sequence>> {
    let wanted: HashSet<SequenceId> = rows.iter().map(|row| row.enrollment.sequence_id).collect();
    let wanted: Vec<SequenceId> = wanted.into_iter().collect();
    let found = storage::sequences::find_many(tx, &wanted).await?;
    Ok(found.into_iter().map(|sequence| (sequence.id, sequence)).collect())
}

async fn people_of(tx: &mut Tx, ids: impl Iterator<Item = PersonId>) -> Result<HashMap<PersonId, Person>> {
    let wanted: HashSet<PersonId> = ids.collect();
    let wanted: Vec<PersonId> = wanted.into_iter().collect();
    let found = storage::people::find_many(tx, &wanted).await?;
    Ok(found.into_iter().map(|person| (person.id, person)).collect())
}

async fn actors_of(tx: &mut Tx, rows: &[StoredEnrollment]) -> Result<HashMap<UserId, User>> {
    let wanted: HashSet<UserId> = rows.iter().map(|row| row.enrollment.actor_id).collect();
    let mut found = HashMap::new();
    for id in wanted {
        if let Some(user) = storage::users::find(tx, id).await? {
            found.insert(id, user);
        }
    }
    Ok(found)
}

async fn suppressions_of(tx: &mut Tx, people: impl Iterator<Item = &Person>) -> Result<HashMap<String, Suppression>> {
    let keys: HashSet<String> = people.flat_map(|person| suppression::keys_of(&person.fields.email)).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let found = storage::suppressions::find_for_keys(tx, &keys).await?;
    Ok(found.into_iter().map(|entry| (entry.entry.clone(), entry)).collect())
}
