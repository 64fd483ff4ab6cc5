//! Leads, contacts and smart lists: search, rules, order, columns, pages, and what the check boxes act on.
//!
//! One page draws them all, as a table or as a compact list with the record beside it. What it asks is a [`ListQuery`];
//! a smart list is one that was saved.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::list::{List, Shape};
use relance_domain::person::Kind;
use relance_domain::{PersonId, UserId};
use relance_storage::people_fields::{self, PeopleField};
use relance_storage::people_lists::{self, Page as PeoplePage, PeopleQuery};
use relance_storage::people_part::LOOKED_THROUGH;
use relance_storage::{Tx, custom_fields, people, people_views, users};

use super::chips::{self, Chip};
use super::fields;
use super::query::{ListQuery, PAGE};
use super::rows::{Cell, Look, Row, rows};
use crate::app::App;
use crate::errors::Result;
use crate::extract::Query;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

pub use crate::pages::form::Choice;

/// Matches are counted up to here unless the exact number is asked for.
pub const MOST_COUNTED: usize = 10_000;

/// A column head.
#[derive(Clone, Debug, Default)]
pub struct Head {
    label: String,
    href: String,
    sort: &'static str,
    kind: &'static str,
}

/// A smart list, as its page shows it.
#[derive(Clone, Debug, Default)]
pub struct Smart {
    name: String,
    is_shared: bool,
    owner: String,
    may_change: bool,
    is_changed: bool,
    is_pinned: bool,
    href: String,
    save: String,
    edit: String,
    pin: String,
}

/// How many match.
#[derive(Clone, Debug, Default)]
pub struct Total {
    /// The number, as far as counted.
    pub number: usize,
    /// There are more.
    pub is_more: bool,
    /// `10,000+`.
    pub words: String,
}

impl Total {
    fn of((number, is_more): (usize, bool)) -> Self {
        Self { number, is_more, words: format!("{}{}", words::number(number), if is_more { "+" } else { "" }) }
    }
}

#[derive(Template)]
#[template(path = "people/list.html")]
struct Page {
    frame: Frame,
    kind: Kind,
    smart: Option<Smart>,
    title: String,
    sub: String,
    exact: String,
    query: ListQuery,
    hidden: Vec<(String, String)>,
    chips: Vec<Chip>,
    heads: Vec<Head>,
    rows: Vec<Row>,
    found: Total,
    paging: String,
    previous: String,
    next: String,
    /// So many people were looked at so far, and nobody of them matches; empty if everyone was looked at.
    looked_at: String,
    is_index: bool,
}

/// The leads.
pub async fn leads(state: State<App>, visitor: Visitor, Query(query): Query<ListQuery>) -> Result<Response> {
    show(state, visitor, query, Kind::Lead, None).await
}

/// The contacts.
pub async fn contacts(state: State<App>, visitor: Visitor, Query(query): Query<ListQuery>) -> Result<Response> {
    show(state, visitor, query, Kind::Contact, None).await
}

/// The page of leads, contacts, or a smart list.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    query: ListQuery,
    kind: Kind,
    list: Option<(List, bool)>,
) -> Result<Response> {
    let mut tx = app.read().await?;
    let custom = custom_fields::list(&mut tx).await?;
    let fields = people_fields::fields(&mut tx).await?;
    let view = people_views::find(&mut tx, visitor.user.id, kind).await?;
    let users: HashMap<UserId, String> =
        users::list(&mut tx).await?.into_iter().map(|user| (user.id, user.name)).collect();
    let is_index = view.shape == Shape::Index;
    let chosen = if query.columns.is_empty() { &view.columns } else { &query.columns };
    let columns = fields::columns(&fields, chosen, kind);
    let asked = query.people(kind, visitor.sight.owners())?;
    let mut page = people_lists::list_part(&mut tx, &asked, LOOKED_THROUGH).await?;
    // Sorted and filtered by what is stored; shown with everyone else's emails counted in.
    app.engine.forecast_rows(&mut tx, &mut page.rows).await?;
    let total = total(&mut tx, &asked, query.is_exact).await?;
    let companies: Vec<PersonId> = page.rows.iter().filter_map(|row| row.person.fields.company_id).collect();
    let companies: HashMap<_, _> = people::names(&mut tx, &companies).await?.into_iter().collect();
    let mut rows = rows(
        &page,
        &Look { companies: &companies, visitor: &visitor, columns: &columns, custom: &custom, users: &users },
    );
    // A person opened from here knows the list: its place in it, the next and the one before.
    let from = query.at(kind, "");
    rows.iter_mut().for_each(|row| row.href = urls::with_query(&row.href, &[("from", &from)]));
    let chips = chips::read(&mut tx, &query, kind, &fields, &users, &visitor).await?;
    let smart = list.as_ref().map(|(list, is_pinned)| smart(list, *is_pinned, &query, &users, &visitor));
    let mut frame = visitor.frame(if smart.is_some() { "lists" } else { section(kind) });
    if let Some(smart) = &smart {
        frame.smart_lists.iter_mut().for_each(|pinned| pinned.is_current = pinned.href == smart.href);
    }
    answer::page(&Page {
        frame,
        kind,
        title: smart.as_ref().map_or_else(|| title(kind).to_owned(), |smart| smart.name.clone()),
        sub: sub(&mut tx, &query, (kind, smart.as_ref()), &total, &visitor).await?,
        exact: if total.is_more { exact(&query, kind) } else { String::new() },
        hidden: query.hidden(),
        chips,
        heads: heads(&query, kind, &columns),
        paging: paging(&query, &page, &total),
        previous: page.previous_cursor.as_ref().map(|cursor| query.at(kind, &cursor.to_string())).unwrap_or_default(),
        next: page.next_cursor.as_ref().map(|cursor| query.at(kind, &cursor.to_string())).unwrap_or_default(),
        looked_at: page.looked_at.map(words::number).unwrap_or_default(),
        smart,
        rows,
        found: total,
        is_index,
        query,
    })
}

