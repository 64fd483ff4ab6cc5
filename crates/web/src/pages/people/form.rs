//! Creating and editing a lead or contact: errors at their fields, and a warning when the address is known.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person::{Fields, Kind, Person};
use relance_domain::{PersonId, time};
use relance_storage::{people, people_choices, users};
use serde::Deserialize;

use super::list::Choice;
use super::typed::Typed;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls};

/// Which kind a new person is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewOf {
    kind: String,
}

/// What fields the form can offer as choices.
#[derive(Clone, Debug, Default)]
struct Offers {
    owners: Vec<Choice>,
    statuses: Vec<String>,
    sources: Vec<String>,
    zones: Vec<String>,
}

/// Someone who has the address already.
#[derive(Clone, Debug, Default)]
struct Known {
    name: String,
    href: String,
    kind: &'static str,
}

#[derive(Template)]
#[template(path = "people/form.html")]
struct Page {
    frame: Frame,
    title: String,
    action: String,
    back: String,
    is_new: bool,
    kind: Kind,
    typed: Typed,
    errors: FormErrors,
    known: Vec<Known>,
    offers: Offers,
    button: &'static str,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&super::typed::NAMES)
    }

    fn is_lead(&self) -> bool {
        self.kind == Kind::Lead
    }

    fn text(&self, name: &str) -> &str {
        self.typed.get(name)
    }
}

#[derive(Template)]
#[template(path = "people/duplicates.html")]
struct Duplicates {
    known: Vec<Known>,
}

/// What the form is about.
enum Subject {
    New(Kind),
    Edit(Box<Person>),
}

async fn draw(
    app: &App,
    visitor: &Visitor,
    subject: &Subject,
    typed: Typed,
    errors: FormErrors,
    known: Vec<Known>,
) -> Result<Page> {
    let (kind, id) = match subject {
        Subject::New(kind) => (*kind, None),
        Subject::Edit(person) => (person.kind, Some(person.id)),
    };
    let mut tx = app.read().await?;
    let owners = users::list(&mut tx).await?.into_iter().filter(|user| user.deactivated_at.is_none());
    let offers = Offers {
        owners: owners.map(|user| Choice { value: user.id.to_string(), label: user.name }).collect(),
        statuses: people_choices::statuses(&mut tx, kind).await?,
        sources: people_choices::sources(&mut tx).await?,
        zones: crate::pages::set_up::zones(),
    };
    let what = if kind == Kind::Lead { "lead" } else { "contact" };
    Ok(Page {
        frame: visitor.frame(if kind == Kind::Lead { "leads" } else { "contacts" }),
        title: match subject {
            Subject::New(_) => format!("New {what}"),
            Subject::Edit(person) => format!("Edit {}", person.name()),
        },
        action: id.map_or_else(|| urls::new_person(kind), urls::edit_person),
        back: id.map_or_else(|| urls::people(kind).to_owned(), urls::person),
        is_new: id.is_none(),
        kind,
        typed,
        errors,
        known,
        offers,
        button: if id.is_none() { "Create" } else { "Save" },
    })
}

/// The form of a new person.
pub async fn new(State(app): State<App>, visitor: Visitor, Query(of): Query<NewOf>) -> Result<Response> {
    let kind = Kind::parse(&of.kind).unwrap_or(Kind::Lead);
    let fields = Fields { owner_id: Some(visitor.user.id), ..Fields::default() };
    let page = draw(&app, &visitor, &Subject::New(kind), Typed::of(&fields), FormErrors::default(), Vec::new()).await?;
    answer::page(&page)
}

/// Creates a person; someone else with the address is shown first, once.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Query(of): Query<NewOf>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let kind = Kind::parse(&of.kind).unwrap_or(Kind::Lead);
    let subject = Subject::New(kind);
    let known = known(&app, typed.get("email"), None).await?;
    if !known.is_empty() && !typed.is_set("anyway") {
        return answer::refused(&draw(&app, &visitor, &subject, typed, FormErrors::default(), known).await?);
    }
    let mut fields = Fields::default();
    let created = match typed.apply(&mut fields) {
        Ok(()) => app.engine.create_person(&visitor.actor, kind, fields).await.map_err(PageError::from),
        Err(refused) => Err(PageError::Refused(refused)),
    };
    match created {
        Ok(person) => {
            Ok(answer::said(&urls::person(person.id), &answer::toast("done", format!("{} is there.", person.name()))))
        }
        Err(error) => answer::refused(&draw(&app, &visitor, &subject, typed, error.refused()?, Vec::new()).await?),
    }
}

