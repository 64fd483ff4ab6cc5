//! Sequences: written, published, paused, archived by admins.

use super::{access, attachments, audit::Object, custom_fields, email_html::clean_source};
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{
    Refused, SequenceId, StepId, TemplateId,
    activity::ActivityKind,
    audit::{Act, changes},
    enrollment::FinishReason,
    person::clean_line,
    sequence::{Plan, Sequence, SequenceState, UsableBy},
    step::{Action, EmailText},
    user::Actor,
};
use relance_storage::{
    Tx,
    enrollment_sets::{self, End},
    enrollment_views::EnrollmentFilter,
    enrollments,
    sequence_drafts::{self, StoredDraft},
    sequences, teams as storage_teams, templates, users as storage_users,
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

const BATCH: u32 = 500;

/// What is written of a sequence before it is published. A step with the nil id, or one that stands twice, gets a new id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SequenceFields {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Folder; empty = none.
    pub folder: String,
    /// Who may enroll people in it.
    pub usable_by: UsableBy,
    /// Steps, schedule, exit rules, unsubscribe.
    pub plan: Plan,
}

fn email_mut(action: &mut Action) -> Option<&mut EmailText> {
    match action {
        Action::AutomatedEmail { email } | Action::ManualEmail { email, .. } => Some(email),
        Action::Task { .. } => None,
    }
}

/// The files of every email, with their true sizes; those that are gone are refused at their step.
async fn check_files(tx: &mut Tx, plan: &mut Plan) -> Result<()> {
    for (index, step) in plan.steps.iter_mut().enumerate() {
        if let Some(email) = email_mut(&mut step.action) {
            attachments::check(tx, &format!("steps[{index}].email.attachments"), &mut email.attachments).await?;
        }
    }
    Ok(())
}

/// Words are copied only from templates that the actor may use; those the draft named before stay.
async fn check_templates(tx: &mut Tx, actor: &Actor, plan: &Plan, before: &[TemplateId]) -> Result<()> {
    for (index, step) in plan.steps.iter().enumerate() {
        let named = step.action.email().and_then(|email| email.template_id);
        let Some(id) = named.filter(|id| !before.contains(id)) else { continue };
        // One that is gone is refused when it is published.
        if templates::find(tx, id).await?.is_some_and(|found| !found.is_visible_to(actor)) {
            let field = format!("steps[{index}].email.template_id");
            let words = "This template is not shared. Choose another one, or ask its owner to share it.";
            return Err(Refused::at(field, "not_permitted", words).into());
        }
    }
    Ok(())
}

/// What an edit of the draft changed, for the audit log; empty = nothing.
fn edited(before: &Sequence, after: &Sequence) -> String {
    let who = |sequence: &Sequence| match &sequence.usable_by {
        UsableBy::Everyone => "everyone".to_owned(),
        UsableBy::Some { teams, users } => format!("{} teams and {} users", teams.len(), users.len()),
    };
    let words = changes(&[
        ("Name", &before.name, &after.name),
        ("Description", &before.description, &after.description),
        ("Folder", &before.folder, &after.folder),
        ("May be used by", &who(before), &who(after)),
    ]);
    if before.draft == after.draft {
        return words;
    }
    format!("{words} The draft has {} steps, {} before.", after.draft.steps.len(), before.draft.steps.len())
        .trim()
        .to_owned()
}

/// The teams and users it is kept for are there.
async fn check_usable(tx: &mut Tx, usable_by: &UsableBy) -> Result<()> {
    let UsableBy::Some { teams, users } = usable_by else { return Ok(()) };
    let known_teams = storage_teams::list(tx).await?;
    let known_users = storage_users::list(tx).await?;
    let has_teams = teams.iter().all(|id| known_teams.iter().any(|team| team.id == *id));
    let has_users = users.iter().all(|id| known_users.iter().any(|user| user.id == *id));
    if has_teams && has_users {
        return Ok(());
    }
    let message = "A team or user that may use it is not there any more. Choose again.";
    Err(Refused::at("usable_by", "unknown", message).into())
}

/// Keeps the draft as it is now, for whoever saves late or wants it back.
async fn keep_draft(tx: &mut Tx, sequence: &Sequence, by: Option<relance_domain::UserId>) -> Result<()> {
    let draft = StoredDraft {
        number: sequence.draft_number,
        plan: sequence.draft.clone(),
        saved_by: by,
        saved_at: sequence.updated_at,
    };
    Ok(sequence_drafts::keep(tx, sequence.id, &draft).await?)
}

impl Engine {
    pub(crate) async fn note_sequence(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        act: Act,
        sequence: &Sequence,
        detail: &str,
    ) -> Result<()> {
        self.note(tx, actor, act, Object::new(sequence.id, &sequence.name), detail).await
    }

