//! Creating and editing people, filling in what many lack, signals from outside.
//!
//! An edit that changes the address re-keys the person's unfinished enrollments; what then collides is blocked. New
//! values release what waited for them, see [`super::release`].

use super::{custom_fields, release::Changed, teams};
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{
    PersonId, Refused,
    activity::{Activity, ActivityKind},
    enrollment::FinishReason,
    person::{Fields, Kind, Person, email_key},
    user::{Actor, Sight},
};
use relance_storage::{Tx, activities, people, users};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What another program tells about a person; ends their sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A meeting was booked.
    MeetingBooked,
    /// The status changed.
    StatusChanged,
}

/// What is wrong with references to others, each at its field. A company that is new to the person must be in sight.
async fn check_references(tx: &mut Tx, actor: &Actor, before: Option<&Fields>, fields: &Fields) -> Result<()> {
    let mut wrong = Vec::new();
    if let Some(owner) = fields.owner_id.filter(|owner| before.is_none_or(|before| before.owner_id != Some(*owner))) {
        match users::find(tx, owner).await? {
            None => wrong.push(Refused::at("owner_id", "unknown_user", "There is no such user.")),
            Some(user) if user.deactivated_at.is_some() => {
                let message = format!("{} is deactivated. Choose someone else.", user.name);
                wrong.push(Refused::at("owner_id", "deactivated", message));
            }
            Some(_) => {}
        }
    }
    if let Some(company) = fields.company_id {
        let stood = before.is_some_and(|before| before.company_id == Some(company));
        let sight = if stood { Sight::Everyone } else { teams::sight(tx, actor).await? };
        let fits = |person: Person| person.fields.is_organization && sight.sees(person.fields.owner_id);
        if !people::find(tx, company).await?.is_some_and(fits) {
            wrong.push(Refused::at("company_id", "unknown_company", "Choose a contact that is a company."));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// Names of the fields that differ, as in the API.
fn changed_fields(before: &Fields, after: &Fields) -> Vec<String> {
    let (before, after) = (json!(before), json!(after));
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return Vec::new() };
    after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name.clone()).collect()
}

impl Engine {
    /// Creates a lead or contact. Another person with the same email is allowed: see [`Engine::duplicates_of`].
    pub async fn create_person(&self, actor: &Actor, kind: Kind, mut fields: Fields) -> Result<Person> {
        fields.clean();
        fields.check(kind)?;
        let mut tx = self.store.begin().await?;
        custom_fields::check_values(&mut tx, &Default::default(), &mut fields.custom_fields).await?;
        let now = self.now();
        let person = Person { id: self.new_person_id(), kind, fields, created_at: now, updated_at: now };
        check_references(&mut tx, actor, None, &person.fields).await?;
        people::insert(&mut tx, &person).await?;
        let event = self.event(person.id, ActivityKind::PersonCreated, actor, format!("{} was created", person.name()));
        activities::insert(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(person)
    }

    /// Changes fields; `change` works on a copy of what is stored. A new address or value releases what waited for it.
    pub async fn edit_person(
        &self,
        actor: &Actor,
        id: PersonId,
        change: impl FnOnce(&mut Fields) + Send,
    ) -> Result<Person> {
        let mut tx = self.store.begin().await?;
        let person = self.edit_in(&mut tx, actor, id, change).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(person)
    }

    /// As [`Engine::edit_person`], in a transaction of the caller. A refusal comes before anything is written.
    pub(crate) async fn edit_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: PersonId,
        change: impl FnOnce(&mut Fields) + Send,
    ) -> Result<Person> {
        let before = people::lock(tx, id).await?.ok_or(EngineError::NotFound("person"))?;
        teams::may_see(tx, actor, before.fields.owner_id).await?;
        let mut fields = before.fields.clone();
        change(&mut fields);
        fields.clean();
        fields.check(before.kind)?;
        custom_fields::check_values(tx, &before.fields.custom_fields, &mut fields.custom_fields).await?;
        let names = changed_fields(&before.fields, &fields);
        if names.is_empty() {
            return Ok(before);
        }
        check_references(tx, actor, Some(&before.fields), &fields).await?;
        let after = Person { fields, updated_at: self.now(), ..before.clone() };
        people::update(tx, &after).await?;
        let summary = format!("Changed {}", names.join(", ").replace('_', " "));
        let event = Activity {
            detail: json!({ "changed": names }),
            ..self.event(id, ActivityKind::PersonEdited, actor, summary)
        };
        activities::insert(tx, &event).await?;
        let old_key = email_key(&before.fields.email);
        let changed = Changed {
            address: old_key != email_key(&after.fields.email),
            local_time: before.fields.time_zone != after.fields.time_zone
                || before.fields.address.country != after.fields.address.country,
            old_key,
        };
        self.after_change_of_person(tx, actor, &after, &changed).await?;
        Ok(after)
    }

    /// Changes many people together: all of them, or none. A refusal names its field as `PERSON.field`.
    pub async fn edit_people<F>(&self, actor: &Actor, changes: Vec<(PersonId, F)>) -> Result<u64>
    where
        F: FnOnce(&mut Fields) + Send,
    {
        super::at_most_1000(changes.len())?;
        let (mut tx, mut wrong, mut changed) = (self.store.begin().await?, Vec::new(), 0);
        for (id, change) in changes {
            match self.edit_in(&mut tx, actor, id, change).await {
                Ok(_) => changed += 1,
                Err(EngineError::Refused(refused)) => {
                    wrong.extend(refused.into_iter().map(|refused| Refused {
                        field: Some(format!("{id}.{}", refused.field.as_deref().unwrap_or_default())),
                        ..refused
                    }));
                }
                Err(error) => return Err(error),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.into());
        }
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(changed)
    }

    /// People who have this address, as `email` or among `other_emails`.
    pub async fn duplicates_of(&self, email: &str) -> Result<Vec<Person>> {
        let Some(key) = email_key(email) else { return Ok(Vec::new()) };
        let mut tx = self.store.read().await?;
        Ok(people::find_by_address_key(&mut tx, &key).await?)
    }

    /// Records a signal and ends every unfinished enrollment of the person with its reason.
    pub async fn record_signal(&self, actor: &Actor, person: PersonId, signal: Signal) -> Result<Ended> {
        let reason = match signal {
            Signal::MeetingBooked => FinishReason::MeetingBooked,
            Signal::StatusChanged => FinishReason::StatusChanged,
        };
        let mut tx = self.store.begin().await?;
        teams::seen_person(&mut tx, actor, person).await?;
        let words = match signal {
            Signal::MeetingBooked => "A meeting was booked",
            Signal::StatusChanged => "The status changed elsewhere",
        };
        let event = self.event(person, ActivityKind::SignalReceived, actor, words);
        activities::insert(&mut tx, &Activity { detail: json!({ "reason": reason.code() }), ..event }).await?;
        let ended = self.end_people(&mut tx, &[person], &reason, actor).await?;
        tx.commit().await?;
        Ok(ended)
    }
}
