//! The SQL of a page of people: what is asked, from which key on, in which order.
//!
//! Every statement is served by the index of its sort. A search is looked up first: few finds are taken from the index
//! of words and sorted, many are met by following the order, which neither engine would choose by itself.

use crate::{
    args,
    error::Result,
    people::{COLUMNS, search_words},
    people_facts::{FEW, Facts, Leader, are_few},
    people_filter::{self, Condition},
    people_part::{Edge, up_to},
    people_query::{BY_ID, Key, PeopleQuery, SortBy, unknown_page},
    tx::Tx,
    value::{Row, Value},
};
use relance_domain::{PersonId, person::Kind};
use std::fmt::Write as _;

/// A statement with its values.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL.
    pub sql: String,
    /// The values.
    pub args: Vec<Value>,
}

pub(crate) struct Scan {
    pub(crate) statement: Statement,
    without_key: bool,
}

impl Scan {
    /// The sort key of a row it found.
    pub(crate) fn key(&self, sort: &SortBy, row: &Row) -> Result<Key> {
        if self.without_key { Ok(Key::Nothing) } else { sort.key(row) }
    }
}

/// The statements of a page: one per kind, or with and without a next email.
pub(crate) fn statements(tx: &Tx, query: Prepared<'_>, limit: usize) -> Result<Vec<Scan>> {
    let Prepared { query: asked, .. } = query;
    let from = asked.cursor.as_ref().map(|cursor| (&cursor.key, cursor.id));
    let backwards = asked.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    if asked.sort != SortBy::NextEmail {
        let kinds = asked.kind.map_or(vec![Kind::Lead, Kind::Contact], |kind| vec![kind]);
        let scan = |kind| {
            let statement = sorted(tx, query, kind, from, asked.descending != backwards, limit)?;
            Ok(Scan { statement, without_key: false })
        };
        return kinds.into_iter().map(scan).collect();
    }
    let with = |from| -> Result<Scan> {
        let statement = by_next_email(tx, query, from, asked.descending != backwards, limit)?;
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

/// A search, after a look at how many it finds.
pub(crate) enum Search {
    /// There is none.
    Everyone,
    /// It has no letter or digit: it finds nobody.
    Nobody,
    /// It finds few: the index of words leads to them.
    Few(Vec<String>),
    /// It finds many: they are met on any way.
    Many(Vec<String>),
    /// It is a word that many have: they are read one by one, in no order.
    OneByOne(String),
    /// Only those who have each word as it is, read one by one where the engine can.
    WholeWords(Vec<String>),
}

/// The search by the index of words, however many it finds: right where nothing is sorted.
pub(crate) fn by_index(search: &str) -> Search {
    let words = search_words(search);
    match words.is_empty() {
        true if search.trim().is_empty() => Search::Everyone,
        true => Search::Nobody,
        false => Search::Few(words),
    }
}

/// Looks how many people a search finds.
///
/// SQLite gathers everyone behind a word's beginning before it gives out the first (0.4 s at a million). So it is asked
/// first what it answers one by one: how many rows each beginning has, then how many people have the words as they are.
pub(crate) async fn look_up(tx: &mut Tx, search: &str) -> Result<Search> {
    let Search::Few(words) = by_index(search) else { return Ok(by_index(search)) };
    if tx.words_found(1, 2).is_some() {
        for word in &words {
            if !is_frequent(tx, word).await? {
                return Ok(Search::Few(words));
            }
        }
        if words.len() == 1 || finds_many(tx, tx.whole_words_query(&words)).await? {
            return Ok(Search::Many(words));
        }
    }
    let sampled = sampled(tx, &words).await?;
    if sampled.is_some_and(|part| part.share >= HALF || part.hits >= SURELY_MANY) {
        return Ok(Search::Many(words));
    }
    let found = finds_many(tx, tx.search_query(&words)).await?;
    Ok(if found { Search::Many(words) } else { Search::Few(words) })
}

/// Of a word that so large a part of all have, the order of the list soon meets enough.
const HALF: f64 = 0.5;
/// Of a word that this part has, the rows themselves are counted quicker than those the index of words names.
const TENTH: f64 = 0.1;
/// So many hits of a sample's estimate are more than [`FEW`] whatever chance did.
const SURELY_MANY: f64 = 4.0 * FEW as f64;
/// People looked at to learn how many have some words.
const SAMPLE: f64 = 3_000.0;

/// How many of a sample have the words of a search.
#[derive(Clone, Copy)]
struct Sampled {
    share: f64,
    hits: f64,
}

/// Looks at a sample of many people; `None` where there are few, or where the engine has no samples.
///
/// PostgreSQL reads the whole list of a word in its index before it gives out the first (0.4 s at a million), and knows
/// nothing of how frequent the beginning of a word is.
async fn sampled(tx: &mut Tx, words: &[String]) -> Result<Option<Sampled>> {
    let Some(estimate) = tx.people_estimated() else { return Ok(None) };
    let everyone = tx.one(estimate, args![], |row| row.int("number")).await? as f64;
    if everyone < FEW as f64 {
        return Ok(None);
    }
    let mut values = Vec::new();
    let has = |word: &String| {
        values.push(Value::from(format!(" {word}")));
        format!("{}(' ' || p.search_text, ${}) > 0", tx.position_of(), values.len())
    };
    let all: Vec<String> = words.iter().map(has).collect();
    let sql = format!(
        "SELECT COUNT(*) AS looked_at, COUNT(CASE WHEN {} THEN 1 END) AS number FROM {} WHERE p.deleted_at IS NULL",
        all.join(" AND "),
        tx.people_sampled((SAMPLE / everyone * 100.0).min(100.0))
    );
    let (looked_at, found) = tx.one(&sql, values, |row| Ok((row.int("looked_at")?, row.int("number")?))).await?;
    let share = found as f64 / (looked_at as f64).max(1.0);
    Ok(Some(Sampled { share, hits: share * everyone }))
}

/// What is behind every word that begins like this one.
fn beyond_word(word: &str) -> String {
    format!("{word}{}", char::MAX)
}

/// More than [`FEW`] words of people begin with this one.
async fn is_frequent(tx: &mut Tx, word: &str) -> Result<bool> {
    let Some(from) = tx.words_found(1, 2) else { return Ok(true) };
    Ok(!are_few(tx, &from, args![word, beyond_word(word)]).await?)
}

async fn finds_many(tx: &mut Tx, query: String) -> Result<bool> {
    let from = tx.people_found(1);
    Ok(!are_few(tx, &from, args![query]).await?)
}

/// The ways to count what a search finds: the first that reaches the limit ends it, the last is exact.
pub(crate) async fn ways_to_count(tx: &mut Tx, search: &str) -> Result<Vec<Search>> {
    let by_index = by_index(search);
    if tx.words_found(1, 2).is_none() {
        let Search::Few(words) = &by_index else { return Ok(vec![by_index]) };
        let is_dense = sampled(tx, words).await?.is_some_and(|part| part.share >= TENTH);
        return Ok(if is_dense { vec![Search::Many(words.clone()), by_index] } else { vec![by_index] });
    }
    Ok(match look_up(tx, search).await? {
        Search::Many(words) => match words.as_slice() {
            [word] => vec![Search::OneByOne(word.clone())],
            _ => vec![Search::WholeWords(words), by_index],
        },
        _ => vec![by_index],
    })
}

/// A query with what was looked up for it.
#[derive(Clone, Copy)]
pub(crate) struct Prepared<'a> {
    pub(crate) query: &'a PeopleQuery,
    pub(crate) search: &'a Search,
    pub(crate) facts: &'a Facts,
    /// The last who is looked at, where only a part is.
    pub(crate) until: Option<&'a Edge>,
}

impl Prepared<'_> {
    /// Something leads to few people; else the order of the list is followed.
    pub(crate) const fn is_led(&self) -> bool {
        match self.search {
            Search::Everyone => self.facts.led_by.is_some(),
            Search::Many(_) => false,
            Search::Nobody | Search::Few(_) | Search::OneByOne(_) | Search::WholeWords(_) => true,
        }
    }
}

