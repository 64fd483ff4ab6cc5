//! Deleting people, and taking that back.

use super::{access, at_most_1000, audit::Object};
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{PersonId, activity::ActivityKind, audit::Act, enrollment::FinishReason, user::Actor};
use relance_storage::{Tx, activities, people};

impl Engine {
    /// Deletes people; their sequences end with *person deleted*. At most 1,000 at once.
    pub async fn delete_people(&self, actor: &Actor, ids: &[PersonId]) -> Result<Ended> {
        at_most_1000(ids.len())?;
        let mut tx = self.store.begin().await?;
        let mut ended = Ended::default();
        for id in ids {
            ended.add(self.delete_in(&mut tx, actor, *id).await?);
        }
        tx.commit().await?;
        Ok(ended)
    }

    /// Deletes one person in a transaction of the caller.
    pub(crate) async fn delete_in(&self, tx: &mut Tx, actor: &Actor, id: PersonId) -> Result<Ended> {
        let person = people::lock(tx, id).await?.ok_or(EngineError::NotFound("person"))?;
        access::owner_only(actor, person.fields.owner_id, "person")?;
        let ended = self.end_people(tx, &[id], &FinishReason::PersonDeleted, actor).await?;
        people::delete(tx, id, self.now()).await?;
        let event = self.event(id, ActivityKind::PersonDeleted, actor, format!("{} was deleted", person.name()));
        activities::insert(tx, &event).await?;
        self.note(tx, actor, Act::PeopleDeleted, Object::new(id, &person.name()), "").await?;
        Ok(ended)
    }

    /// Brings deleted people back; sequences that ended stay ended. How many came back.
    pub async fn restore_people(&self, actor: &Actor, ids: &[PersonId]) -> Result<u64> {
        at_most_1000(ids.len())?;
        let mut tx = self.store.begin().await?;
        let mut restored = 0;
        for id in ids {
            restored += u64::from(self.restore_in(&mut tx, actor, *id).await?);
        }
        tx.commit().await?;
        Ok(restored)
    }

    /// Brings one person back in a transaction of the caller; `false` if they were not deleted, or merged.
    pub(crate) async fn restore_in(&self, tx: &mut Tx, actor: &Actor, id: PersonId) -> Result<bool> {
        if !people::restore(tx, id, self.now()).await? {
            return Ok(false);
        }
        let person = access::person(tx, id).await?;
        access::owner_only(actor, person.fields.owner_id, "person")?;
        let event = self.event(id, ActivityKind::PersonRestored, actor, format!("{} is back", person.name()));
        activities::insert(tx, &event).await?;
        self.note(tx, actor, Act::PeopleRestored, Object::new(id, &person.name()), "").await?;
        Ok(true)
    }
}
