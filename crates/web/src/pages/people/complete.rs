//! *Complete data*: a table with just the fields that people lack, filled in and saved together.
//!
//! Without a sequence it shows whose sequences wait for data; with one, also the leads and contacts that would wait.
//! A refused value stands at its field and nothing is saved until all of them are right.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::enrollment::{BlockReason, State as Enrolled};
use relance_domain::lacking::{Field, lacking, needed_fields};
use relance_domain::person::{Fields, Kind, Person};
use relance_domain::{PersonId, SequenceId};
use relance_storage::enrollment_views::{self, EnrollmentFilter};
use relance_storage::people_lists::{self, Filter, PeopleQuery, Rule};
use relance_storage::{Tx, people, sequences};
use serde::Deserialize;

use super::catalog::{self, Offers};
use super::control::Control;
use super::feed::Tab;
use super::typed::Typed;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// People on a page: few enough to fill in at a sitting.
const PAGE: usize = 50;
/// Blocked enrollments looked at.
const MOST: u32 = 500;

/// Whose data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    sequence: String,
    /// `waiting`, `leads` or `contacts`.
    who: String,
    /// Only these people.
    id: Vec<PersonId>,
}

impl Asked {
    fn sequence(&self) -> Option<SequenceId> {
        self.sequence.parse().ok()
    }

    fn who(&self) -> &'static str {
        match self.who.as_str() {
            "leads" if self.sequence().is_some() => "leads",
            "contacts" if self.sequence().is_some() => "contacts",
            _ => "waiting",
        }
    }

    fn href(&self, who: &str) -> String {
        let path = urls::with_query("/complete-data", &[("sequence", &self.sequence), ("who", who)]);
        let ids: String = self.id.iter().map(|id| format!("&id={id}")).collect();
        if ids.is_empty() { path } else { format!("{path}{}{ids}", if path.contains('?') { "" } else { "?who=" }) }
    }
}

/// A field of a row: asked for, or known.
#[derive(Clone, Debug, Default)]
struct Cell {
    control: Option<Control>,
    known: String,
    /// A link to who has the field, where it is the company's.
    href: String,
}

#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    href: String,
    meta: String,
    cells: Vec<Cell>,
}

#[derive(Template)]
#[template(path = "people/complete.html")]
struct Page {
    frame: Frame,
    title: String,
    sub: String,
    action: String,
    back: String,
    tabs: Vec<Tab>,
    columns: Vec<String>,
    rows: Vec<Row>,
    is_cut: bool,
    above: String,
}

/// Who lacks what.
struct Lacking {
    person: Person,
    company: Option<Person>,
    fields: Vec<Field>,
}

/// Everyone asked for who lacks something, and whether there are more.
async fn find(tx: &mut Tx, visitor: &Visitor, asked: &Asked) -> Result<(Vec<Lacking>, bool)> {
    let needed = match asked.sequence() {
        Some(id) => needed_of(tx, id).await?,
        None => Vec::new(),
    };
    let (found, is_cut) = match asked.who() {
        _ if !asked.id.is_empty() => (people::find_many(tx, &asked.id).await?, false),
        "leads" => in_list(tx, visitor, Kind::Lead, &needed).await?,
        "contacts" => in_list(tx, visitor, Kind::Contact, &needed).await?,
        _ => return waiting(tx, visitor, asked).await,
    };
    let mut all = Vec::new();
    for person in found.into_iter().filter(|person| visitor.sees(person)) {
        let company = company_of(tx, &person).await?;
        let fields = lacking(&needed, &person, company.as_ref());
        if !fields.is_empty() {
            all.push(Lacking { person, company, fields });
        }
    }
    let is_cut = is_cut || all.len() > PAGE;
    all.truncate(PAGE);
    Ok((all, is_cut))
}

async fn needed_of(tx: &mut Tx, id: SequenceId) -> Result<Vec<Field>> {
    let sequence = sequences::find(tx, id).await?.ok_or(PageError::NotFound("sequence"))?;
    let version = match sequence.version_id {
        Some(version) => sequences::find_version(tx, version).await?,
        None => None,
    };
    Ok(needed_fields(&version.map_or(sequence.draft, |version| version.plan)))
}

async fn company_of(tx: &mut Tx, person: &Person) -> Result<Option<Person>> {
    Ok(match person.fields.company_id {
        Some(id) => people::find(tx, id).await?,
        None => None,
    })
}

