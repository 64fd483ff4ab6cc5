//! Every merge tag that can be written, with the value it has for one person: what the chooser of the editor lists.

use super::{preview::company_of, teams};
use crate::{Engine, Result};
use relance_domain::{
    PersonId,
    custom_field::FieldKind,
    merge::{self, Format},
    user::Actor,
};
use relance_storage::custom_fields;

/// A tag as it is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedTag {
    /// `person.first_name`.
    pub path: String,
    /// As people read it.
    pub label: String,
    /// What it is about: `person`, `company`, `sender`, `custom` (a custom field) or `email`.
    pub group: &'static str,
    /// What is put into the text, with a filter where one is usual.
    pub text: String,
    /// Its value for the person, as the text would show it; empty if there is none.
    pub example: String,
}

fn group_of(path: &str) -> &'static str {
    match path.split_once('.') {
        Some(("person", _)) => "person",
        Some(("company", _)) => "company",
        Some(("sender", _)) => "sender",
        _ => "email",
    }
}

impl Engine {
    /// All tags, those of custom fields too; the values are those of `person`, written by the actor.
    pub async fn merge_tags(&self, actor: &Actor, person: Option<PersonId>) -> Result<Vec<OfferedTag>> {
        let mut tx = self.store.read().await?;
        let fields = custom_fields::list(&mut tx).await?;
        let person = match person {
            Some(id) => Some(teams::seen_person(&mut tx, actor, id).await?),
            None => None,
        };
        let company = match &person {
            Some(person) => company_of(&mut tx, person).await?,
            None => None,
        };
        let sender = self.sender_of(&mut tx, actor.user_id(), None).await?;
        drop(tx);
        let known = merge::tags().iter().map(|tag| OfferedTag {
            path: tag.tag.to_owned(),
            label: tag.label.to_owned(),
            group: group_of(tag.tag),
            text: format!("{{{{ {} }}}}", tag.tag),
            example: String::new(),
        });
        let own = fields.iter().flat_map(|field| {
            let filter = if field.kind == FieldKind::Date { " | date" } else { "" };
            [("person", ""), ("company", "Company: ")].map(|(root, of)| {
                let path = format!("{root}.custom.{}", field.key);
                let text = format!("{{{{ {path}{filter} }}}}");
                OfferedTag {
                    label: format!("{of}{}", field.label),
                    group: "custom",
                    text,
                    path,
                    example: String::new(),
                }
            })
        });
        let mut tags: Vec<OfferedTag> = known.chain(own).collect();
        if let Some(person) = &person {
            let url = format!("{}/unsubscribe/…", self.settings.base_url);
            let correspondence = sender.correspondence(person, company.as_ref());
            let values = correspondence.values(&url);
            for tag in &mut tags {
                // A value that is no date after all has no example.
                tag.example =
                    merge::render(&tag.text, Format::Text, &values).map(|shown| shown.text).unwrap_or_default();
            }
        }
        Ok(tags)
    }
}