/// What every list shares: the people it is about (a FROM clause) and the conditions they meet.
pub(crate) struct Asked<'a> {
    pub(crate) condition: Condition<'a>,
    pub(crate) from: String,
    pub(crate) text: String,
}

/// Puts the shared part of a query into words.
pub(crate) fn ask<'a>(tx: &'a Tx, prepared: Prepared<'a>, kind: Option<Kind>) -> Result<Asked<'a>> {
    let Prepared { query, search, facts, .. } = prepared;
    let mut condition = Condition::new(tx, facts, vec![]);
    let mut from = "people p".to_owned();
    let mut parts = vec!["p.deleted_at IS NULL".to_owned()];
    match search {
        Search::Everyone => {
            match &facts.led_by {
                Some(Leader::Order(index)) => from = tx.people_in_order(index),
                Some(Leader::Index(index, rule)) => {
                    let met = condition.rule(&people_filter::Asked::about(rule))?;
                    from = tx.people_led_by(index, &met);
                    parts.push(met);
                    // Some of these indexes begin with the kind.
                    if kind.is_none() {
                        parts.push("p.kind IN ('lead', 'contact')".to_owned());
                    }
                }
                // Somebody may have finished a sequence twice. The order of a cross join is kept by SQLite.
                Some(Leader::Enrollments(rule)) => {
                    if let Some(enrolled) = condition.enrollments(&people_filter::Asked::about(rule))? {
                        from = format!(
                            "(SELECT DISTINCT e.person_id FROM enrollments e WHERE {enrolled}) led CROSS JOIN people p"
                        );
                        parts.push("p.id = led.person_id".to_owned());
                    }
                }
                None => {}
            }
        }
        Search::Nobody => parts.push("1 = 0".to_owned()),
        Search::Few(words) => {
            condition.bind(tx.search_query(words));
            from = tx.people_found(condition.args.len());
        }
        Search::WholeWords(words) => {
            condition.bind(tx.whole_words_query(words));
            from = tx.people_found(condition.args.len());
        }
        Search::OneByOne(word) => {
            condition.bind(word.as_str());
            condition.bind(beyond_word(word));
            if let Some(found) = tx.people_with_word(condition.args.len() - 1, condition.args.len()) {
                from = found;
            }
        }
        Search::Many(words) => parts.extend(words.iter().map(|word| {
            format!("{}(' ' || p.search_text, {}) > 0", tx.position_of(), condition.bind(format!(" {word}")))
        })),
    }
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
    parts.push(condition.filter(&query.filter, "filter", 0)?);
    Ok(Asked { condition, from, text: parts.join(" AND ") })
}

