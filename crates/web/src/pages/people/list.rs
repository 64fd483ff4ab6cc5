//! Leads and contacts as a table: search, filters, order, pages, and what the check boxes act on.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person::Kind;
use relance_storage::people_lists::{self, Page as PeoplePage, PeopleQuery, SortBy};
use relance_storage::sequences::{self, SequenceFilter};
use relance_storage::{Tx, people_choices, users};

use super::query::{ListQuery, PAGE};
use super::rows::{Row, rows};
use crate::app::App;
use crate::errors::Result;
use crate::extract::Query;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Matches are counted up to here.
const MOST_COUNTED: usize = 100_000;
/// Sequences offered by the filter.
const MOST_SEQUENCES: u32 = 100;

/// A value and its words.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
}

fn choice(value: impl Into<String>, label: impl Into<String>) -> Choice {
    Choice { value: value.into(), label: label.into() }
}

/// A filter that is set.
#[derive(Clone, Debug, Default)]
pub struct Chip {
    label: &'static str,
    words: String,
    remove: String,
}

/// What can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Statuses in use.
    pub statuses: Vec<String>,
    /// Users by name.
    pub owners: Vec<Choice>,
    /// Sequence states.
    pub sequences: Vec<Choice>,
    /// Tags in use.
    pub tags: Vec<String>,
}

/// A column head.
struct Head {
    label: &'static str,
    href: String,
    sort: &'static str,
    kind: &'static str,
}

#[derive(Template)]
#[template(path = "people/list.html")]
struct Page {
    frame: Frame,
    kind: Kind,
    title: &'static str,
    sub: String,
    query: ListQuery,
    chips: Vec<Chip>,
    choices: Choices,
    heads: Vec<Head>,
    rows: Vec<Row>,
    total: usize,
    matching: String,
    paging: String,
    previous: String,
    next: String,
}

/// The leads.
pub async fn leads(state: State<App>, visitor: Visitor, Query(query): Query<ListQuery>) -> Result<Response> {
    show(state, visitor, query, Kind::Lead).await
}

/// The contacts.
pub async fn contacts(state: State<App>, visitor: Visitor, Query(query): Query<ListQuery>) -> Result<Response> {
    show(state, visitor, query, Kind::Contact).await
}

async fn show(State(app): State<App>, visitor: Visitor, query: ListQuery, kind: Kind) -> Result<Response> {
    let mut tx = app.read().await?;
    let asked = query.people(kind)?;
    let page = people_lists::list(&mut tx, &asked).await?;
    let choices = choices(&mut tx, kind).await?;
    let (total, is_more) =
        people_lists::count(&mut tx, &PeopleQuery { cursor: None, ..asked.clone() }, MOST_COUNTED).await?;
    let matching = format!("{}{}", words::number(total), if is_more { "+" } else { "" });
    let page = Page {
        frame: visitor.frame(if kind == Kind::Lead { "leads" } else { "contacts" }),
        kind,
        title: if kind == Kind::Lead { "Leads" } else { "Contacts" },
        sub: sub(&mut tx, &query, kind, &matching, total).await?,
        chips: chips(&query, kind, &choices),
        heads: heads(&query, kind),
        rows: rows(&page, &visitor),
        total,
        paging: paging(&query, &page, &matching, total),
        previous: page.previous_cursor.as_ref().map(|cursor| query.at(kind, &cursor.to_string())).unwrap_or_default(),
        next: page.next_cursor.as_ref().map(|cursor| query.at(kind, &cursor.to_string())).unwrap_or_default(),
        matching,
        choices,
        query,
    };
    answer::page(&page)
}

async fn sub(tx: &mut Tx, query: &ListQuery, kind: Kind, matching: &str, total: usize) -> Result<String> {
    let what =
        if kind == Kind::Lead { "People you are still qualifying." } else { "People and companies you work with." };
    if !query.is_narrowed() {
        return Ok(format!("{what} {matching} in all."));
    }
    let all = PeopleQuery { kind: Some(kind), ..PeopleQuery::default() };
    let (all, is_more) = people_lists::count(tx, &all, MOST_COUNTED).await?;
    let verb = if total == 1 { "matches" } else { "match" };
    Ok(format!("{what} {matching} of {}{} {verb} these filters.", words::number(all), if is_more { "+" } else { "" }))
}

