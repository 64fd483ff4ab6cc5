//! Notes in a person's history: written by anyone, changed and removed by who wrote them, or an admin.

use super::teams;
use crate::{Engine, EngineError, Result};
use relance_domain::{
    ActivityId, PersonId, Refused,
    activity::{Activity, ActivityKind},
    user::Actor,
};
use relance_storage::{Tx, activities};
use serde_json::json;

const MOST_CHARS: usize = 50_000;

fn checked(text: &str) -> Result<String> {
    let text = text.replace('\0', "").trim().to_owned();
    if text.is_empty() {
        return Err(Refused::at("text", "required", "Write the note first.").into());
    }
    if text.chars().count() > MOST_CHARS {
        return Err(Refused::at("text", "too_long", "A note has at most 50,000 characters.").into());
    }
    Ok(text)
}

/// The note, if the actor wrote it or is an admin.
async fn own_note(tx: &mut Tx, actor: &Actor, id: ActivityId) -> Result<Activity> {
    let note = activities::find(tx, id).await?.filter(|event| event.kind == ActivityKind::Note);
    let note = note.ok_or(EngineError::NotFound("note"))?;
    if actor.is_admin() || note.actor_id == actor.user_id() {
        return Ok(note);
    }
    Err(EngineError::Forbidden("This note was written by someone else. Only they or an admin change it.".to_owned()))
}

impl Engine {
    /// Writes a note into a person's history.
    pub async fn add_note(&self, actor: &Actor, person: PersonId, text: &str) -> Result<Activity> {
        let text = checked(text)?;
        let mut tx = self.store.begin().await?;
        teams::seen_person(&mut tx, actor, person).await?;
        let event = self.event(person, ActivityKind::Note, actor, text);
        activities::insert(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(event)
    }

    /// Another text for one's own note; it keeps its place and says that it was edited.
    pub async fn edit_note(&self, actor: &Actor, id: ActivityId, text: &str) -> Result<Activity> {
        let text = checked(text)?;
        let mut tx = self.store.begin().await?;
        let note = own_note(&mut tx, actor, id).await?;
        if note.summary == text {
            return Ok(note);
        }
        let detail = json!({ "edited_at": self.now(), "edited_by": actor.user_id() });
        activities::update_note(&mut tx, id, &text, &detail).await?;
        tx.commit().await?;
        Ok(Activity { summary: text, detail, ..note })
    }

    /// Removes one's own note; what it was.
    pub async fn delete_note(&self, actor: &Actor, id: ActivityId) -> Result<Activity> {
        let mut tx = self.store.begin().await?;
        let note = own_note(&mut tx, actor, id).await?;
        activities::delete_note(&mut tx, id).await?;
        tx.commit().await?;
        Ok(note)
    }
}
