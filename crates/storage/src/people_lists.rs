//! Lists of people: search, filters, sorting and pages that stay fast at a million people.
//!
//! A page begins at a key, never at an offset: every sort has its index, and what is joined (sequences, next email,
//! last activity) is fetched for the people of the page only. A search finds words by their beginning. Sorted by next
//! email, people without one come last. A cursor of another sort is refused.

use crate::{
    error::Result,
    people::{self, COLUMNS, person, search_words},
    people_filter::Condition,
    people_query::{Key, LONGEST_PAGE, unknown_page},
    people_sequences::{self, InSequence, NextEmail},
    tx::Tx,
    value::{Row, Value},
};
pub use crate::{
    people_filter::{Filter, Rule},
    people_query::{Cursor, PeopleQuery, SortBy},
};
use relance_domain::{
    PersonId, Timestamp, UserId,
    person::{Kind, Person},
};
use std::fmt::Write as _;

/// A person as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The person.
    pub person: Person,
    /// Their unfinished enrollments, the oldest first.
    pub ongoing: Vec<InSequence>,
    /// Their finished enrollments, the oldest first.
    pub completed: Vec<InSequence>,
    /// When the next email leaves, or what it waits for.
    pub next_email: NextEmail,
    /// The last event in their history.
    pub last_activity_at: Option<Timestamp>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The people, in the order asked for.
    pub rows: Vec<PersonRow>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<Cursor>,
    /// Where the page before ends, if there is one.
    pub previous_cursor: Option<Cursor>,
}

/// A statement with its values.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL.
    pub sql: String,
    /// The values.
    pub args: Vec<Value>,
}

