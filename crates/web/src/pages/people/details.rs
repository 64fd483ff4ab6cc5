//! The fields of a person in the side column, and each of them edited in place.
//!
//! A value is a link to its form. In a browser with scripts the form opens in the value's own frame; without them it is
//! a page of its own. Either way the same form is sent, and a refusal stands at its field.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use relance_domain::person::{Fields, Kind, Person};
use relance_domain::{PersonId, Refused};
use relance_storage::{Tx, people, users};
use serde::Deserialize;

use super::catalog::{self, Group, Offers};
use super::control::Control;
use super::typed::Typed;
use super::widget::Widget;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Groups that are shown without a value too.
const ALWAYS: [&str; 6] = ["email", "phone", "industry", "owner", "tags", "time_zone"];
/// Companies that are suggested.
const MOST_COMPANIES: usize = 12;

/// A value in the side column.
#[derive(Clone, Debug, Default)]
pub struct Fact {
    /// Its group.
    pub key: String,
    /// What it is called.
    pub label: String,
    /// What is known; empty for nothing.
    pub value: String,
    /// Where the value leads; empty for nowhere.
    pub href: String,
    /// Its form.
    pub edit: String,
    /// A blocked sequence waits for it.
    pub is_missing: bool,
    /// The tags, which are drawn as such.
    pub tags: Vec<String>,
}

/// The facts of a person.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What is known, and what people look for first.
    pub known: Vec<Fact>,
    /// What is empty.
    pub empty: Vec<Fact>,
}

impl Facts {
    /// *12 empty fields*.
    pub fn empty_words(&self) -> String {
        words::count(self.empty.len() as u64, "empty field", "empty fields")
    }
}

#[derive(Template)]
#[template(path = "people/field.html")]
struct Page {
    frame: Frame,
    name: String,
    key: String,
    label: String,
    action: String,
    back: String,
    controls: Vec<Control>,
    above: String,
    has_companies: bool,
}

/// Names of the people and users a person's fields refer to.
async fn names(tx: &mut Tx, person: &Person) -> Result<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    if let Some(id) = person.fields.owner_id
        && let Some(user) = users::find(tx, id).await?
    {
        names.insert(id.to_string(), user.name);
    }
    if let Some(id) = person.fields.company_id
        && let Some(company) = people::find(tx, id).await?
    {
        names.insert(id.to_string(), company.name());
    }
    Ok(names)
}

/// Reads the facts; what a blocked sequence waits for is marked.
pub async fn read(tx: &mut Tx, person: &Person, widget: &Widget) -> Result<Facts> {
    let custom = relance_storage::custom_fields::list(tx).await?;
    let names = names(tx, person).await?;
    let missing: Vec<&String> =
        widget.blocked.iter().flat_map(|row| row.missing.iter().map(|(_, href)| href)).collect();
    let mut facts = Facts::default();
    for group in catalog::groups(person.kind, &custom) {
        let is_missing = group.names.iter().any(|name| missing.contains(&&urls::edit_field(person.id, name)));
        let fact = Fact {
            value: catalog::shown(&group, person, &names, &custom),
            href: catalog::href(&group, person, &custom),
            edit: urls::person_field(person.id, &group.key),
            is_missing,
            tags: if group.key == "tags" { person.fields.tags.clone() } else { Vec::new() },
            label: group.label,
            key: group.key,
        };
        if fact.value.is_empty() && !is_missing && !ALWAYS.contains(&fact.key.as_str()) {
            facts.empty.push(fact);
        } else {
            facts.known.push(fact);
        }
    }
    Ok(facts)
}

async fn find(tx: &mut Tx, id: PersonId) -> Result<Person> {
    people::find(tx, id).await?.ok_or(PageError::NotFound("person"))
}

/// What a form of this group begins with.
async fn typed_of(tx: &mut Tx, person: &Person) -> Result<Typed> {
    let mut typed = Typed::of(&person.fields);
    if let Some(company) = person.fields.company_id {
        typed.set("company", names(tx, person).await?.remove(&company.to_string()).unwrap_or_default());
    }
    Ok(typed)
}