pub(crate) fn beyond(
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
    query: Prepared<'_>,
    kind: Kind,
    from: Option<(&Key, PersonId)>,
    descending: bool,
    limit: usize,
) -> Result<Statement> {
    let Asked { mut condition, from: mut people, mut text } = ask(tx, query, Some(kind))?;
    let column = query.query.sort.column();
    if let Some(index) = query.query.sort.index().filter(|_| !query.is_led()) {
        people = tx.people_in_order(index);
    }
    if let Some(from) = from {
        let fits = match query.query.sort {
            SortBy::CreatedAt | SortBy::UpdatedAt => matches!(from.0, Key::Int(_)),
            _ => matches!(from.0, Key::Text(_)),
        };
        if !fits {
            return Err(unknown_page().into());
        }
        text += &beyond(&mut condition, column, "p.id", from, descending)?;
    }
    if let Some(edge) = query.until {
        text += &up_to(&mut condition, column, edge, descending)?;
    }
    let (limit, order) = (condition.bind(limit), if descending { "DESC" } else { "ASC" });
    let sql = format!(
        "SELECT {COLUMNS}, {column} AS sort_key FROM {people} WHERE {text} ORDER BY {column} {order}, p.id {order} LIMIT {limit}"
    );
    Ok(Statement { sql, args: condition.args })
}

/// Enrollment `{alias}` has an email that is due by the clock alone.
pub(crate) fn emailing(alias: &str) -> String {
    format!("{alias}.state = 'active' AND {alias}.step_action = 'automated_email'")
}

fn by_next_email(
    tx: &Tx,
    query: Prepared<'_>,
    from: Option<(&Key, PersonId)>,
    descending: bool,
    limit: usize,
) -> Result<Statement> {
    let Asked { mut condition, from: people, mut text } = ask(tx, query, query.query.kind)?;
    if let Some(from) = from {
        if !matches!(from.0, Key::Int(_)) {
            return Err(unknown_page().into());
        }
        text += &beyond(&mut condition, "n.due_at", "n.person_id", from, descending)?;
    }
    let (limit, order) = (condition.bind(limit), if descending { "DESC" } else { "ASC" });
    // The emails come first, in the order of their index, unless something leads to few people. SQLite keeps the order
    // of a cross join; by itself it would read everyone and sort them.
    let joined = if query.is_led() {
        format!("{people} CROSS JOIN enrollments n")
    } else {
        format!("enrollments n CROSS JOIN {people}")
    };
    let sql = format!(
        "SELECT {COLUMNS}, n.due_at AS sort_key FROM {joined}
        WHERE n.person_id = p.id AND {} AND NOT EXISTS (SELECT 1 FROM enrollments o WHERE o.person_id = n.person_id AND {}
            AND (o.due_at, o.id) < (n.due_at, n.id)) AND {text}
        ORDER BY n.due_at {order}, n.person_id {order} LIMIT {limit}",
        emailing("n"),
        emailing("o")
    );
    Ok(Statement { sql, args: condition.args })
}

fn without_email(
    tx: &Tx,
    query: Prepared<'_>,
    from: Option<PersonId>,
    backwards: bool,
    limit: usize,
) -> Result<Statement> {
    let Asked { mut condition, from: mut people, mut text } = ask(tx, query, query.query.kind)?;
    if !query.is_led() {
        people = tx.people_in_order(BY_ID);
    }
    let (compare, order) = if backwards { ("<", "DESC") } else { (">", "ASC") };
    if let Some(from) = from {
        let _ = write!(text, " AND p.id {compare} {}", condition.bind(from));
    }
    let limit = condition.bind(limit);
    let sql = format!(
        "SELECT {COLUMNS} FROM {people} WHERE {text}
            AND NOT EXISTS (SELECT 1 FROM enrollments o WHERE o.person_id = p.id AND {})
        ORDER BY p.id {order} LIMIT {limit}",
        emailing("o")
    );
    Ok(Statement { sql, args: condition.args })
}
