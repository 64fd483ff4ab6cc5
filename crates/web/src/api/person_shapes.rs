//! What people look like in JSON.

use super::{body, doc, shapes::EndedBody};
use crate::{
    pages::people::rows,
    problem::{Problem, Result},
};
use relance_domain::{
    EnrollmentId, PersonId, SequenceId, Timestamp, UserId,
    person::{Address, Fields, Kind, Person},
};
use relance_storage::{
    people_lists::PersonRow,
    people_sequences::{InSequence, NextEmail},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A postal address.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AddressFields {
    /// Street and number.
    pub line: String,
    /// City.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
    /// State or region.
    pub state: String,
    /// Country: ISO 3166 two-letter code or a name as typed.
    pub country: String,
}

/// What a person can be given. Empty text means no value.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PersonFields {
    /// Lead (if left out) or contact. Changed by `convert` only.
    #[schema(value_type = Option<doc::Kind>)]
    pub kind: Option<Kind>,
    /// First name.
    pub first_name: String,
    /// Last name; a lead needs it or an organisation name, a contact needs it unless it is a company.
    pub last_name: String,
    /// Name of the organisation.
    pub organization_name: String,
    /// The person is itself an organisation.
    pub is_organization: bool,
    /// A contact that is an organisation, where this contact works.
    #[schema(value_type = Option<doc::PersonId>)]
    pub company_id: Option<PersonId>,
    /// Job title.
    pub title: String,
    /// The address that is written to.
    pub email: String,
    /// Further addresses; mail from them counts as mail from the person.
    pub other_emails: Vec<String>,
    /// LinkedIn handle or URL.
    pub linkedin: String,
    /// X handle.
    pub x: String,
    /// Facebook handle.
    pub facebook: String,
    /// Phone.
    pub phone: String,
    /// Mobile.
    pub mobile: String,
    /// Website.
    pub website: String,
    /// Industry.
    pub industry: String,
    /// Postal address.
    pub address: AddressFields,
    /// Description.
    pub description: String,
    /// IANA zone; empty = derived from the country.
    pub time_zone: String,
    /// The user who owns the person.
    #[schema(value_type = Option<doc::UserId>)]
    pub owner_id: Option<UserId>,
    /// Status of a lead.
    pub status: String,
    /// Where the person came from.
    pub source: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Custom fields by key.
    #[schema(value_type = Object)]
    pub custom_fields: BTreeMap<String, serde_json::Value>,
}

impl PersonFields {
    /// What the domain calls these; the kind is kept apart.
    pub fn into_domain(self) -> Fields {
        let AddressFields { line, city, postal_code, state, country } = self.address;
        Fields {
            first_name: self.first_name,
            last_name: self.last_name,
            organization_name: self.organization_name,
            is_organization: self.is_organization,
            company_id: self.company_id,
            title: self.title,
            email: self.email,
            other_emails: self.other_emails,
            linkedin: self.linkedin,
            x: self.x,
            facebook: self.facebook,
            phone: self.phone,
            mobile: self.mobile,
            website: self.website,
            industry: self.industry,
            address: Address { line, city, postal_code, state, country },
            description: self.description,
            time_zone: self.time_zone,
            owner_id: self.owner_id,
            status: self.status,
            source: self.source,
            tags: self.tags,
            custom_fields: self.custom_fields,
        }
    }

    /// What is stored, to merge a patch into.
    fn of(kind: Kind, fields: &Fields) -> Self {
        let text = serde_json::to_value(fields).unwrap_or_default();
        let stored: Self = serde_json::from_value(text).unwrap_or_default();
        Self { kind: Some(kind), ..stored }
    }
}

/// The fields with a patch merged in.
pub fn patched(patch: &body::Patch, kind: Kind, fields: &Fields) -> Result<Fields> {
    let merged = patch.merged(&PersonFields::of(kind, fields))?;
    if merged.kind.is_some_and(|asked| asked != kind) {
        let message = "A lead becomes a contact by POST people/{id}/convert, and never a lead again.";
        return Err(Problem::at("kind", "read_only", message));
    }
    Ok(merged.into_domain())
}

/// A sequence a person is or was in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SequenceOfPerson {
    /// The enrollment.
    #[schema(value_type = doc::EnrollmentId)]
    pub enrollment_id: EnrollmentId,
    /// The sequence.
    #[schema(value_type = doc::SequenceId)]
    pub sequence_id: SequenceId,
    /// Its name.
    pub name: String,
    /// Where the enrollment is.
    #[schema(value_type = doc::EnrollmentState)]
    pub state: String,
    /// Why it ended, if it did.
    pub finished_reason: Option<String>,
    /// When it ended, if it did.
    #[schema(value_type = Option<doc::Instant>)]
    pub finished_at: Option<Timestamp>,
}

impl From<InSequence> for SequenceOfPerson {
    fn from(found: InSequence) -> Self {
        let state = if found.is_finished() { "completed".to_owned() } else { found.state };
        Self {
            enrollment_id: found.enrollment_id,
            sequence_id: found.sequence_id,
            name: found.name,
            state,
            finished_reason: found.finished_reason,
            finished_at: found.finished_at,
        }
    }
}

/// What of a person is not written by clients.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes `PersonBody::person` in the document; the domain's type is what is written")]
pub struct PersonDocument {
    /// Its id.
    #[schema(value_type = doc::PersonId)]
    id: PersonId,
    #[schema(inline)]
    #[serde(flatten)]
    fields: PersonFields,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = doc::Instant)]
    updated_at: Timestamp,
}

/// A lead or contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub struct PersonBody {
    /// What is stored.
    #[serde(flatten)]
    #[schema(value_type = PersonDocument, inline)]
    pub person: Person,
    /// The name to show.
    pub name: String,
    /// Unfinished enrollments, the oldest first.
    pub ongoing_sequences: Vec<SequenceOfPerson>,
    /// Finished enrollments, the oldest first.
    pub completed_sequences: Vec<SequenceOfPerson>,
    /// When the next email leaves, as far as time alone decides; `null` if a task, a pause or a block comes first.
    #[schema(value_type = Option<doc::Instant>)]
    pub next_email_at: Option<Timestamp>,
    /// What it waits for where there is no date, in words: `After task Call Ada`, `Held: missing industry`.
    pub next_email_waits_for: Option<String>,
    /// The last event in the history.
    #[schema(value_type = Option<doc::Instant>)]
    pub last_activity_at: Option<Timestamp>,
}

impl From<PersonRow> for PersonBody {
    fn from(row: PersonRow) -> Self {
        let next_email_waits_for = match row.next_email {
            NextEmail::AfterTask(_) => Some(rows::after_words(&row)),
            NextEmail::Held(_) => Some(rows::held_words(&row)),
            NextEmail::At(_) | NextEmail::None => None,
        };
        Self {
            name: row.person.name(),
            person: row.person,
            ongoing_sequences: row.ongoing.into_iter().map(SequenceOfPerson::from).collect(),
            completed_sequences: row.completed.into_iter().map(SequenceOfPerson::from).collect(),
            next_email_at: row.next_email.at(),
            next_email_waits_for,
            last_activity_at: row.last_activity_at,
        }
    }
}

/// A contact that was a lead, with what happened to its sequences.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConvertedBody {
    /// The contact.
    #[serde(flatten)]
    #[schema(inline)]
    pub person: PersonBody,
    /// What happened to the lead's sequences.
    pub ended: EndedBody,
}