/// The entry of the bar.
pub const fn section(kind: Kind) -> &'static str {
    match kind {
        Kind::Lead => "leads",
        Kind::Contact => "contacts",
    }
}

pub(super) const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Lead => "Leads",
        Kind::Contact => "Contacts",
    }
}

async fn total(tx: &mut Tx, asked: &PeopleQuery, is_exact: bool) -> Result<Total> {
    let asked = PeopleQuery { cursor: None, ..asked.clone() };
    Ok(Total::of(match is_exact {
        true => people_lists::count(tx, &asked, usize::MAX >> 1).await?,
        false => people_lists::count_part(tx, &asked, MOST_COUNTED, LOOKED_THROUGH).await?,
    }))
}

fn exact(query: &ListQuery, kind: Kind) -> String {
    let href = query.href(kind);
    format!("{href}{}exact=1", if href.contains('?') { '&' } else { '?' })
}

fn smart(list: &List, is_pinned: bool, query: &ListQuery, users: &HashMap<UserId, String>, visitor: &Visitor) -> Smart {
    Smart {
        name: list.name.clone(),
        is_shared: list.shared,
        owner: users.get(&list.owner_id).cloned().unwrap_or_default(),
        may_change: list.is_changed_by(&visitor.actor),
        is_changed: query.is_edited && !query.is_same(&ListQuery::of_list(list)),
        is_pinned,
        href: urls::list(list.id),
        save: urls::list_action(list.id, "save"),
        edit: urls::list_action(list.id, "edit"),
        pin: urls::list_action(list.id, if is_pinned { "unpin" } else { "pin" }),
    }
}

async fn sub(
    tx: &mut Tx,
    query: &ListQuery,
    (kind, smart): (Kind, Option<&Smart>),
    total: &Total,
    visitor: &Visitor,
) -> Result<String> {
    let what = match (smart, kind) {
        (Some(smart), _) if smart.is_shared => format!("{}, shared by {}.", title(kind), smart.owner),
        (Some(_), _) => format!("{}, a private list.", title(kind)),
        (None, Kind::Lead) => "People you are still qualifying.".to_owned(),
        (None, Kind::Contact) => "People and companies you work with.".to_owned(),
    };
    if !query.is_narrowed() {
        return Ok(format!("{what} {} in all.", total.words));
    }
    let all = PeopleQuery { kind: Some(kind), visible_to: visitor.sight.owners(), ..PeopleQuery::default() };
    let all = Total::of(people_lists::count(tx, &all, MOST_COUNTED).await?);
    let verb = if total.number == 1 { "matches" } else { "match" };
    Ok(format!("{what} {} of {} {verb} these filters.", total.words, all.words))
}

fn paging(query: &ListQuery, page: &PeoplePage, total: &Total) -> String {
    let shown = page.rows.len();
    if let Some(looked_at) = page.looked_at {
        return format!("{} found among {} people", words::number(shown), words::number(looked_at));
    }
    match (query.cursor.is_empty(), total.number <= shown) {
        (true, true) => words::people(shown as u64),
        (true, false) => format!("The first {} of {}", words::number(PAGE.min(shown)), total.words),
        (false, _) => format!("{} of {}", words::number(shown), total.words),
    }
}

