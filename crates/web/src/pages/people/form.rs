//! Creating and editing a lead or contact: errors at their fields, and a warning when the address is known.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person::{Fields, Kind, Person};
use relance_domain::{PersonId, time};
use relance_storage::people;
use serde::Deserialize;

use super::catalog::{self, Offers};
use super::control::Control;
use super::details;
use super::typed::Typed;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls};

/// Companies that are suggested.
const MOST_COMPANIES: usize = 12;

/// Which kind a new person is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewOf {
    kind: String,
    company: String,
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
    id: Option<PersonId>,
    kind: Kind,
    typed: Typed,
    errors: FormErrors,
    known: Vec<Known>,
    companies: Vec<String>,
    offers: Offers,
    button: &'static str,
}

/// The fields of a new person that are asked at once; the others stand under *More fields*.
const FIRST: [&str; 9] =
    ["first_name", "last_name", "organization_name", "company", "is_organization", "email", "title", "phone", "status"];

impl Page {
    fn above(&self) -> String {
        let shown: Vec<&str> = super::typed::NAMES.into_iter().chain(["company"]).collect();
        let custom: Vec<String> = self.offers.custom.iter().map(|field| field.field()).collect();
        let at = |refused: &&relance_domain::Refused| {
            refused.field.as_deref().is_some_and(|at| {
                let name = at.split('[').next().unwrap_or(at);
                shown.contains(&name) || custom.iter().any(|field| field == name)
            })
        };
        FormErrors(self.errors.0.iter().filter(|refused| !at(refused)).cloned().collect()).above(&[])
    }

    /// The fields that are asked at once.
    fn first(&self) -> Vec<Control> {
        self.controls(|name| FIRST.contains(&name))
    }

    /// The other ones.
    fn more(&self) -> Vec<Control> {
        self.controls(|name| !FIRST.contains(&name))
    }

