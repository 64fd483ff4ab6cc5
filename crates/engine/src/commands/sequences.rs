//! Sequences: written, published, paused, archived by admins.

use super::{access, audit::Object, custom_fields};
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{
    Refused, SequenceId, StepId,
    activity::ActivityKind,
    audit::{Act, changes},
    enrollment::FinishReason,
    person::clean_line,
    sequence::{Plan, Sequence, SequenceState},
    step::{Action, EmailText},
    user::Actor,
};
use relance_storage::{
    Tx,
    enrollment_sets::{self, End},
    enrollment_views::EnrollmentFilter,
    enrollments,
    sequences::{self, Publication},
    templates,
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
    /// Steps, schedule, exit rules, unsubscribe.
    pub plan: Plan,
}

fn email_mut(action: &mut Action) -> Option<&mut EmailText> {
    match action {
        Action::AutomatedEmail { email } | Action::ManualEmail { email, .. } => Some(email),
        Action::Task { .. } => None,
    }
}

/// The texts of templates put into the steps that name one.
async fn with_templates(tx: &mut Tx, mut plan: Plan) -> Result<Plan> {
    let mut wrong = Vec::new();
    for (index, step) in plan.steps.iter_mut().enumerate() {
        let Some(email) = email_mut(&mut step.action) else { continue };
        let Some(id) = email.template_id else { continue };
        match templates::find(tx, id).await? {
            Some(template) => {
                email.subject = template.subject;
                email.body_html = template.body_html;
                email.body_text = template.body_text;
            }
            // The words copied earlier are still there: a deleted template takes nothing away.
            None if !email.body_html.is_empty() || !email.body_text.is_empty() => {}
            None => {
                let field = format!("steps[{index}].email.template_id");
                wrong.push(Refused::at(field, "unknown_template", "This template was deleted. Choose another one."));
            }
        }
    }
    if wrong.is_empty() { Ok(plan) } else { Err(wrong.into()) }
}

/// What an edit of the draft changed, for the audit log; empty = nothing.
fn edited(before: &Sequence, after: &Sequence) -> String {
    let pairs = [("Name", &*before.name, &*after.name), ("Description", &*before.description, &*after.description)];
    let words = changes(&pairs);
    if before.draft == after.draft {
        return words;
    }
    format!("{words} The draft has {} steps, {} before.", after.draft.steps.len(), before.draft.steps.len())
        .trim()
        .to_owned()
}

impl Engine {
    async fn note_sequence(
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
        let mut seen: HashSet<StepId> = HashSet::new();
        for step in &mut fields.plan.steps {
            if step.id.uuid().is_nil() || !seen.insert(step.id) {
                step.id = self.new_step_id();
                seen.insert(step.id);
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
    pub async fn create_sequence(&self, actor: &Actor, mut fields: SequenceFields) -> Result<Sequence> {
        access::admins_only(actor, "write sequences")?;
        self.tidy(&mut fields)?;
        let now = self.now();
        let sequence = Sequence {
            id: self.new_sequence_id(),
            name: fields.name,
            description: fields.description,
            state: SequenceState::Draft,
            draft: fields.plan,
            version_id: None,
            version: 0,
            paused_at: None,
            revision: 0,
            created_by: actor.user_id(),
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.store.begin().await?;
        custom_fields::check_tags(&mut tx, sequence.draft.texts()).await?;
        sequences::insert(&mut tx, &sequence).await?;
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
        let mut tx = self.store.begin().await?;
        let before = access::sequence(&mut tx, id).await?;
        let mut fields = SequenceFields {
            name: before.name.clone(),
            description: before.description.clone(),
            plan: before.draft.clone(),
        };
        change(&mut fields);
        self.tidy(&mut fields)?;
        // Words that stood there before their field was deleted are no reason against changing another step.
        let stood: HashSet<&str> = before.draft.texts().into_iter().map(|(_, text)| text).collect();
        let new = fields.plan.texts().into_iter().filter(|(_, text)| !stood.contains(text));
        custom_fields::check_tags(&mut tx, new).await?;
        sequences::save_draft(&mut tx, id, &fields.name, &fields.description, &fields.plan, self.now()).await?;
        let after = access::sequence(&mut tx, id).await?;
        let detail = edited(&before, &after);
        if !detail.is_empty() {
            self.note_sequence(&mut tx, actor, Act::SequenceChanged, &after, &detail).await?;
        }
        tx.commit().await?;
        Ok(after)
    }

    /// Publishes the draft as a new version and activates the sequence; texts are copied from their templates.
    pub async fn activate_sequence(&self, actor: &Actor, id: SequenceId) -> Result<Sequence> {
        access::admins_only(actor, "activate sequences")?;
        let mut tx = self.store.begin().await?;
        let sequence = access::sequence(&mut tx, id).await?;
        let plan = with_templates(&mut tx, sequence.draft).await?;
        plan.check()?;
        custom_fields::check_tags(&mut tx, plan.texts()).await?;
        let version_id = self.new_version_id();
        let publication = Publication { sequence_id: id, version_id, plan: &plan, by: actor.user_id() };
        sequences::publish(&mut tx, publication, self.now()).await?;
        let after = access::sequence(&mut tx, id).await?;
        let version = format!("Version {}.", after.version);
        self.note_sequence(&mut tx, actor, Act::SequenceActivated, &after, &version).await?;
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
        let mut plan = original.draft;
        for step in &mut plan.steps {
            step.id = self.new_step_id();
        }
        let name = format!("Copy of {}", original.name);
        self.create_sequence(actor, SequenceFields { name, description: original.description, plan }).await
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
