//! Converting a lead to a contact; where a contact has the same email, merging into it is asked for first, with what is
//! kept from which side.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::PersonId;
use relance_domain::custom_field::CustomField;
use relance_domain::person::{Kind, Person};
use relance_engine::commands::convert::merged;
use relance_storage::{custom_fields, enrollments, people};
use serde::Deserialize;

use super::catalog;
use crate::answer;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{urls, words};

/// Into whom.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Into {
    into: String,
}

/// A contact with the same address, and what merging into it would keep.
#[derive(Clone, Debug, Default)]
struct Target {
    id: String,
    name: String,
    href: String,
    meta: String,
    rows: Vec<MergedRow>,
}

/// A field of both sides.
#[derive(Clone, Debug, Default)]
struct MergedRow {
    label: String,
    lead: String,
    contact: String,
    /// The value is the lead's: a gap of the contact is filled.
    is_filled: bool,
    /// Both have values, and the lead's is not kept.
    is_lost: bool,
}

#[derive(Template)]
#[template(path = "people/convert.html")]
struct Page {
    frame: Frame,
    name: String,
    action: String,
    back: String,
    sequences: String,
    contacts: Vec<Target>,
    errors: FormErrors,
}

/// What becomes of every field that either side has.
fn merged_rows(lead: &Person, contact: &Person, custom: &[CustomField]) -> Vec<MergedRow> {
    let merged = Person { fields: merged(&contact.fields, &lead.fields), ..contact.clone() };
    let none = BTreeMap::new();
    let groups = catalog::groups(Kind::Contact, custom).into_iter().filter(|group| group.key != "owner");
    groups
        .filter_map(|group| {
            let text = |person: &Person| catalog::shown(&group, person, &none, custom);
            let (of_lead, of_contact, after) = (text(lead), text(contact), text(&merged));
            if of_lead.is_empty() || of_lead == of_contact {
                return None;
            }
            Some(MergedRow {
                is_filled: after != of_contact,
                is_lost: after == of_contact,
                label: group.label,
                lead: of_lead,
                contact: after,
            })
        })
        .collect()
}

async fn draw(app: &App, visitor: &Visitor, id: PersonId, errors: FormErrors) -> Result<Page> {
    let mut tx = app.read().await?;
    let person = people::find(&mut tx, id).await?.ok_or(PageError::NotFound("person"))?;
    visitor.must_see(&person)?;
    let ongoing = enrollments::ongoing_of_person(&mut tx, id, false).await?.len() as u64;
    let custom = custom_fields::list(&mut tx).await?;
    drop(tx);
    let same = if person.fields.email.is_empty() {
        Vec::new()
    } else {
        app.engine.duplicates_of(&person.fields.email).await?
    };
    let mut contacts = Vec::new();
    for contact in same.into_iter().filter(|other| other.kind == Kind::Contact && other.id != id && visitor.sees(other))
    {
        let running = {
            let mut tx = app.read().await?;
            enrollments::ongoing_of_person(&mut tx, contact.id, false).await?.len() as u64
        };
        let goes_on = match running {
            0 => "Keeps its page and its history.".to_owned(),
            n => format!("Keeps its page and its history; {} of it go on.", words::count(n, "sequence", "sequences")),
        };
        contacts.push(Target {
            id: contact.id.to_string(),
            name: contact.name(),
            href: urls::person(contact.id),
            meta: goes_on,
            rows: merged_rows(&person, &contact, &custom),
        });
    }
    Ok(Page {
        frame: visitor.frame("leads"),
        name: person.name(),
        action: urls::convert(id),
        back: urls::person(id),
        sequences: match ongoing {
            0 => String::new(),
            n => format!(
                "{} of the lead will end with the reason converted: what they would still send does not leave.",
                words::count(n, "sequence", "sequences")
            ),
        },
        contacts,
        errors,
    })
}

/// Asks.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<PersonId>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, id, FormErrors::default()).await?)
}

/// Converts, into an existing contact if one was chosen.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Form(typed): Form<Into>,
) -> Result<Response> {
    let into = typed.into.parse().ok();
    match app.engine.convert_person(&visitor.actor, id, into).await.map_err(PageError::from) {
        Ok(converted) => {
            let words =
                format!("{} is a contact.{}", converted.contact.name(), super::show::ended_words(&converted.ended));
            Ok(answer::said(&urls::person(converted.contact.id), &answer::toast("done", words)))
        }
        Err(error) => answer::refused(&draw(&app, &visitor, id, error.refused()?).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_with_the_same_email_must_be_confirmed() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            name: "Maya Okafor".into(),
            action: "/people/per_1/convert".into(),
            back: "/people/per_1".into(),
            sequences: "2 sequences will end with the reason converted.".into(),
            contacts: vec![Target {
                id: "per_2".into(),
                name: "Maya O. (Kestrel)".into(),
                rows: vec![MergedRow {
                    label: "Phone".into(),
                    lead: "+44 20".into(),
                    contact: "+44 20".into(),
                    is_filled: true,
                    ..MergedRow::default()
                }],
                ..Target::default()
            }],
            errors: FormErrors(vec![relance_domain::Refused::new("contact_exists", "Merge the lead into it?")]),
        };
        let html = page.render().expect("a page");
        assert!(html.contains("per_2") && html.contains("Maya O. (Kestrel)") && html.contains("2 sequences will end"));
        assert!(html.contains("Merge and convert") && html.contains("from the lead"));
        let alone = Page { contacts: Vec::new(), errors: FormErrors::default(), ..page };
        assert!(!alone.render().expect("a page").contains("Merge and convert"));
    }

    #[test]
    fn gaps_of_the_contact_are_filled_and_its_own_values_stay() {
        let at = relance_domain::Timestamp::from_ms(0);
        let person = |kind, title: &str, phone: &str| Person {
            id: PersonId::from_uuid(Default::default()),
            kind,
            fields: relance_domain::person::Fields {
                last_name: "Okafor".into(),
                title: title.into(),
                phone: phone.into(),
                ..Default::default()
            },
            created_at: at,
            updated_at: at,
        };
        let rows = merged_rows(&person(Kind::Lead, "Head", "+44"), &person(Kind::Contact, "VP", ""), &[]);
        let told: Vec<_> = rows.iter().map(|row| (row.label.as_str(), row.contact.as_str(), row.is_filled)).collect();
        assert_eq!(told, [("Job title", "VP", false), ("Phone", "+44", true)]);
    }
}
