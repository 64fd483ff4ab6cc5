//! Lists of people: search, filters, sorting and pages that stay fast at a million people.
//!
//! A page begins at a key, never at an offset: every sort has its index, and what is joined (sequences, next email,
//! last activity) is fetched for the people of the page only. A search finds words by their beginning: if it finds few
//! people, they are taken from the index of words and sorted; if many, the order is followed until a page is full.
//! Sorted by next email, people without one come last. A cursor of another sort is refused.

use crate::{
    custom_fields,
    error::Result,
    people::{self, person},
    people_facts::{Facts, Leader},
    people_pages::{Asked, Prepared, ask, look_up, statements, ways_to_count},
    people_part::{Edge, edge, up_to},
    people_query::{BY_ID, Key, LONGEST_PAGE},
    people_sequences::{self, InSequence, NextEmail, WaitsFor},
    people_sorted,
    tx::Tx,
    value::Row,
};
pub use crate::{
    people_filter::{Filter, Rule},
    people_pages::Statement,
    people_query::{Cursor, PeopleQuery, SortBy},
};
use relance_domain::{
    PersonId, Refused, Timestamp, UserId, custom_field,
    person::{Kind, Person},
    task,
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
    /// What it waits for; only who forecasts knows.
    pub waits_for: Option<WaitsFor>,
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
    /// So many people were looked at, and there are more: the page has those of them who match.
    pub looked_at: Option<usize>,
}

/// One page of people.
pub async fn list(tx: &mut Tx, query: &PeopleQuery) -> Result<Page> {
    page_until(tx, query, None).await
}

/// One page of people that looks at no more than `looks_at` where only reading everyone would find them: a text within
/// a field. The page then ends with the last who was looked at, and the next goes on there.
pub async fn list_part(tx: &mut Tx, query: &PeopleQuery, looks_at: usize) -> Result<Page> {
    let edge = edge(tx, query, looks_at).await?;
    let mut page = page_until(tx, query, edge.as_ref()).await?;
    let backwards = query.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let is_full = if backwards { page.previous_cursor.is_some() } else { page.next_cursor.is_some() };
    if let Some((key, id)) = edge.filter(|_| !is_full) {
        let cursor = Some(Cursor { key, id, backwards });
        page.looked_at = Some(looks_at);
        if backwards { page.previous_cursor = cursor } else { page.next_cursor = cursor }
    }
    Ok(page)
}

async fn page_until(tx: &mut Tx, query: &PeopleQuery, until: Option<&Edge>) -> Result<Page> {
    let limit = if query.limit == 0 { 50 } else { query.limit.min(LONGEST_PAGE) };
    let backwards = query.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let mut found = scan_until(tx, query, limit + 1, until).await?;
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
    Ok(Page { rows, next_cursor, previous_cursor, looked_at: None })
}

/// People as a list shows them, in the order given.
pub async fn complete(tx: &mut Tx, people: Vec<Person>) -> Result<Vec<PersonRow>> {
    let ids: Vec<PersonId> = people.iter().map(|person| person.id).collect();
    let mut sequences = people_sequences::of_people(tx, &ids).await?;
    let mut last = people_sequences::last_activities(tx, &ids).await?;
    // Values of a deleted field stay stored and are shown nowhere.
    let custom = people.iter().any(|person| !person.fields.custom_fields.is_empty());
    let definitions = if custom { custom_fields::list(tx).await? } else { vec![] };
    let row = |mut person: Person| {
        custom_field::visible(&definitions, &mut person.fields.custom_fields);
        let (mut completed, mut ongoing): (Vec<_>, Vec<_>) =
            sequences.remove(&person.id).unwrap_or_default().into_iter().partition(InSequence::is_finished);
        let next_email = people_sequences::next_email(&ongoing);
        for named in [&mut completed, &mut ongoing] {
            named.retain(|one| one.sequence_id != task::EMAILS);
        }
        let last_activity_at = last.remove(&person.id);
        PersonRow { last_activity_at, person, ongoing, completed, next_email, waits_for: None }
    };
    Ok(people.into_iter().map(row).collect())
}

/// A person as a list shows it; `None` if there is none, or deleted or merged.
pub async fn find_row(tx: &mut Tx, id: PersonId) -> Result<Option<PersonRow>> {
    let found = people::find(tx, id).await?;
    Ok(complete(tx, found.into_iter().collect()).await?.pop())
}

/// Up to `limit` people from the cursor on, in the direction of the cursor.
pub(crate) async fn scan(tx: &mut Tx, query: &PeopleQuery, limit: usize) -> Result<Vec<(Key, Person)>> {
    scan_until(tx, query, limit, None).await
}