    /// Names trimmed, ids given, and what a draft may never have refused; gaps may stay until it is published.
    fn tidy(&self, fields: &mut SequenceFields) -> Result<()> {
        fields.name = clean_line(&fields.name);
        fields.description = fields.description.replace('\0', "").trim().to_owned();
        fields.folder = clean_line(&fields.folder);
        let mut seen: HashSet<StepId> = HashSet::new();
        for step in &mut fields.plan.steps {
            if step.id.uuid().is_nil() || !seen.insert(step.id) {
                step.id = self.new_step_id();
                seen.insert(step.id);
            }
            if let Some(email) = email_mut(&mut step.action) {
                email.body_html = clean_source(&email.body_html);
            }
        }
        let mut wrong = Vec::new();
        if fields.name.is_empty() {
            wrong.push(Refused::at("name", "required", "Give the sequence a name."));
        }
        if let Err(refused) = fields.plan.check() {
            wrong.extend(refused.into_iter().filter(|refused| refused.code != "required"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
    }

    /// Writes a new draft.
    pub async fn create_sequence(&self, actor: &Actor, fields: SequenceFields) -> Result<Sequence> {
        access::admins_only(actor, "write sequences")?;
        self.insert_sequence(actor, fields, &[]).await
    }

    /// `known`: the templates that the sequence it is copied from names.
    async fn insert_sequence(
        &self,
        actor: &Actor,
        mut fields: SequenceFields,
        known: &[TemplateId],
    ) -> Result<Sequence> {
        self.tidy(&mut fields)?;
        let now = self.now();
        let mut sequence = Sequence {
            id: self.new_sequence_id(),
            name: fields.name,
            description: fields.description,
            folder: fields.folder,
            usable_by: fields.usable_by,
            state: SequenceState::Draft,
            draft: fields.plan,
            draft_number: 0,
            version_id: None,
            version: 0,
            paused_at: None,
            revision: 0,
            created_by: actor.user_id(),
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.store.begin().await?;
        check_files(&mut tx, &mut sequence.draft).await?;
        check_templates(&mut tx, actor, &sequence.draft, known).await?;
        custom_fields::check_tags(&mut tx, sequence.draft.texts()).await?;
        check_usable(&mut tx, &sequence.usable_by).await?;
        sequences::insert(&mut tx, &sequence).await?;
        keep_draft(&mut tx, &sequence, actor.user_id()).await?;
        self.note_sequence(&mut tx, actor, Act::SequenceMade, &sequence, "").await?;
        tx.commit().await?;
        Ok(sequence)
    }

    /// Changes the draft; an active sequence goes on with its live version until [`Engine::activate_sequence`].
    pub async fn edit_sequence(
        &self,
        actor: &Actor,
        id: SequenceId,
        change: impl FnOnce(&mut SequenceFields) + Send,
    ) -> Result<Sequence> {
        access::admins_only(actor, "change sequences")?;
        let tx = self.store.begin().await?;
        self.edit_sequence_in(tx, actor, id, change).await
    }

    /// As [`Engine::edit_sequence`], in a transaction in which the draft was looked at.
    pub(crate) async fn edit_sequence_in(
        &self,
        mut tx: Tx,
        actor: &Actor,
        id: SequenceId,
        change: impl FnOnce(&mut SequenceFields) + Send,
    ) -> Result<Sequence> {
        let before = access::sequence(&mut tx, id).await?;
        let mut fields = SequenceFields {
            name: before.name.clone(),
            description: before.description.clone(),
            folder: before.folder.clone(),
            usable_by: before.usable_by.clone(),
            plan: before.draft.clone(),
        };
        change(&mut fields);
        self.tidy(&mut fields)?;
        // Words that stood there before their field was deleted are no reason against changing another step.
        let stood: HashSet<&str> = before.draft.texts().into_iter().map(|(_, text)| text).collect();
        let new = fields.plan.texts().into_iter().filter(|(_, text)| !stood.contains(text));
        custom_fields::check_tags(&mut tx, new).await?;
        check_files(&mut tx, &mut fields.plan).await?;
        check_templates(&mut tx, actor, &fields.plan, &before.draft.templates()).await?;
        // One that was written before drafts were kept.
        keep_draft(&mut tx, &before, before.created_by).await?;
        sequences::save_draft(&mut tx, id, &fields.name, &fields.description, &fields.plan, self.now()).await?;
        if (&before.folder, &before.usable_by) != (&fields.folder, &fields.usable_by) {
            check_usable(&mut tx, &fields.usable_by).await?;
            sequences::set_place(&mut tx, id, &fields.folder, &fields.usable_by).await?;
        }
        let after = access::sequence(&mut tx, id).await?;
        keep_draft(&mut tx, &after, actor.user_id()).await?;
        let detail = edited(&before, &after);
        if !detail.is_empty() {
            self.note_sequence(&mut tx, actor, Act::SequenceChanged, &after, &detail).await?;
        }
        tx.commit().await?;
        Ok(after)
    }

    /// No new enrollments. `stop` ends those that run; otherwise they finish.
    pub async fn archive_sequence(&self, actor: &Actor, id: SequenceId, stop: bool) -> Result<(Sequence, Ended)> {
        access::admins_only(actor, "archive sequences")?;
        let mut tx = self.store.begin().await?;
        access::sequence(&mut tx, id).await?;
        sequences::set_state(&mut tx, id, SequenceState::Archived, self.now()).await?;
        let sequence = access::sequence(&mut tx, id).await?;
        let what = if stop { "Everyone in it was stopped." } else { "Those in it finish." };
        self.note_sequence(&mut tx, actor, Act::SequenceArchived, &sequence, what).await?;
        tx.commit().await?;
        let ended = if stop { self.stop_archived(actor, id).await? } else { Ended::default() };
        Ok((sequence, ended))
    }

    /// Ends everyone in an archived sequence, in bounded batches.
    async fn stop_archived(&self, actor: &Actor, id: SequenceId) -> Result<Ended> {
        let reason = FinishReason::SequenceArchived;
        let mut ended = Ended::default();
        loop {
            let mut tx = self.store.begin().await?;
            let end = End { reason: &reason, by: actor.user_id(), at: self.now() };
            let touched = enrollment_sets::end_some_of_sequence(&mut tx, id, BATCH, end).await?;
            ended.add(self.after_end(&mut tx, &touched, &reason, actor).await?);
            tx.commit().await?;
            if touched.len() < BATCH as usize {
                return Ok(ended);
            }
        }
    }

    /// A draft with the same plan and a name that says *copy*.
    pub async fn clone_sequence(&self, actor: &Actor, id: SequenceId) -> Result<Sequence> {
        access::admins_only(actor, "write sequences")?;
        let original = {
            let mut tx = self.store.read().await?;
            access::sequence(&mut tx, id).await?
        };
        let mut plan = original.draft.clone();
        for step in &mut plan.steps {
            step.id = self.new_step_id();
        }
        let name = format!("Copy of {}", original.name);
        let Sequence { description, folder, usable_by, .. } = original;
        let known = plan.templates();
        self.insert_sequence(actor, SequenceFields { name, description, folder, usable_by, plan }, &known).await
    }

    /// Holds everyone in it at once.
    pub async fn pause_sequence(&self, actor: &Actor, id: SequenceId) -> Result<(Sequence, Ended)> {
        access::admins_only(actor, "pause sequences")?;
        let mut tx = self.store.begin().await?;
        access::sequence(&mut tx, id).await?;
        let was_running = sequences::pause(&mut tx, id, self.now()).await?;
        let sequence = access::sequence(&mut tx, id).await?;
        if was_running {
            self.note_sequence(&mut tx, actor, Act::SequencePaused, &sequence, "").await?;
        }
        tx.commit().await?;
        // What was claimed before the pause is held by its enrollment's revision, raised before this is acknowledged.
        let mut after = None;
        loop {
            let mut tx = self.store.begin().await?;
            after = sequences::raise_enrollments(&mut tx, id, after, BATCH).await?;
            tx.commit().await?;
            if after.is_none() {
                break;
            }
        }
        let told = (ActivityKind::SequencePaused, "The whole sequence was paused");
        self.tell_everyone(actor, EnrollmentFilter { sequence: Some(id), ..EnrollmentFilter::default() }, told).await?;
        let mut tx = self.store.read().await?;
        let leaving = super::ending::leaving_anywhere(&mut tx).await?;
        let ids: Vec<_> = leaving.iter().map(|delivery| delivery.enrollment_id).collect();
        let ours: HashSet<_> = enrollments::find_many(&mut tx, &ids, false)
            .await?
            .into_iter()
            .filter(|stored| stored.enrollment.sequence_id == id)
            .map(|stored| stored.enrollment.id)
            .collect();
        let leaving = leaving.iter().filter(|delivery| ours.contains(&delivery.enrollment_id));
        Ok((sequence, Ended { leaving: leaving.map(super::outcome::leaving).collect(), ..Ended::default() }))
    }

    /// Goes on.
    pub async fn resume_sequence(&self, actor: &Actor, id: SequenceId) -> Result<Sequence> {
        access::admins_only(actor, "resume sequences")?;
        let mut tx = self.store.begin().await?;
        access::sequence(&mut tx, id).await?;
        let was_paused = sequences::resume(&mut tx, id, self.now()).await?;
        let sequence = access::sequence(&mut tx, id).await?;
        if was_paused {
            self.note_sequence(&mut tx, actor, Act::SequenceResumed, &sequence, "").await?;
        }
        tx.commit().await?;
        self.look_again_after_pause(Some(id)).await?;
        let told = (ActivityKind::SequenceResumed, "The whole sequence was resumed");
        self.tell_everyone(actor, EnrollmentFilter { sequence: Some(id), ..EnrollmentFilter::default() }, told).await?;
        Ok(sequence)
    }

    /// Deletes a sequence nobody was ever enrolled in.
    pub async fn delete_sequence(&self, actor: &Actor, id: SequenceId) -> Result<()> {
        access::admins_only(actor, "delete sequences")?;
        let mut tx = self.store.begin().await?;
        let sequence = access::sequence(&mut tx, id).await?;
        if !sequences::delete(&mut tx, id).await? {
            return Err(EngineError::NotFound("sequence"));
        }
        self.note_sequence(&mut tx, actor, Act::SequenceDeleted, &sequence, "").await?;
        tx.commit().await?;
        Ok(())
    }
}
