//! Converting a lead to a contact; where a contact has the same email, merging into it is asked for first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::PersonId;
use relance_domain::person::{Kind, Person};
use relance_storage::{enrollments, people};
use serde::Deserialize;

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

#[derive(Template)]
#[template(path = "people/convert.html")]
struct Page {
    frame: Frame,
    name: String,
    action: String,
    back: String,
    sequences: String,
    contacts: Vec<(String, String)>,
    errors: FormErrors,
}

async fn draw(app: &App, visitor: &Visitor, id: PersonId, errors: FormErrors) -> Result<Page> {
    let mut tx = app.read().await?;
    let person = people::find(&mut tx, id).await?.ok_or(PageError::NotFound("person"))?;
    let ongoing = enrollments::ongoing_of_person(&mut tx, id, false).await?.len() as u64;
    drop(tx);
    let same = if person.fields.email.is_empty() {
        Vec::new()
    } else {
        app.engine.duplicates_of(&person.fields.email).await?
    };
    let is_other = |other: &Person| other.kind == Kind::Contact && other.id != id;
    Ok(Page {
        frame: visitor.frame("leads"),
        name: person.name(),
        action: urls::convert(id),
        back: urls::person(id),
        sequences: match ongoing {
            0 => String::new(),
            n => format!("{} will end with the reason converted.", words::count(n, "sequence", "sequences")),
        },
        contacts: same.into_iter().filter(is_other).map(|other| (other.id.to_string(), other.name())).collect(),
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
            contacts: vec![("per_2".into(), "Maya O. (Kestrel)".into())],
            errors: FormErrors(vec![relance_domain::Refused::new("contact_exists", "Merge the lead into it?")]),
        };
        let html = page.render().expect("a page");
        assert!(html.contains("per_2") && html.contains("Maya O. (Kestrel)") && html.contains("2 sequences will end"));
        assert!(html.contains("Merge and convert"));
        let alone = Page { contacts: Vec::new(), errors: FormErrors::default(), ..page };
        assert!(!alone.render().expect("a page").contains("Merge and convert"));
    }
}