/// People of a kind in whom one of the fields is empty.
async fn in_list(tx: &mut Tx, visitor: &Visitor, kind: Kind, needed: &[Field]) -> Result<(Vec<Person>, bool)> {
    let empty = needed.iter().filter_map(|field| match field {
        Field::Person(name) => Some(Filter::Rule(Rule::new(name, "is_empty", serde_json::Value::Null))),
        Field::Company(_) => None,
    });
    let query = PeopleQuery {
        kind: Some(kind),
        filter: Filter::Any { any: empty.collect() },
        visible_to: visitor.sight.owners(),
        limit: PAGE,
        ..PeopleQuery::default()
    };
    let page = people_lists::list(tx, &query).await?;
    Ok((page.rows.into_iter().map(|row| row.person).collect(), page.next_cursor.is_some()))
}

/// Those whose sequences wait, with the fields they wait for.
async fn waiting(tx: &mut Tx, visitor: &Visitor, asked: &Asked) -> Result<(Vec<Lacking>, bool)> {
    let filter = EnrollmentFilter {
        states: &["blocked"],
        blocked_reason: Some("missing_merge_data"),
        sequence: asked.sequence(),
        actor: if visitor.actor.acts_for_others() && asked.sequence().is_some() { None } else { Some(visitor.user.id) },
        ..EnrollmentFilter::default()
    };
    let views = enrollment_views::page(tx, filter, None, MOST).await?;
    let mut all: Vec<Lacking> = Vec::new();
    for view in &views {
        let e = &view.stored.enrollment;
        let Enrolled::Blocked { reason: BlockReason::MissingMergeData { tags }, .. } = &e.state else { continue };
        let fields: Vec<Field> = tags.iter().filter_map(|tag| Field::of_tag(tag)).collect();
        if let Some(known) = all.iter_mut().find(|known| known.person.id == e.person_id) {
            known.fields.extend(fields.into_iter().filter(|field| !known.fields.contains(field)).collect::<Vec<_>>());
            continue;
        }
        if all.len() == PAGE {
            return Ok((all, true));
        }
        let Some(person) = people::find(tx, e.person_id).await?.filter(|person| visitor.sees(person)) else { continue };
        let company = company_of(tx, &person).await?;
        if !fields.is_empty() {
            all.push(Lacking { person, company, fields });
        }
    }
    Ok((all, false))
}

fn row(lacking: &Lacking, columns: &[Field], typed: Option<&Typed>, errors: &FormErrors, offers: &Offers) -> Row {
    let person = &lacking.person;
    let id = person.id.to_string();
    let of_row = typed.map(|typed| typed.row(&id)).unwrap_or_default();
    let at_row = FormErrors(
        errors
            .0
            .iter()
            .filter_map(|refused| {
                let field = refused.field.as_deref()?.strip_prefix(&id)?.strip_prefix('.')?.to_owned();
                Some(relance_domain::Refused { field: Some(field), ..refused.clone() })
            })
            .collect(),
    );
    let known = Typed::of(&person.fields);
    let cell = |field: &Field| match field {
        Field::Person(name) if lacking.fields.contains(field) => {
            let control = catalog::control(name, &of_row, &at_row, offers);
            let label = format!("{} of {}", control.label, person.name());
            Cell {
                control: Some(Control { name: format!("{id}.{name}"), label, hint: String::new(), ..control }),
                ..Cell::default()
            }
        }
        Field::Person(name) => Cell { known: known.all(name).join(", "), ..Cell::default() },
        Field::Company(_) if !lacking.fields.contains(field) => Cell::default(),
        Field::Company(name) => match &lacking.company {
            Some(company) => Cell {
                known: format!("Add to {}", company.name()),
                href: urls::person_field(company.id, name),
                ..Cell::default()
            },
            None => Cell {
                known: "Choose a company".to_owned(),
                href: urls::person_field(person.id, "organization"),
                ..Cell::default()
            },
        },
    };
    Row {
        name: person.name(),
        href: urls::person(person.id),
        meta: person.fields.organization_name.clone(),
        cells: columns.iter().map(cell).collect(),
    }
}