fn paging(query: &ListQuery, page: &PeoplePage, matching: &str, total: usize) -> String {
    let shown = page.rows.len();
    match (query.cursor.is_empty(), total <= shown) {
        (true, true) => words::people(shown as u64),
        (true, false) => format!("The first {} of {matching}", words::number(PAGE.min(shown))),
        (false, _) => format!("{} of {matching}", words::number(shown)),
    }
}

fn heads(query: &ListQuery, kind: Kind) -> Vec<Head> {
    let head = |label, by, class| Head { label, href: query.sorted(kind, by), sort: query.sort_of(by), kind: class };
    vec![
        head("Name", SortBy::Name, ""),
        head("Organisation", SortBy::Organization, "desk"),
        head("Status", SortBy::Status, "desk"),
    ]
}

impl Page {
    fn is_lead(&self) -> bool {
        self.kind == Kind::Lead
    }

    fn list_href(&self) -> &'static str {
        urls::people(self.kind)
    }

    fn new_href(&self) -> String {
        urls::new_person(self.kind)
    }

    fn next_email_head(&self) -> Head {
        let by = SortBy::NextEmail;
        Head { label: "Next email", href: self.query.sorted(self.kind, by), sort: self.query.sort_of(by), kind: "wide" }
    }
}

/// What the filters of a kind can be set to.
pub async fn choices(tx: &mut Tx, kind: Kind) -> Result<Choices> {
    let owners = users::list(tx).await?.into_iter().map(|user| choice(user.id.to_string(), user.name));
    let mut states = vec![choice("none", "In no sequence now"), choice("never", "Never in a sequence")];
    for (sequence, _) in sequences::page(tx, SequenceFilter::default(), None, MOST_SEQUENCES).await? {
        for (state, words) in
            [("ongoing", "Ongoing in"), ("active", "Active in"), ("blocked", "Blocked in"), ("finished", "Completed")]
        {
            states.push(choice(format!("{state}:{}", sequence.id), format!("{words} {}", sequence.name)));
        }
    }
    Ok(Choices {
        owners: [choice("none", "Nobody")].into_iter().chain(owners).collect(),
        sequences: states,
        statuses: people_choices::statuses(tx, kind).await?,
        tags: people_choices::tags(tx).await?,
    })
}

fn chips(query: &ListQuery, kind: Kind, choices: &Choices) -> Vec<Chip> {
    let label = |list: &[Choice], value: &str| {
        list.iter()
            .find(|choice| choice.value == value)
            .map_or_else(|| "unknown".to_owned(), |choice| choice.label.clone())
    };
    let set = [
        ("status", "Status", query.status.clone()),
        ("owner", "Owner", label(&choices.owners, &query.owner)),
        ("email", "Email", if query.email == "no" { "missing".to_owned() } else { "there".to_owned() }),
        ("sequence", "Sequence", label(&choices.sequences, &query.sequence)),
        ("tag", "Tag", query.tag.clone()),
        ("blocked", "Blocked", query.blocked.replace('_', " ")),
    ];
    let pairs = query.pairs();
    let is_set = |part: &str| pairs.iter().any(|(name, value)| *name == part && !value.is_empty());
    set.into_iter()
        .filter(|(part, ..)| is_set(part))
        .map(|(part, label, words)| Chip { label, words, remove: query.without(kind, part) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: Vec<Row>) -> Page {
        let query = ListQuery { status: "New".into(), ..ListQuery::default() };
        let choices = Choices { statuses: vec!["New".into(), "Working".into()], ..Choices::default() };
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            kind: Kind::Lead,
            title: "Leads",
            sub: "People you are still qualifying.".into(),
            chips: chips(&query, Kind::Lead, &choices),
            heads: heads(&query, Kind::Lead),
            total: 4312,
            matching: "4,312".into(),
            paging: "The first 50 of 4,312".into(),
            previous: String::new(),
            next: "/leads?cursor=x".into(),
            rows,
            choices,
            query,
        }
    }

    #[test]
    fn the_table_offers_all_that_match_and_every_bulk_action() {
        let html = page(super::super::rows::samples()).render().expect("a page");
        for words in [
            "Select all 4,312 that match",
            "Sequence",
            "Convert",
            "Retry",
            "Assign owner",
            "Delete",
            "Maya Okafor",
            "aria-sort=\"ascending\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(html.contains("Remove the filter Status New"));
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        let html = page(Vec::new()).render().expect("a page");
        assert!(html.contains("Nobody matches these filters"));
    }
}
