//! Publishing: the draft becomes a version that never changes again, for new people or for those enrolled too.
//!
//! Texts are copied from their templates at that moment. Version and the order to move those enrolled are one commit; the
//! move itself is a bulk action, done at once up to 1,000 people and by a job beyond, and can be taken back like one.

use super::{
    access,
    bulk::{BulkAction, BulkDone, BulkPayload, parts_of},
    custom_fields,
};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    JobId, Refused, SequenceId,
    audit::Act,
    publishing::Enrolled,
    sequence::{Plan, Sequence, SequenceState},
    user::Actor,
};
use relance_storage::{
    Tx, enrollment_moves,
    sequences::{self, Publication},
    templates,
};
use std::collections::HashMap;

const AT_ONCE: usize = 1_000;

/// How a draft is published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Publishing {
    /// Who follows it.
    pub enrolled: Enrolled,
    /// The number of the draft that was looked at; another one is refused. `None` = whatever it is now.
    pub draft_number: Option<u32>,
}

/// What publishing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The sequence as it is now.
    pub sequence: Sequence,
    /// A new version was made; without it the draft said what is live already.
    pub is_new: bool,
    /// Those enrolled who were to be moved, and the job that does or did it.
    pub moved: Option<(JobId, BulkDone)>,
}

/// The texts of templates put into the steps that name one.
pub(crate) async fn with_templates(tx: &mut Tx, plan: Plan) -> Result<Plan> {
    let mut found = HashMap::new();
    for id in plan.templates() {
        if let Some(template) = templates::find(tx, id).await? {
            found.insert(id, template);
        }
    }
    let mut wrong = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let Some(email) = step.action.email() else { continue };
        let is_gone = email.template_id.is_some_and(|id| !found.contains_key(&id));
        // The words copied earlier are still there: a deleted template takes nothing away.
        if is_gone && email.body_html.is_empty() && email.body_text.is_empty() {
            let field = format!("steps[{index}].email.template_id");
            wrong.push(Refused::at(field, "unknown_template", "This template was deleted. Choose another one."));
        }
    }
    if wrong.is_empty() { Ok(plan.with_templates(&found)) } else { Err(wrong.into()) }
}

impl Engine {
    /// Publishes the draft for new people and activates the sequence; those enrolled go on with their version.
    pub async fn activate_sequence(&self, actor: &Actor, id: SequenceId) -> Result<Sequence> {
        Ok(self.publish_sequence(actor, id, Publishing::default()).await?.sequence)
    }

    /// Publishes the draft as a new version, if it says something new, and activates the sequence.
    pub async fn publish_sequence(&self, actor: &Actor, id: SequenceId, how: Publishing) -> Result<Published> {
        access::admins_only(actor, "publish sequences")?;
        let mut tx = self.store.begin().await?;
        let sequence = access::sequence(&mut tx, id).await?;
        if how.draft_number.is_some_and(|number| number != sequence.draft_number) {
            let message = "The draft was changed since you looked at it. Here is what it does now; publish it again if it is right.";
            return Err(EngineError::refused("changed_meanwhile", message));
        }
        let plan = self.publishable(&mut tx, &sequence).await?;
        let live = match sequence.version_id {
            Some(version) => sequences::find_version(&mut tx, version).await?.map(|version| version.plan),
            None => None,
        };
        let is_new = live.as_ref() != Some(&plan);
        if is_new {
            let version_id = self.new_version_id();
            let publication = Publication { sequence_id: id, version_id, plan: &plan, by: actor.user_id() };
            sequences::publish(&mut tx, publication, self.now()).await?;
        } else if sequence.state != SequenceState::Active {
            sequences::set_state(&mut tx, id, SequenceState::Active, self.now()).await?;
        }
        let after = access::sequence(&mut tx, id).await?;
        let job = self.order_move(&mut tx, actor, &after, how.enrolled).await?;
        let words = audit_words(&after, is_new, job.map(|(_, people)| people));
        self.note_sequence(&mut tx, actor, Act::SequenceActivated, &after, &words).await?;
        tx.commit().await?;
        let moved = match job {
            Some((job, people)) if people <= AT_ONCE => Some((job, self.finish_now(job).await?)),
            Some((job, _)) => {
                self.signals.jobs.notify_one();
                Some((job, BulkDone::Job(job)))
            }
            None => None,
        };
        Ok(Published { sequence: after, is_new, moved })
    }

    /// The draft with the words of its templates, if it may be published.
    pub(crate) async fn publishable(&self, tx: &mut Tx, sequence: &Sequence) -> Result<Plan> {
        let plan = with_templates(tx, sequence.draft.clone()).await?;
        plan.check()?;
        custom_fields::check_tags(tx, plan.texts()).await?;
        let workspace = access::workspace(tx).await?;
        if plan.unsubscribe.enabled && plan.has_email() && workspace.postal_address.trim().is_empty() {
            let message = "The unsubscribe line needs the postal address of the workspace. Add it in the settings, or turn the line off.";
            return Err(Refused::at("unsubscribe.enabled", "postal_address_missing", message).into());
        }
        Ok(plan)
    }

    /// Stores the job that moves those enrolled to the live version; how many there are. `None` if nobody is to move.
    async fn order_move(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        sequence: &Sequence,
        enrolled: Enrolled,
    ) -> Result<Option<(JobId, usize)>> {
        let Some(version_id) = sequence.version_id.filter(|_| enrolled == Enrolled::Move) else { return Ok(None) };
        let people = enrollment_moves::people_on_other_versions(tx, sequence.id, version_id).await?;
        if people.is_empty() {
            return Ok(None);
        }
        let job = self.new_job_id();
        let action = BulkAction::FollowVersion { sequence_id: sequence.id, version_id };
        let payload = BulkPayload { actor: actor.clone(), action, matching: None };
        self.store_bulk(tx, job, people.len(), payload, &parts_of(&people)).await?;
        Ok(Some((job, people.len())))
    }
}

fn audit_words(sequence: &Sequence, is_new: bool, moved: Option<usize>) -> String {
    let what = if is_new { "Version" } else { "Again version" };
    match moved {
        Some(people) => format!("{what} {}, also for {people} enrolled.", sequence.version),
        None => format!("{what} {}.", sequence.version),
    }
}
