//! Converting a lead to a contact: one way, same history.

use super::{release::Changed, teams::sight};
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{
    PersonId, Refused,
    activity::{Activity, ActivityKind},
    enrollment::FinishReason,
    person::{Fields, Kind, Person, email_key},
    user::Actor,
};
use relance_storage::{Tx, activities, people};
use serde_json::json;

/// A lead that became a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The contact: the same id, or the existing contact it was merged into.
    pub contact: Person,
    /// What happened to the lead's sequences.
    pub ended: Ended,
}

/// The fields of a contact after a lead was merged into it: gaps are filled, nothing is overwritten.
pub fn merged(contact: &Fields, lead: &Fields) -> Fields {
    let mut fields = contact.clone();
    let fill = |mine: &mut String, theirs: &String| {
        if mine.is_empty() {
            mine.clone_from(theirs);
        }
    };
    for (mine, theirs) in [
        (&mut fields.first_name, &lead.first_name),
        (&mut fields.title, &lead.title),
        (&mut fields.organization_name, &lead.organization_name),
        (&mut fields.email, &lead.email),
        (&mut fields.linkedin, &lead.linkedin),
        (&mut fields.x, &lead.x),
        (&mut fields.facebook, &lead.facebook),
        (&mut fields.phone, &lead.phone),
        (&mut fields.mobile, &lead.mobile),
        (&mut fields.website, &lead.website),
        (&mut fields.industry, &lead.industry),
        (&mut fields.description, &lead.description),
        (&mut fields.time_zone, &lead.time_zone),
        (&mut fields.source, &lead.source),
        (&mut fields.address.line, &lead.address.line),
        (&mut fields.address.city, &lead.address.city),
        (&mut fields.address.postal_code, &lead.address.postal_code),
        (&mut fields.address.state, &lead.address.state),
        (&mut fields.address.country, &lead.address.country),
    ] {
        fill(mine, theirs);
    }
    let known: Vec<String> = fields.email_keys();
    let more = std::iter::once(&lead.email).chain(&lead.other_emails);
    fields.other_emails.extend(more.filter(|email| email_key(email).is_some_and(|key| !known.contains(&key))).cloned());
    fields.tags.extend(lead.tags.iter().cloned());
    for (key, value) in &lead.custom_fields {
        fields.custom_fields.entry(key.clone()).or_insert_with(|| value.clone());
    }
    fields.owner_id = fields.owner_id.or(lead.owner_id);
    fields.company_id = fields.company_id.or(lead.company_id);
    fields.clean();
    fields
}

impl Engine {
    /// Converts a lead; its sequences end with *converted*. Where contacts with the same email exist, refused with code
    /// `contact_exists` and the first one's id as `field`, until `into` names one of them: the lead's history moves
    /// there and its id redirects.
    pub async fn convert_person(&self, actor: &Actor, id: PersonId, into: Option<PersonId>) -> Result<Converted> {
        let mut tx = self.store.begin().await?;
        let converted = self.convert_in(&mut tx, actor, id, into).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(converted)
    }

    /// Converts one lead in a transaction of the caller. A refusal comes before anything is written.
    pub(crate) async fn convert_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: PersonId,
        into: Option<PersonId>,
    ) -> Result<Converted> {
        let lead = people::lock(tx, id).await?.ok_or(EngineError::NotFound("person"))?;
        if lead.kind != Kind::Lead {
            return Err(EngineError::refused("not_a_lead", format!("{} is already a contact.", lead.name())));
        }
        let target = match into {
            Some(into) => Some(self.merge_target(tx, actor, id, into).await?),
            None => {
                self.no_contact_has_the_address(tx, actor, &lead).await?;
                None
            }
        };
        let changed = match &target {
            Some(target) => merged(&target.fields, &lead.fields),
            None => Self::as_contact(tx, actor, &lead).await?,
        };
        changed.check(Kind::Contact)?;
        let ended = self.end_people(tx, &[id], &FinishReason::Converted, actor).await?;
        let now = self.now();
        let (before, contact) = match target {
            Some(target) => {
                people::merge_into(tx, id, target.id, now).await?;
                let contact = Person { fields: changed, updated_at: now, ..target.clone() };
                (target, contact)
            }
            None => (lead.clone(), Person { fields: changed, kind: Kind::Contact, updated_at: now, ..lead.clone() }),
        };
        people::update(tx, &contact).await?;
        let words = if before.id == id {
            "Converted to a contact".to_owned()
        } else {
            format!("The lead {} was merged into this contact", lead.name())
        };
        let event = Activity {
            detail: json!({ "lead_id": id }),
            ..self.event(contact.id, ActivityKind::PersonConverted, actor, words)
        };
        activities::insert(tx, &event).await?;
        let old_key = email_key(&before.fields.email);
        let address = old_key != email_key(&contact.fields.email);
        self.after_change_of_person(tx, actor, &contact, &Changed { address, local_time: false, old_key }).await?;
        Ok(Converted { contact, ended })
    }

    async fn merge_target(&self, tx: &mut Tx, actor: &Actor, lead: PersonId, into: PersonId) -> Result<Person> {
        let unusable = || Refused::at("into", "not_a_contact", "Choose an existing contact to merge into.");
        let target = people::lock(tx, into).await?.filter(|target| target.kind == Kind::Contact && target.id != lead);
        let target = target.ok_or_else(unusable)?;
        if !sight(tx, actor).await?.sees(target.fields.owner_id) {
            return Err(unusable().into());
        }
        Ok(target)
    }

    /// The contacts the actor sees that have the address of a lead. Whoever is out of sight is as if not there.
    pub(crate) async fn contacts_like(&self, tx: &mut Tx, actor: &Actor, lead: &Person) -> Result<Vec<Person>> {
        let Some(key) = email_key(&lead.fields.email) else { return Ok(Vec::new()) };
        let sight = sight(tx, actor).await?;
        let mut found = people::find_by_address_key(tx, &key).await?;
        found.retain(|person| person.kind == Kind::Contact && sight.sees(person.fields.owner_id));
        Ok(found)
    }

    async fn no_contact_has_the_address(&self, tx: &mut Tx, actor: &Actor, lead: &Person) -> Result<()> {
        match self.contacts_like(tx, actor, lead).await?.into_iter().next() {
            None => Ok(()),
            Some(contact) => {
                let message = format!("{} is a contact with the same email. Merge the lead into it?", contact.name());
                Err(Refused::at(contact.id.to_string(), "contact_exists", message).into())
            }
        }
    }

    /// A lead without a last name is a company; a person works at the company of that name, if there is one.
    async fn as_contact(tx: &mut Tx, actor: &Actor, lead: &Person) -> Result<Fields> {
        let mut fields = lead.fields.clone();
        if fields.last_name.is_empty() {
            fields.is_organization = true;
        } else if fields.company_id.is_none() && !fields.organization_name.is_empty() {
            let sight = sight(tx, actor).await?;
            let companies = people::find_companies(tx, &fields.organization_name).await?;
            let seen = companies.into_iter().find(|company| sight.sees(company.fields.owner_id));
            fields.company_id = seen.map(|company| company.id);
        }
        Ok(fields)
    }
}
