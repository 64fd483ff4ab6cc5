//! Changing the draft of a sequence, also when two people do it at once, and taking a slip back.
//!
//! Every change keeps the draft as it was under its number. A form says from which draft it was filled in: if somebody
//! else changed the same part since, it is refused and may be sent again to replace theirs. An undo takes back what one
//! change did to the steps and leaves what was written since.

use super::{access, sequences::SequenceFields};
use crate::{Engine, EngineError, Result};
use relance_domain::{Refused, SequenceId, StepId, drafting::Part, sequence::Sequence, step::Step, user::Actor};
use relance_storage::sequence_drafts;

/// The code of a refusal because somebody else was quicker.
pub const CHANGED_MEANWHILE: &str = "changed_meanwhile";

impl Engine {
    /// Changes one part of the draft that was filled in from draft `based_on`; refused if that part is another one by now.
    pub async fn edit_part(
        &self,
        actor: &Actor,
        id: SequenceId,
        (part, based_on): (Part, Option<u32>),
        change: impl FnOnce(&mut SequenceFields) + Send,
    ) -> Result<Sequence> {
        access::admins_only(actor, "change sequences")?;
        let mut tx = self.store.begin().await?;
        let sequence = access::sequence(&mut tx, id).await?;
        if let Some(number) = based_on.filter(|number| *number != sequence.draft_number) {
            let then = sequence_drafts::find(&mut tx, id, number).await?;
            if then.is_none_or(|then| part.differs(&then.plan, &sequence.draft)) {
                let what = match part {
                    Part::Step(_) => "this step",
                    Part::Settings => "these settings",
                };
                let message = format!(
                    "Somebody else changed {what} meanwhile. What you typed is kept: save again to replace theirs."
                );
                return Err(Refused::new(CHANGED_MEANWHILE, message).into());
            }
        }
        self.edit_sequence_in(tx, actor, id, change).await
    }

    /// Saves a step; one that was deleted meanwhile comes back to its place.
    pub async fn save_step(
        &self,
        actor: &Actor,
        id: SequenceId,
        based_on: Option<u32>,
        step: Step,
    ) -> Result<Sequence> {
        let place = self.place_in(id, step.id, based_on).await?;
        self.edit_part(actor, id, (Part::Step(step.id), based_on), |fields| {
            match fields.plan.steps.iter_mut().find(|known| known.id == step.id) {
                Some(known) => *known = step,
                None => fields.plan.insert(step, place),
            }
        })
        .await
    }

    /// Before which step a step stood in an earlier draft.
    async fn place_in(&self, id: SequenceId, step: StepId, number: Option<u32>) -> Result<Option<StepId>> {
        let Some(number) = number else { return Ok(None) };
        let mut tx = self.store.read().await?;
        let drafts = sequence_drafts::after(&mut tx, id, 0).await?;
        let with_it = drafts.iter().rev().find(|draft| draft.number <= number && draft.plan.step(step).is_some());
        Ok(with_it.and_then(|draft| draft.plan.next(step)).map(|next| next.id))
    }

    /// Takes back what the change that made draft `number` did to the steps.
    pub async fn undo_draft(&self, actor: &Actor, id: SequenceId, number: u32) -> Result<Sequence> {
        access::admins_only(actor, "change sequences")?;
        let mut tx = self.store.read().await?;
        let before = match number.checked_sub(1) {
            Some(before) => sequence_drafts::find(&mut tx, id, before).await?,
            None => None,
        };
        let after = sequence_drafts::find(&mut tx, id, number).await?;
        drop(tx);
        let (Some(before), Some(after)) = (before, after) else {
            return Err(EngineError::refused(
                "cannot_undo",
                "That was too long ago to be undone. Nothing was changed.",
            ));
        };
        self.edit_sequence(actor, id, |fields| fields.plan.take_back(&before.plan, &after.plan)).await
    }
}