async fn draw(app: &App, visitor: &Visitor, asked: &Asked, typed: Option<&Typed>, errors: FormErrors) -> Result<Page> {
    let mut tx = app.read().await?;
    let (all, is_cut) = find(&mut tx, visitor, asked).await?;
    let offers = catalog::offers(&mut tx, Kind::Lead).await?;
    let mut columns: Vec<Field> = Vec::new();
    for field in all.iter().flat_map(|lacking| &lacking.fields) {
        if !columns.contains(field) {
            columns.push(field.clone());
        }
    }
    let name = match asked.sequence() {
        Some(id) => sequences::find(&mut tx, id).await?.ok_or(PageError::NotFound("sequence"))?.name,
        None => String::new(),
    };
    let tab = |(who, label): (&'static str, &'static str)| Tab {
        label,
        href: Asked { id: Vec::new(), ..asked.clone() }.href(who),
        is_current: asked.id.is_empty() && asked.who() == who,
    };
    let number = all.len() as u64;
    let of = |field: &Field| match field {
        Field::Person(name) => catalog::label(name, &offers.custom),
        Field::Company(name) => format!("{} of the company", catalog::label(name, &offers.custom)),
    };
    Ok(Page {
        frame: visitor.frame("leads"),
        title: if name.is_empty() { "Complete data".to_owned() } else { format!("Complete data for {name}") },
        sub: match number {
            0 => "Nobody here lacks anything.".to_owned(),
            n => format!(
                "{} lack what the emails need. What waits leaves by itself once the values are there.",
                words::people(n)
            ),
        },
        action: asked.href(asked.who()),
        back: asked.sequence().map_or_else(|| urls::HOME.to_owned(), urls::sequence),
        tabs: if name.is_empty() {
            Vec::new()
        } else {
            [("waiting", "Waiting in it"), ("leads", "Leads"), ("contacts", "Contacts")].map(tab).to_vec()
        },
        columns: columns.iter().map(of).collect(),
        rows: all.iter().map(|lacking| row(lacking, &columns, typed, &errors, &offers)).collect(),
        is_cut,
        above: errors.above(
            &errors
                .0
                .iter()
                .filter_map(|refused| refused.field.as_deref())
                .filter(|at| at.starts_with("per_"))
                .collect::<Vec<_>>(),
        ),
    })
}

/// The table.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, &asked, None, FormErrors::default()).await?)
}

/// Saves every value together.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let mut changes = Vec::new();
    for id in typed.rows() {
        let row = typed.row(&id);
        if let (Ok(id), false) = (id.parse::<PersonId>(), row.is_blank()) {
            changes.push((id, move |fields: &mut Fields| row.fill(fields)));
        }
    }
    if changes.is_empty() {
        let words = answer::toast("info", "Nothing was filled in yet.");
        return Ok(answer::said(&asked.href(asked.who()), &words));
    }
    match app.engine.edit_people(&visitor.actor, changes).await.map_err(PageError::from) {
        Ok(number) => {
            let words = format!("{} completed. What waited for it goes on by itself.", words::people(number));
            Ok(answer::said(&asked.href(asked.who()), &answer::toast("done", words)))
        }
        Err(error) => answer::refused(&draw(&app, &visitor, &asked, Some(&typed), error.refused()?).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_lacking_is_asked_for_and_a_refusal_stands_at_its_field() {
        let at = relance_domain::Timestamp::from_ms(0);
        let person = Person {
            id: PersonId::from_uuid(Default::default()),
            kind: Kind::Lead,
            fields: Fields { last_name: "Okafor".into(), phone: "+44".into(), ..Fields::default() },
            created_at: at,
            updated_at: at,
        };
        let id = person.id.to_string();
        let field = |name: &str| Field::Person(name.into());
        let lacking = Lacking { person, company: None, fields: vec![field("email"), Field::Company("website".into())] };
        let columns = [field("email"), field("phone"), Field::Company("website".into())];
        let typed = Typed::of_pairs(vec![(format!("{id}.email"), "nonsense".into())]);
        let errors = FormErrors::one(&format!("{id}.email"), "This is not an email address.");
        let row = row(&lacking, &columns, Some(&typed), &errors, &Offers::default());
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Complete data".into(),
            sub: String::new(),
            action: "/complete-data".into(),
            back: "/".into(),
            tabs: Vec::new(),
            columns: vec!["Email".into(), "Phone".into(), "Website of the company".into()],
            rows: vec![row],
            is_cut: true,
            above: String::new(),
        };
        let html = page.render().expect("a page");
        for words in ["This is not an email address.", "nonsense", "+44", "Choose a company", "Email of Okafor"] {
            assert!(html.contains(words), "{words}");
        }
        assert_eq!(html.matches("<input class=\"input\"").count(), 1);
    }
}