    fn controls(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Control> {
        let groups = catalog::groups(self.kind, &self.offers.custom);
        let names = groups.iter().flat_map(|group| &group.names).filter(|name| is_wanted(name));
        let make = |name: &String| catalog::control(name, &self.typed, &self.errors, &self.offers);
        let mut controls: Vec<Control> = names.map(make).collect();
        if self.is_new
            && let Some(first) = controls.first_mut().filter(|first| first.name == "first_name")
        {
            first.is_first = true;
        }
        controls
    }

    /// Something under *More fields* was refused.
    fn is_more_open(&self) -> bool {
        !self.is_new || self.more().iter().any(|control| !control.error.is_empty())
    }

    /// Whose address is not asked about, as a query for the warning.
    fn id(&self) -> String {
        self.id.map(|id| id.to_string()).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "people/duplicates.html")]
struct Duplicates {
    known: Vec<Known>,
    companies: Vec<String>,
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
    let offers = catalog::offers(&mut tx, kind).await?;
    let what = if kind == Kind::Lead { "lead" } else { "contact" };
    Ok(Page {
        frame: visitor.frame(if kind == Kind::Lead { "leads" } else { "contacts" }),
        title: match subject {
            Subject::New(_) => format!("New {what}"),
            Subject::Edit(person) => format!("Edit {}", person.name()),
        },
        action: id.map_or_else(|| visitor.once(urls::new_person(kind)), urls::edit_person),
        back: id.map_or_else(|| urls::people(kind).to_owned(), urls::person),
        is_new: id.is_none(),
        id,
        kind,
        typed,
        errors,
        known,
        companies: Vec::new(),
        offers,
        button: if id.is_none() { "Create" } else { "Save" },
    })
}

/// The form of a new person.
pub async fn new(State(app): State<App>, visitor: Visitor, Query(of): Query<NewOf>) -> Result<Response> {
    let kind = Kind::parse(&of.kind).unwrap_or(Kind::Lead);
    let fields = Fields { owner_id: Some(visitor.user.id), ..Fields::default() };
    let mut typed = Typed::of(&fields);
    if let Ok(company) = of.company.parse::<PersonId>() {
        typed.set("company", find(&app, &visitor, company).await?.name());
    }
    let page = draw(&app, &visitor, &Subject::New(kind), typed, FormErrors::default(), Vec::new()).await?;
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
    let known = known(&app, &visitor, typed.get("email"), None).await?;
    if !known.is_empty() && !typed.is_set("anyway") {
        return answer::refused(&draw(&app, &visitor, &subject, typed, FormErrors::default(), known).await?);
    }
    let mut fields = Fields::default();
    let company = details::company_of(&mut app.read().await?, typed.get("company"), None).await?;
    let applied = typed.apply(&mut fields).and(company.map_err(|refused| vec![refused]));
    let created = match applied.map(|company| fields.company_id = company) {
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

async fn find(app: &App, visitor: &Visitor, id: PersonId) -> Result<Person> {
    let mut tx = app.read().await?;
    let person = people::find(&mut tx, id).await?.ok_or(PageError::NotFound("person"))?;
    visitor.must_see(&person)?;
    Ok(person)
}

/// The form of someone who is there.
pub async fn edit(State(app): State<App>, visitor: Visitor, Path(id): Path<PersonId>) -> Result<Response> {
    let person = find(&app, &visitor, id).await?;
    let mut typed = Typed::of(&person.fields);
    if let Some(company) = person.fields.company_id {
        let company = people::find(&mut app.read().await?, company).await?;
        typed.set("company", company.map(|company| company.name()).unwrap_or_default());
    }
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
    let person = find(&app, &visitor, id).await?;
    let known = match typed.get("email").trim() == person.fields.email {
        true => Vec::new(),
        false => known(&app, &visitor, typed.get("email"), Some(id)).await?,
    };
    if !known.is_empty() && !typed.is_set("anyway") {
        return answer::refused(
            &draw(&app, &visitor, &Subject::Edit(Box::new(person)), typed, FormErrors::default(), known).await?,
        );
    }
    let mut judged = person.fields.clone();
    let company = details::company_of(&mut app.read().await?, typed.get("company"), Some(id)).await?;
    let applied = typed.apply(&mut judged).and(company.map_err(|refused| vec![refused]));
    let asks_company = typed.has("company");
    let saved = match applied {
        Ok(company) => {
            let change = |fields: &mut Fields| {
                typed.apply(fields).unwrap_or_default();
                if asks_company {
                    fields.company_id = company;
                }
            };
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

async fn known(app: &App, visitor: &Visitor, email: &str, except: Option<PersonId>) -> Result<Vec<Known>> {
    if email.trim().is_empty() {
        return Ok(Vec::new());
    }
    let found = app.engine.duplicates_of(email).await?;
    let others = found.into_iter().filter(|person| Some(person.id) != except && visitor.sees(person));
    Ok(others
        .map(|person| Known { name: person.name(), href: urls::person(person.id), kind: person.kind.as_str() })
        .collect())
}

/// The warning while typing: whoever has the address already.
pub async fn duplicates(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let except = typed.get("id").parse().ok();
    let companies = match typed.get("company").trim() {
        "" => Vec::new(),
        name => people::suggest_companies(&mut app.read().await?, name, MOST_COMPANIES).await?,
    };
    let companies = companies.iter().filter(|company| visitor.sees(company)).map(Person::name).collect();
    answer::page(&Duplicates { known: known(&app, &visitor, typed.get("email"), except).await?, companies })
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
        let plan = catalog::tests::field("plan", relance_domain::custom_field::FieldKind::Text, &[]);
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Edit Maya".into(),
            action: "/people/per_1/edit".into(),
            back: "/people/per_1".into(),
            is_new: false,
            id: None,
            kind: Kind::Lead,
            typed: Typed::of(&fields),
            errors: FormErrors::one("email", "This address has no domain ending, such as .com."),
            known: vec![Known { name: "Maya Okafor".into(), href: "/people/per_2".into(), kind: "contact" }],
            companies: Vec::new(),
            offers: Offers { custom: vec![plan], ..Offers::default() },
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
        assert!(Duplicates { known, companies: Vec::new() }.render().expect("a frame").contains("Ben Hallam"));
        assert!(!Duplicates { known: Vec::new(), companies: Vec::new() }.render().expect("a frame").contains("banner"));
    }
}