/// One page of people.
pub async fn list(tx: &mut Tx, query: &PeopleQuery) -> Result<Page> {
    let limit = if query.limit == 0 { 50 } else { query.limit.min(LONGEST_PAGE) };
    let backwards = query.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let mut found = scan(tx, query, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    if backwards {
        found.reverse();
    }
    let edge = |found: Option<&(Key, Person)>, backwards: bool| {
        found.map(|(key, person)| Cursor { key: key.clone(), id: person.id, backwards })
    };
    let (before, after) = if backwards { (more, true) } else { (query.cursor.is_some(), more) };
    let next_cursor = edge(found.last().filter(|_| after), false);
    let previous_cursor = edge(found.first().filter(|_| before), true);
    let rows = complete(tx, found.into_iter().map(|(_, person)| person).collect()).await?;
    Ok(Page { rows, next_cursor, previous_cursor })
}

/// People as a list shows them, in the order given.
pub async fn complete(tx: &mut Tx, people: Vec<Person>) -> Result<Vec<PersonRow>> {
    let ids: Vec<PersonId> = people.iter().map(|person| person.id).collect();
    let mut sequences = people_sequences::of_people(tx, &ids).await?;
    let mut last = people_sequences::last_activities(tx, &ids).await?;
    let row = |person: Person| {
        let (completed, ongoing): (Vec<_>, Vec<_>) =
            sequences.remove(&person.id).unwrap_or_default().into_iter().partition(InSequence::is_finished);
        let next_email = people_sequences::next_email(&ongoing);
        PersonRow { last_activity_at: last.remove(&person.id), person, ongoing, completed, next_email }
    };
    Ok(people.into_iter().map(row).collect())
}

/// A person as a list shows it; `None` if there is none, or deleted or merged.
pub async fn find_row(tx: &mut Tx, id: PersonId) -> Result<Option<PersonRow>> {
    let found = people::find(tx, id).await?;
    Ok(complete(tx, found.into_iter().collect()).await?.pop())
}

/// Up to `limit` people from the cursor on, in the direction of the cursor.
async fn scan(tx: &mut Tx, query: &PeopleQuery, limit: usize) -> Result<Vec<(Key, Person)>> {
    let mut found = Vec::new();
    for statement in statements(tx, query, limit)? {
        if query.sort == SortBy::NextEmail && found.len() >= limit {
            break;
        }
        let read = |row: &Row| Ok((statement.key(query.sort, row)?, person(row)?));
        found.extend(tx.all(&statement.statement.sql, statement.statement.args.clone(), read).await?);
    }
    if query.sort != SortBy::NextEmail {
        let reversed = query.descending != query.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
        found.sort_by(|(a_key, a), (b_key, b)| {
            let order = (a_key, a.id).cmp(&(b_key, b.id));
            if reversed { order.reverse() } else { order }
        });
    }
    found.truncate(limit);
    Ok(found)
}

struct Scan {
    statement: Statement,
    without_key: bool,
}

impl Scan {
    fn key(&self, sort: SortBy, row: &Row) -> Result<Key> {
        if self.without_key { Ok(Key::Nothing) } else { sort.key(row) }
    }
}

/// The statements behind a page of `limit` people: one per kind, or with and without a next email.
pub fn page_statements(tx: &Tx, query: &PeopleQuery, limit: usize) -> Result<Vec<Statement>> {
    Ok(statements(tx, query, limit)?.into_iter().map(|scan| scan.statement).collect())
}

fn statements(tx: &Tx, query: &PeopleQuery, limit: usize) -> Result<Vec<Scan>> {
    let from = query.cursor.as_ref().map(|cursor| (&cursor.key, cursor.id));
    let backwards = query.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    if query.sort != SortBy::NextEmail {
        let kinds = query.kind.map_or(vec![Kind::Lead, Kind::Contact], |kind| vec![kind]);
        let scan = |kind| {
            let statement = sorted(tx, query, kind, from, query.descending != backwards, limit)?;
            Ok(Scan { statement, without_key: false })
        };
        return kinds.into_iter().map(scan).collect();
    }
    let with = |from| -> Result<Scan> {
        let statement = by_next_email(tx, query, from, query.descending != backwards, limit)?;
        Ok(Scan { statement, without_key: false })
    };
    let without = |from: Option<PersonId>| -> Result<Scan> {
        Ok(Scan { statement: without_email(tx, query, from, backwards, limit)?, without_key: true })
    };
    Ok(match (from, backwards) {
        (Some((Key::Nothing, id)), false) => vec![without(Some(id))?],
        (Some((Key::Nothing, id)), true) => vec![without(Some(id))?, with(None)?],
        (from, false) => vec![with(from)?, without(None)?],
        (from, true) => vec![with(from)?],
    })
}

/// The conditions every list shares: not deleted, kind, visibility, search, filter.
fn conditions<'a>(tx: &'a Tx, query: &PeopleQuery, kind: Option<Kind>) -> Result<(Condition<'a>, String)> {
    let mut condition = Condition::new(tx, vec![]);
    let mut parts = vec!["p.deleted_at IS NULL".to_owned()];
    if let Some(kind) = kind {
        parts.push(format!("p.kind = {}", condition.bind(kind.as_str())));
    }
    if let Some(owners) = &query.visible_to {
        let places: Vec<String> = owners.iter().map(|owner| condition.bind(*owner)).collect();
        parts.push(if places.is_empty() {
            "p.owner_id IS NULL".to_owned()
        } else {
            format!("(p.owner_id IS NULL OR p.owner_id IN ({}))", places.join(", "))
        });
    }
    if !query.search.trim().is_empty() {
        let words = search_words(&query.search);
        if words.is_empty() {
            parts.push("1 = 0".to_owned());
        } else {
            condition.bind(tx.search_query(&words));
            parts.push(tx.matches_search(condition.args.len()));
        }
    }
    parts.push(condition.filter(&query.filter, "filter", 0)?);
    Ok((condition, parts.join(" AND ")))
}

fn beyond(
    condition: &mut Condition<'_>,
    column: &str,
    id: &str,
    from: (&Key, PersonId),
    descending: bool,
) -> Result<String> {
    let key = match from.0 {
        Key::Text(text) => condition.bind(text),
        Key::Int(number) => condition.bind(*number),
        Key::Nothing => return Err(unknown_page().into()),
    };
    let place = condition.bind(from.1);
    Ok(format!(" AND ({column}, {id}) {} ({key}, {place})", if descending { "<" } else { ">" }))
}

fn sorted(
    tx: &Tx,
    query: &PeopleQuery,
    kind: Kind,
    from: Option<(&Key, PersonId)>,
    descending: bool,
    limit: usize,
) -> Result<Statement> {
    let (mut condition, mut text) = conditions(tx, query, Some(kind))?;
    let column = query.sort.column();
    if let Some(from) = from {
        let fits = match query.sort {
            SortBy::CreatedAt | SortBy::UpdatedAt => matches!(from.0, Key::Int(_)),
            _ => matches!(from.0, Key::Text(_)),
        };
        if !fits {
            return Err(unknown_page().into());
        }
        text += &beyond(&mut condition, column, "p.id", from, descending)?;
    }
    let (limit, order) = (condition.bind(limit), if descending { "DESC" } else { "ASC" });
    let sql = format!(
        "SELECT {COLUMNS}, {column} AS sort_key FROM people p WHERE {text} ORDER BY {column} {order}, p.id {order} LIMIT {limit}"
    );
    Ok(Statement { sql, args: condition.args })
}

