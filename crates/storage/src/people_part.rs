//! A part of a list: the people who are looked at where nothing leads to those who match.
//!
//! A text within a field has no index on either engine, so a list of a million people of whom nobody has it would be read
//! to its end for one page. It is read a part at a time instead: the order of the list tells where the part ends, by an
//! index alone, and the page says how many were looked at.

use crate::{
    error::Result,
    people_facts::Facts,
    people_filter::Condition,
    people_pages::{Search, Statement, beyond, look_up},
    people_query::{Key, PeopleQuery, SortBy, unknown_page},
    tx::Tx,
    value::Value,
};
use relance_domain::{PersonId, person::Kind};

/// People looked at for a page or a number where nothing leads to those who match.
pub const LOOKED_THROUGH: usize = 50_000;

/// Where a part of a list ends: a sort key and whose it is.
pub(crate) type Edge = (Key, PersonId);

/// Where a look through `looks_at` people ends; `None` if nothing has to be read through, or there are fewer.
pub(crate) async fn edge(tx: &mut Tx, query: &PeopleQuery, looks_at: usize) -> Result<Option<Edge>> {
    let Some(kind) = query.kind.filter(|_| !matches!(query.sort, SortBy::NextEmail | SortBy::Field(_))) else {
        return Ok(None);
    };
    // A cursor of another sort is refused where the page is read.
    let fits = |key: &Key| match query.sort {
        SortBy::CreatedAt | SortBy::UpdatedAt => matches!(key, Key::Int(_)),
        _ => matches!(key, Key::Text(_)),
    };
    if query.cursor.as_ref().is_some_and(|cursor| !fits(&cursor.key)) {
        return Ok(None);
    }
    let (search, facts) = (look_up(tx, &query.search).await?, Facts::of(tx, query).await?);
    if !is_read_through(query, &search, &facts) {
        return Ok(None);
    }
    let Statement { sql, args } = edge_statement(tx, query, kind, looks_at)?;
    tx.first(&sql, args, |row| Ok((query.sort.key(row)?, row.id("id")?))).await
}

/// Nothing leads to those who meet the filter but reading what everyone has: a text is looked for within others.
fn is_read_through(query: &PeopleQuery, search: &Search, facts: &Facts) -> bool {
    let within = |op: &str| matches!(op, "contains" | "not_contains");
    matches!(search, Search::Everyone) && facts.led_by.is_none() && facts.has_rule_of_all(&query.filter, within)
}

/// The statement that finds the last of `looks_at` people from the cursor on, in the order of the list.
pub fn edge_statement(tx: &Tx, query: &PeopleQuery, kind: Kind, looks_at: usize) -> Result<Statement> {
    let facts = Facts::default();
    let mut condition = Condition::new(tx, &facts, vec![Value::from(kind.as_str())]);
    let column = query.sort.column();
    let backwards = query.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let descending = query.descending != backwards;
    let mut text = String::from("p.deleted_at IS NULL AND p.kind = $1");
    if let Some(cursor) = &query.cursor {
        text += &beyond(&mut condition, column, "p.id", (&cursor.key, cursor.id), descending)?;
    }
    let people = query.sort.index().map_or_else(|| "people p".to_owned(), |index| tx.people_in_order(index));
    let (skipped, order) = (condition.bind(looks_at - 1), if descending { "DESC" } else { "ASC" });
    let sql = format!(
        "SELECT p.id, {column} AS sort_key FROM {people} WHERE {text}
        ORDER BY {column} {order}, p.id {order} LIMIT 1 OFFSET {skipped}"
    );
    Ok(Statement { sql, args: condition.args })
}

/// Nobody beyond the last who is looked at.
pub(crate) fn up_to(condition: &mut Condition<'_>, column: &str, edge: &Edge, descending: bool) -> Result<String> {
    let key = match &edge.0 {
        Key::Text(text) => condition.bind(text.as_str()),
        Key::Int(number) => condition.bind(*number),
        Key::Nothing => return Err(unknown_page().into()),
    };
    let place = condition.bind(edge.1);
    Ok(format!(" AND ({column}, p.id) {} ({key}, {place})", if descending { ">=" } else { "<=" }))
}