async fn scan_until(
    tx: &mut Tx,
    query: &PeopleQuery,
    limit: usize,
    until: Option<&Edge>,
) -> Result<Vec<(Key, Person)>> {
    let mut found = Vec::new();
    let (search, facts) = (look_up(tx, &query.search).await?, Facts::of(tx, query).await?);
    let prepared = Prepared { query, search: &search, facts: &facts, until };
    if let SortBy::Field(field) = &query.sort {
        return people_sorted::scan(tx, prepared, field, limit).await;
    }
    for statement in statements(tx, prepared, limit)? {
        if query.sort == SortBy::NextEmail && found.len() >= limit {
            break;
        }
        let read = |row: &Row| Ok((statement.key(&query.sort, row)?, person(row)?));
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

/// The statements behind a page of `limit` people: one per kind, or with and without a next email.
pub async fn page_statements(tx: &mut Tx, query: &PeopleQuery, limit: usize) -> Result<Vec<Statement>> {
    let (search, facts) = (look_up(tx, &query.search).await?, Facts::of(tx, query).await?);
    let prepared = Prepared { query, search: &search, facts: &facts, until: None };
    if let SortBy::Field(field) = &query.sort {
        return Ok(vec![people_sorted::statement(tx, prepared, field)?]);
    }
    Ok(statements(tx, prepared, limit)?.into_iter().map(|scan| scan.statement).collect())
}

/// Refuses a filter, sort or column that there is not, at its place.
pub async fn check(tx: &mut Tx, query: &PeopleQuery, columns: &[String]) -> Result<()> {
    page_statements(tx, query, 1).await?;
    let known = crate::people_fields::columns(tx).await?;
    match columns.iter().position(|column| !known.contains(column)) {
        None => Ok(()),
        Some(at) => {
            let message = format!("There is no column “{}”.", columns[at]);
            Err(Refused::at(format!("columns[{at}]"), "unknown_column", message).into())
        }
    }
}

/// How many people the query finds, counted up to `at_most`; and whether there are more.
pub async fn count(tx: &mut Tx, query: &PeopleQuery, at_most: usize) -> Result<(usize, bool)> {
    count_until(tx, query, at_most, None).await
}

/// As [`count`], looking at no more than `looks_at` people where only reading everyone would count them: *at least so
/// many* then.
pub async fn count_part(tx: &mut Tx, query: &PeopleQuery, at_most: usize, looks_at: usize) -> Result<(usize, bool)> {
    let by_name = PeopleQuery { sort: SortBy::Name, descending: false, cursor: None, ..query.clone() };
    let edge = edge(tx, &by_name, looks_at).await?;
    let (number, is_more) = count_until(tx, &by_name, at_most, edge.as_ref()).await?;
    Ok((number, is_more || edge.is_some()))
}

async fn count_until(tx: &mut Tx, query: &PeopleQuery, at_most: usize, until: Option<&Edge>) -> Result<(usize, bool)> {
    let (ways, facts) = (ways_to_count(tx, &query.search).await?, facts_to_count(tx, query).await?);
    let mut found = 0;
    for search in ways {
        let prepared = Prepared { query, search: &search, facts: &facts, until };
        let Statement { sql, args } = count_statement(tx, prepared, at_most)?;
        found = tx.one(&sql, args, |row| row.count("number")).await? as usize;
        if found > at_most {
            break;
        }
    }
    Ok((found.min(at_most), found > at_most))
}

/// Whoever is counted without a rule is counted in an index alone; SQLite would read the people themselves, all of them
/// where a kind has few.
async fn facts_to_count(tx: &mut Tx, query: &PeopleQuery) -> Result<Facts> {
    let mut facts = Facts::of(tx, query).await?;
    if facts.led_by.is_none() && query.filter == Filter::default() && query.visible_to.is_none() {
        facts.led_by = Some(Leader::Order("people_by_name"));
    }
    Ok(facts)
}

fn count_statement(tx: &Tx, prepared: Prepared<'_>, at_most: usize) -> Result<Statement> {
    let Asked { mut condition, from, mut text } = ask(tx, prepared, prepared.query.kind)?;
    if let Some(edge) = prepared.until {
        text += &up_to(&mut condition, SortBy::Name.column(), edge, false)?;
    }
    let limit = condition.bind(at_most + 1);
    let sql =
        format!("SELECT COUNT(*) AS number FROM (SELECT 1 AS one FROM {from} WHERE {text} LIMIT {limit}) counted");
    Ok(Statement { sql, args: condition.args })
}

/// The statements by which people are counted up to `at_most`, in their order.
pub async fn count_statements(tx: &mut Tx, query: &PeopleQuery, at_most: usize) -> Result<Vec<Statement>> {
    let (ways, facts) = (ways_to_count(tx, &query.search).await?, facts_to_count(tx, query).await?);
    ways.iter()
        .map(|search| count_statement(tx, Prepared { query, search, facts: &facts, until: None }, at_most))
        .collect()
}

/// Up to `limit` ids of the people the query finds, by id, after `after`: to work through all that match in chunks.
pub async fn ids(tx: &mut Tx, query: &PeopleQuery, after: Option<PersonId>, limit: usize) -> Result<Vec<PersonId>> {
    let Statement { sql, args } = ids_statement(tx, query, after, limit).await?;
    tx.all(&sql, args, |row| row.id("id")).await
}

/// The statement of [`ids`].
pub async fn ids_statement(
    tx: &mut Tx,
    query: &PeopleQuery,
    after: Option<PersonId>,
    limit: usize,
) -> Result<Statement> {
    let (search, mut facts) = (look_up(tx, &query.search).await?, Facts::of(tx, query).await?);
    facts.lead_by_kind(tx, query.kind).await?;
    let prepared = Prepared { query, search: &search, facts: &facts, until: None };
    let Asked { mut condition, mut from, mut text } = ask(tx, prepared, query.kind)?;
    if !prepared.is_led() {
        from = tx.people_in_order(BY_ID);
    }
    if let Some(after) = after {
        let _ = write!(text, " AND p.id > {}", condition.bind(after));
    }
    let limit = condition.bind(limit);
    let sql = format!("SELECT p.id FROM {from} WHERE {text} ORDER BY p.id LIMIT {limit}");
    Ok(Statement { sql, args: condition.args })
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