fn heads(query: &ListQuery, kind: Kind, columns: &[&PeopleField]) -> Vec<Head> {
    let head = |key: &str, label: &str| Head {
        label: label.to_owned(),
        href: query.sorted(kind, key),
        sort: query.sort_of(key),
        kind: if key == "last_activity_at" { "num" } else { "" },
    };
    std::iter::once(head("name", "Name")).chain(columns.iter().map(|field| head(&field.field, &field.label))).collect()
}

impl Page {
    fn is_lead(&self) -> bool {
        self.kind == Kind::Lead
    }

    /// Where the list begins with nothing asked.
    fn list_href(&self) -> String {
        self.query.plain(self.kind)
    }

    fn everyone(&self) -> String {
        self.query.everyone(self.kind)
    }

    fn new_href(&self) -> String {
        urls::new_person(self.kind)
    }

    fn filter_href(&self) -> String {
        urls::of_list(urls::PEOPLE_FILTER, self.kind, &self.hidden)
    }

    fn columns_href(&self) -> String {
        urls::of_list(urls::PEOPLE_COLUMNS, self.kind, &self.hidden)
    }

    fn save_href(&self) -> String {
        urls::of_list(urls::NEW_LIST, self.kind, &self.hidden)
    }

    fn export_href(&self) -> String {
        urls::of_list(urls::PEOPLE_EXPORT, self.kind, &self.hidden)
    }

    fn shows_match(&self) -> bool {
        self.query.rules.len() > 1
    }

    fn match_href(&self) -> String {
        self.query.matching(self.kind, !self.query.any)
    }

    /// What the search form carries on besides the search.
    fn carried(&self) -> impl Iterator<Item = &(String, String)> {
        self.hidden.iter().filter(|(name, _)| name != "q" && name != "list")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: Vec<Row>, smart: Option<Smart>, is_index: bool) -> String {
        drawn(rows, smart, is_index, false)
    }

    fn drawn(rows: Vec<Row>, smart: Option<Smart>, is_index: bool, looked_through: bool) -> String {
        let mut query = ListQuery::default();
        query.set("rule", "status:is:New");
        let fields = fields::samples();
        let columns = fields::columns(&fields, &[], Kind::Lead);
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            kind: Kind::Lead,
            title: smart.as_ref().map_or("Leads".into(), |smart: &Smart| smart.name.clone()),
            smart,
            sub: "People you are still qualifying.".into(),
            exact: "/leads?exact=1".into(),
            chips: chips::samples(&query),
            heads: heads(&query, Kind::Lead, &columns),
            hidden: query.hidden(),
            found: Total::of((4312, false)),
            paging: "The first 50 of 4,312".into(),
            previous: String::new(),
            next: "/leads?cursor=x".into(),
            looked_at: if looked_through { "50,000".into() } else { String::new() },
            rows,
            is_index,
            query,
        }
        .render()
        .expect("a page")
    }

    #[test]
    fn the_table_offers_all_that_match_and_every_bulk_action() {
        let html = page(super::super::rows::samples(), None, false);
        let wanted =
            ["Select all 4,312 that match", "Sequence", "Convert", "Retry", "Assign owner", "Export", "Delete"];
        for words in wanted.into_iter().chain(["Maya Okafor", "aria-sort=\"ascending\"", "Show the exact number"]) {
            assert!(html.contains(words), "{words}");
        }
        assert!(html.contains("Remove the filter Status New") && html.contains("Change the filter Status New"));
    }

    #[test]
    fn the_index_shows_the_same_people_beside_a_record() {
        let html = page(super::super::rows::samples(), None, true);
        assert!(html.contains("id=\"record\"") && html.contains("Maya Okafor") && html.contains("data-row"));
        assert!(!html.contains("<table"));
    }

    #[test]
    fn a_changed_smart_list_offers_to_save_or_to_save_as_new() {
        let smart = Smart { name: "UK depots".into(), is_changed: true, may_change: true, ..Smart::default() };
        let html = page(super::super::rows::samples(), Some(smart), false);
        assert!(html.contains(">Changed<") && html.contains("Save as new") && !html.contains("Pin to the bar"));
    }

    #[test]
    fn a_look_through_a_part_says_so_and_goes_on() {
        let html = drawn(Vec::new(), None, false, true);
        assert!(html.contains("Nobody among these 50,000") && html.contains("href=\"/leads?cursor=x\""), "{html}");
        assert!(!html.contains("Nobody matches these filters"));
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        assert!(page(Vec::new(), None, false).contains("Nobody matches these filters"));
    }
}
