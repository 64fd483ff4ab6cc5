//! Who belongs to a person: the company they work at, those who work there, others with the same address.

use relance_domain::person::{Kind, Person};
use relance_storage::{Tx, people};

use crate::app::App;
use crate::errors::Result;
use crate::session::Visitor;
use crate::urls;

/// People of a company that are named.
const MOST: usize = 12;

/// Someone related.
#[derive(Clone, Debug, Default)]
pub struct Relation {
    /// Who.
    pub name: String,
    /// What they do, or why they stand here.
    pub what: String,
    /// Their page.
    pub href: String,
    /// What can be done about it, in words; empty for nothing.
    pub cure: String,
    /// Where that is done.
    pub cure_href: String,
}

/// The widget.
#[derive(Clone, Debug, Default)]
pub struct Related {
    /// The company they work at.
    pub company: Option<Relation>,
    /// The heading of the people.
    pub people_title: String,
    /// Who works there too, or who works at this company.
    pub people: Vec<Relation>,
    /// Others with one of the addresses.
    pub same: Vec<Relation>,
    /// There are more people than are named.
    pub is_cut: bool,
    /// Where a person of this company is added; empty if it is none.
    pub add: String,
}

impl Related {
    /// Nobody is related.
    pub fn is_empty(&self) -> bool {
        self.company.is_none() && self.people.is_empty() && self.same.is_empty() && self.add.is_empty()
    }
}

fn relation(person: &Person, what: String) -> Relation {
    Relation { name: person.name(), what, href: urls::person(person.id), ..Relation::default() }
}

/// Reads the widget of a person.
pub async fn read(app: &App, tx: &mut Tx, person: &Person, visitor: &Visitor) -> Result<Related> {
    let mut related = Related::default();
    let company = match person.fields.company_id {
        Some(id) => people::find(tx, id).await?.filter(|company| visitor.sees(company)),
        None => None,
    };
    let of = if person.fields.is_organization { Some(person.id) } else { company.as_ref().map(|company| company.id) };
    if let Some(of) = of {
        let found = people::find_of_company(tx, of, MOST + 2).await?;
        let mut others: Vec<_> = found.iter().filter(|other| other.id != person.id && visitor.sees(other)).collect();
        related.is_cut = others.len() > MOST;
        others.truncate(MOST);
        related.people = others.into_iter().map(|other| relation(other, other.fields.title.clone())).collect();
    }
    if person.fields.is_organization {
        related.people_title = "People who work here".to_owned();
        related.add = urls::new_colleague(person.id);
    } else if let Some(company) = &company {
        related.people_title = format!("Also at {}", company.name());
        related.company = Some(relation(company, "Works here".to_owned()));
    }
    related.same = same_address(app, person, visitor).await?;
    Ok(related)
}

async fn same_address(app: &App, person: &Person, visitor: &Visitor) -> Result<Vec<Relation>> {
    let mut same: Vec<Relation> = Vec::new();
    for email in std::iter::once(&person.fields.email).chain(&person.fields.other_emails) {
        for other in app.engine.duplicates_of(email).await? {
            let is_known = same.iter().any(|known| known.href == urls::person(other.id));
            if other.id == person.id || is_known || !visitor.sees(&other) {
                continue;
            }
            let can_merge = person.kind == Kind::Lead && other.kind == Kind::Contact;
            let (cure, cure_href) =
                if can_merge { ("Merge into it".to_owned(), urls::convert(person.id)) } else { Default::default() };
            let what = format!("The same address, as a {}", other.kind.as_str());
            same.push(Relation { cure, cure_href, ..relation(&other, what) });
        }
    }
    Ok(same)
}