async fn find(app: &App, id: PersonId) -> Result<Person> {
    let mut tx = app.read().await?;
    people::find(&mut tx, id).await?.ok_or(PageError::NotFound("person"))
}

/// The form of someone who is there.
pub async fn edit(State(app): State<App>, visitor: Visitor, Path(id): Path<PersonId>) -> Result<Response> {
    let person = find(&app, id).await?;
    let typed = Typed::of(&person.fields);
    answer::page(
        &draw(&app, &visitor, &Subject::Edit(Box::new(person)), typed, FormErrors::default(), Vec::new()).await?,
    )
}

/// Saves the form.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let person = find(&app, id).await?;
    let known = match typed.get("email").trim() == person.fields.email {
        true => Vec::new(),
        false => known(&app, typed.get("email"), Some(id)).await?,
    };
    if !known.is_empty() && !typed.is_set("anyway") {
        return answer::refused(
            &draw(&app, &visitor, &Subject::Edit(Box::new(person)), typed, FormErrors::default(), known).await?,
        );
    }
    let mut judged = person.fields.clone();
    let saved = match typed.apply(&mut judged) {
        Ok(()) => {
            let change = |fields: &mut Fields| typed.apply(fields).unwrap_or_default();
            app.engine.edit_person(&visitor.actor, id, change).await.map_err(PageError::from)
        }
        Err(refused) => Err(PageError::Refused(refused)),
    };
    match saved {
        Ok(_) => Ok(answer::said(
            &urls::person(id),
            &answer::toast("done", "Saved. What waited for this goes on by itself."),
        )),
        Err(error) => answer::refused(
            &draw(&app, &visitor, &Subject::Edit(Box::new(person)), typed, error.refused()?, Vec::new()).await?,
        ),
    }
}

async fn known(app: &App, email: &str, except: Option<PersonId>) -> Result<Vec<Known>> {
    if email.trim().is_empty() {
        return Ok(Vec::new());
    }
    let found = app.engine.duplicates_of(email).await?;
    let others = found.into_iter().filter(|person| Some(person.id) != except);
    Ok(others
        .map(|person| Known { name: person.name(), href: urls::person(person.id), kind: person.kind.as_str() })
        .collect())
}

/// The warning while typing: whoever has the address already.
pub async fn duplicates(State(app): State<App>, _visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let except = typed.get("id").parse().ok();
    answer::page(&Duplicates { known: known(&app, typed.get("email"), except).await? })
}

/// Whether a zone has this name.
pub(super) fn is_zone(name: &str) -> bool {
    name.is_empty() || time::zone(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_form_keeps_what_was_typed_with_the_error_at_its_field() {
        let mut fields = Fields { first_name: "Maya".into(), email: "maya@kestrel".into(), ..Fields::default() };
        fields.address.city = "Felixstowe".into();
        fields.custom_fields.insert("plan".into(), "gold".into());
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Edit Maya".into(),
            action: "/people/per_1/edit".into(),
            back: "/people/per_1".into(),
            is_new: false,
            kind: Kind::Lead,
            typed: Typed::of(&fields),
            errors: FormErrors::one("email", "This address has no domain ending, such as .com."),
            known: vec![Known { name: "Maya Okafor".into(), href: "/people/per_2".into(), kind: "contact" }],
            offers: Offers {
                owners: vec![Choice { value: "usr_1".into(), label: "Nora".into() }],
                ..Offers::default()
            },
            button: "Save",
        };
        let html = page.render().expect("a page");
        for words in [
            "maya@kestrel",
            "no domain ending",
            "Felixstowe",
            "custom_fields.plan",
            "gold",
            "Maya Okafor",
            "Save anyway",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }

    #[test]
    fn the_warning_while_typing_names_who_has_the_address() {
        let known = vec![Known { name: "Ben Hallam".into(), href: "/people/per_9".into(), kind: "lead" }];
        assert!(Duplicates { known }.render().expect("a frame").contains("Ben Hallam"));
        assert!(!Duplicates { known: Vec::new() }.render().expect("a frame").contains("banner"));
    }
}
