//! Adds lines to the audit log, in the transaction of what they tell of.

use crate::{Engine, Result};
use relance_domain::{
    audit::{Act, AuditEntry},
    user::Actor,
};
use relance_storage::{Tx, audit};

/// Longest name or detail kept, in characters.
const LONGEST: usize = 1_000;

/// To what something was done: its id, and its name as it is now.
pub(crate) struct Object<'a> {
    id: String,
    name: &'a str,
}

impl<'a> Object<'a> {
    pub(crate) fn new(id: impl std::fmt::Display, name: &'a str) -> Self {
        Self { id: id.to_string(), name }
    }

    /// What has no id of its own.
    pub(crate) const fn named(name: &'a str) -> Self {
        Self { id: String::new(), name }
    }
}

impl Engine {
    /// Notes that `actor` did `act` to `object`; `detail` says what changed and why.
    pub(crate) async fn note(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        act: Act,
        object: Object<'_>,
        detail: &str,
    ) -> Result<()> {
        let short = |text: &str| text.chars().take(LONGEST).collect();
        let entry = AuditEntry {
            id: self.new_audit_entry_id(),
            at: self.now(),
            actor_id: actor.user_id(),
            act,
            object_id: object.id,
            object: short(object.name),
            detail: short(detail),
        };
        Ok(audit::insert(tx, &entry).await?)
    }

    /// Notes that the audit log was exported, and which part of it.
    pub async fn note_audit_export(&self, actor: &Actor, detail: &str) -> Result<()> {
        let mut tx = self.store.begin().await?;
        self.note(&mut tx, actor, Act::AuditExported, Object::named(""), detail).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes that a copy of the database was put in the place of what there was.
    pub async fn note_restore(&self, file: &str) -> Result<()> {
        let mut tx = self.store.begin().await?;
        self.note(&mut tx, &Actor::System, Act::BackupRestored, Object::named(file), "").await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes that people were exported as CSV: how many, and by which question.
    pub async fn note_export(&self, actor: &Actor, detail: &str) -> Result<()> {
        let mut tx = self.store.begin().await?;
        self.note(&mut tx, actor, Act::PeopleExported, Object::named(""), detail).await?;
        tx.commit().await?;
        Ok(())
    }
}
