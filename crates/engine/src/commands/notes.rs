//! Notes and calls in a person's history: written by anyone, changed and removed by who wrote them, or an admin.

use super::teams;
use crate::{Engine, EngineError, Result};
use relance_domain::{
    ActivityId, PersonId, Refused,
    activity::{Activity, ActivityKind},
    call::Call,
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

/// The note or call, if the actor wrote it or is an admin.
async fn own(tx: &mut Tx, actor: &Actor, id: ActivityId, kinds: &[ActivityKind]) -> Result<Activity> {
    let found = activities::find(tx, id).await?.filter(|event| kinds.contains(&event.kind));
    let found = found.ok_or(EngineError::NotFound("note"))?;
    if actor.is_admin() || found.actor_id == actor.user_id() {
        return Ok(found);
    }
    let what = if found.kind == ActivityKind::Note { "note" } else { "call" };
    Err(EngineError::Forbidden(format!("This {what} was written by someone else. Only they or an admin change it.")))
}

fn detail(call: &Call) -> serde_json::Value {
    json!({ "outcome": call.outcome, "text": call.text })
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
        let note = own(&mut tx, actor, id, &[ActivityKind::Note]).await?;
        if note.summary == text {
            return Ok(note);
        }
        let detail = json!({ "edited_at": self.now(), "edited_by": actor.user_id() });
        activities::update_note(&mut tx, id, &text, &detail).await?;
        tx.commit().await?;
        Ok(Activity { summary: text, detail, ..note })
    }

    /// Writes a call into a person's history, at the time it was made.
    pub async fn log_call(&self, actor: &Actor, person: PersonId, call: Call) -> Result<Activity> {
        let call = call.checked(self.now())?;
        let mut tx = self.store.begin().await?;
        teams::seen_person(&mut tx, actor, person).await?;
        let event = self.event(person, ActivityKind::CallLogged, actor, call.summary());
        let event = Activity { at: call.at, detail: detail(&call), ..event };
        activities::insert(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(event)
    }

    /// Another outcome or text of one's own call; it keeps its time and says that it was edited.
    pub async fn edit_call(&self, actor: &Actor, id: ActivityId, call: Call) -> Result<Activity> {
        let mut tx = self.store.begin().await?;
        let event = own(&mut tx, actor, id, &[ActivityKind::CallLogged]).await?;
        let call = Call { at: event.at, ..call }.checked(self.now())?;
        let mut detail = detail(&call);
        detail["edited_at"] = json!(self.now());
        detail["edited_by"] = json!(actor.user_id());
        activities::update_note(&mut tx, id, &call.summary(), &detail).await?;
        tx.commit().await?;
        Ok(Activity { summary: call.summary(), detail, ..event })
    }

    /// Removes one's own note or call; what it was.
    pub async fn delete_note(&self, actor: &Actor, id: ActivityId) -> Result<Activity> {
        let mut tx = self.store.begin().await?;
        let note = own(&mut tx, actor, id, &[ActivityKind::Note, ActivityKind::CallLogged]).await?;
        activities::delete_note(&mut tx, id).await?;
        tx.commit().await?;
        Ok(note)
    }
}