fn draw(
    visitor: &Visitor,
    person: &Person,
    group: &Group,
    typed: &Typed,
    errors: &FormErrors,
    offers: &Offers,
) -> Page {
    let mut controls: Vec<Control> =
        group.names.iter().map(|name| catalog::control(name, typed, errors, offers)).collect();
    let first = controls.iter().position(|control| !control.error.is_empty()).unwrap_or_default();
    if let Some(control) = controls.get_mut(first) {
        control.is_first = true;
    }
    let at_fields: Vec<&str> = errors.0.iter().filter_map(|refused| refused.field.as_deref()).collect();
    let shown = |at: &&str| group.names.iter().any(|name| at.starts_with(name.as_str())) || *at == "company_id";
    Page {
        frame: visitor.frame(if person.kind == Kind::Lead { "leads" } else { "contacts" }),
        name: person.name(),
        key: group.key.clone(),
        label: group.label.clone(),
        action: urls::person_field(person.id, &group.key),
        back: urls::person(person.id),
        above: errors.above(&at_fields.into_iter().filter(shown).collect::<Vec<_>>()),
        has_companies: group.names.iter().any(|name| name == "company"),
        controls,
    }
}

/// The form of one group.
pub async fn edit(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, key)): Path<(PersonId, String)>,
) -> Result<Response> {
    let mut tx = app.read().await?;
    let person = find(&mut tx, id).await?;
    let offers = catalog::offers(&mut tx, person.kind).await?;
    let group = catalog::group_of(person.kind, &offers.custom, &key).ok_or(PageError::NotFound("field"))?;
    let typed = typed_of(&mut tx, &person).await?;
    answer::page(&draw(&visitor, &person, &group, &typed, &FormErrors::default(), &offers))
}

/// The company of this name; `None` for no name.
pub async fn company_of(
    tx: &mut Tx,
    name: &str,
    except: Option<PersonId>,
) -> Result<std::result::Result<Option<PersonId>, Refused>> {
    if name.trim().is_empty() {
        return Ok(Ok(None));
    }
    let found = people::find_companies(tx, name).await?;
    let mut others = found.into_iter().filter(|company| Some(company.id) != except);
    let unknown = || {
        let words = "There is no company of this name. Create it first: a new contact that is a company.";
        Refused::at("company", "unknown_company", words)
    };
    Ok(others.next().map(|company| Some(company.id)).ok_or_else(unknown))
}

/// Saves one group.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, key)): Path<(PersonId, String)>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let mut tx = app.read().await?;
    let person = find(&mut tx, id).await?;
    let offers = catalog::offers(&mut tx, person.kind).await?;
    let group = catalog::group_of(person.kind, &offers.custom, &key).ok_or(PageError::NotFound("field"))?;
    let asks_company = group.names.iter().any(|name| name == "company");
    let company = if asks_company { company_of(&mut tx, typed.get("company"), Some(id)).await? } else { Ok(None) };
    drop(tx);
    let saved = match (typed.apply(&mut person.fields.clone()), company) {
        (Ok(()), Ok(company)) => {
            let change = |fields: &mut Fields| {
                typed.apply(fields).unwrap_or_default();
                if asks_company {
                    fields.company_id = company;
                }
            };
            app.engine.edit_person(&visitor.actor, id, change).await.map_err(PageError::from)
        }
        (Err(refused), _) => Err(PageError::Refused(refused)),
        (_, Err(refused)) => Err(PageError::Refused(vec![refused])),
    };
    match saved {
        // Within its frame the value itself is the answer.
        Ok(_) if headers.contains_key("turbo-frame") => Ok(answer::go(&urls::person(id))),
        Ok(_) => Ok(answer::said(&urls::person(id), &answer::toast("done", format!("{} is saved.", group.label)))),
        Err(error) => answer::refused(&draw(&visitor, &person, &group, &typed, &error.refused()?, &offers)),
    }
}

/// What was typed of a company's name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CompanyTyped {
    company: String,
}

#[derive(Template)]
#[template(path = "people/companies.html")]
struct Companies {
    names: Vec<String>,
}

/// Companies whose names begin like what was typed.
pub async fn companies(State(app): State<App>, visitor: Visitor, Form(typed): Form<CompanyTyped>) -> Result<Response> {
    let mut tx = app.read().await?;
    let found = people::suggest_companies(&mut tx, &typed.company, MOST_COMPANIES).await?;
    answer::page(&Companies { names: found.iter().filter(|company| visitor.sees(company)).map(Person::name).collect() })
}

#[cfg(test)]
pub(super) fn sample() -> Facts {
    let fact = |key: &str, label: &str, value: &str| Fact {
        key: key.into(),
        label: label.into(),
        value: value.into(),
        edit: format!("/people/per_1/fields/{key}"),
        ..Fact::default()
    };
    Facts {
        known: vec![
            fact("phone", "Phone", "+44 20"),
            Fact { is_missing: true, ..fact("industry", "Industry", "") },
            Fact { tags: vec!["reefer".into()], ..fact("tags", "Tags", "reefer") },
        ],
        empty: vec![fact("website", "Website", "")],
    }
}