/// Enrollment `{alias}` has an email that is due by the clock alone.
fn emailing(alias: &str) -> String {
    format!("{alias}.state = 'active' AND {alias}.step_action = 'automated_email'")
}

fn by_next_email(
    tx: &Tx,
    query: &PeopleQuery,
    from: Option<(&Key, PersonId)>,
    descending: bool,
    limit: usize,
) -> Result<Statement> {
    let (mut condition, mut text) = conditions(tx, query, query.kind)?;
    if let Some(from) = from {
        if !matches!(from.0, Key::Int(_)) {
            return Err(unknown_page().into());
        }
        text += &beyond(&mut condition, "n.due_at", "n.person_id", from, descending)?;
    }
    let (limit, order) = (condition.bind(limit), if descending { "DESC" } else { "ASC" });
    let sql = format!(
        "SELECT {COLUMNS}, n.due_at AS sort_key FROM enrollments n JOIN people p ON p.id = n.person_id
        WHERE {} AND NOT EXISTS (SELECT 1 FROM enrollments o WHERE o.person_id = n.person_id AND {}
            AND (o.due_at, o.id) < (n.due_at, n.id)) AND {text}
        ORDER BY n.due_at {order}, n.person_id {order} LIMIT {limit}",
        emailing("n"),
        emailing("o")
    );
    Ok(Statement { sql, args: condition.args })
}

fn without_email(
    tx: &Tx,
    query: &PeopleQuery,
    from: Option<PersonId>,
    backwards: bool,
    limit: usize,
) -> Result<Statement> {
    let (mut condition, mut text) = conditions(tx, query, query.kind)?;
    let (compare, order) = if backwards { ("<", "DESC") } else { (">", "ASC") };
    if let Some(from) = from {
        let _ = write!(text, " AND p.id {compare} {}", condition.bind(from));
    }
    let limit = condition.bind(limit);
    let sql = format!(
        "SELECT {COLUMNS} FROM people p WHERE {text}
            AND NOT EXISTS (SELECT 1 FROM enrollments o WHERE o.person_id = p.id AND {})
        ORDER BY p.id {order} LIMIT {limit}",
        emailing("o")
    );
    Ok(Statement { sql, args: condition.args })
}

/// How many people the query finds, counted up to `at_most`; and whether there are more.
pub async fn count(tx: &mut Tx, query: &PeopleQuery, at_most: usize) -> Result<(usize, bool)> {
    let (mut condition, text) = conditions(tx, query, query.kind)?;
    let limit = condition.bind(at_most + 1);
    let sql =
        format!("SELECT COUNT(*) AS number FROM (SELECT 1 AS one FROM people p WHERE {text} LIMIT {limit}) found");
    let args = condition.args;
    let found = tx.one(&sql, args, |row| row.count("number")).await? as usize;
    Ok((found.min(at_most), found > at_most))
}

/// Up to `limit` ids of the people the query finds, by id, after `after`: to work through all that match in chunks.
pub async fn ids(tx: &mut Tx, query: &PeopleQuery, after: Option<PersonId>, limit: usize) -> Result<Vec<PersonId>> {
    let (mut condition, mut text) = conditions(tx, query, query.kind)?;
    if let Some(after) = after {
        let _ = write!(text, " AND p.id > {}", condition.bind(after));
    }
    let limit = condition.bind(limit);
    let sql = format!("SELECT p.id FROM people p WHERE {text} ORDER BY p.id LIMIT {limit}");
    let args = condition.args;
    tx.all(&sql, args, |row| row.id("id")).await
}

/// The first people whose words begin with those of `search`, by name: for pickers and the palette.
pub async fn suggest(
    tx: &mut Tx,
    search: &str,
    kind: Option<Kind>,
    visible_to: Option<Vec<UserId>>,
    limit: usize,
) -> Result<Vec<Person>> {
    let query = PeopleQuery { kind, search: search.to_owned(), visible_to, ..PeopleQuery::default() };
    Ok(scan(tx, &query, limit).await?.into_iter().map(|(_, person)| person).collect())
}
