//! Sorts that no index serves: every field but the usual ones.
//!
//! The keys of everyone who matches are read one by one, and no more of them kept than the page needs: a page takes as
//! long as there are people to look at, and no memory for them. Those without a value come last in both directions.

use crate::{
    error::Result,
    people,
    people_facts::Facts,
    people_fields::{self, FieldType},
    people_pages::{Asked, Prepared, Statement, ask},
    people_query::{Key, PeopleQuery},
    tx::Tx,
    value::{Row, Value},
};
use relance_domain::{
    PersonId, Refused,
    person::{Person, normalized},
    task,
};
use std::{
    cmp::Ordering,
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// So many are gathered before those beyond the page are dropped.
const GATHERED: usize = 4_096;

/// How the key of a row is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Words,
    Int,
    Real,
}

fn expression(facts: &Facts, tx: &Tx, field: &str) -> Result<(String, Reads)> {
    let unknown = || Refused::at("sort", "invalid", format!("People cannot be sorted by “{field}”."));
    if let Some(key) = field.strip_prefix("custom_fields.") {
        let found = facts.field(key).ok_or_else(unknown)?;
        let key = facts.bound_key(&found.key);
        return Ok(match people_fields::type_of(found) {
            FieldType::Number => (tx.json_number("p.custom_fields", &key), Reads::Real),
            _ => (tx.json_text("p.custom_fields", &key), Reads::Words),
        });
    }
    let of_sequences = |state: &str| {
        format!(
            "(SELECT MIN(s.name_key) FROM enrollments e JOIN sequences s ON s.id = e.sequence_id
                WHERE e.person_id = p.id AND {state} AND e.sequence_id <> $tasks)"
        )
    };
    Ok(match field {
        "owner_id" => ("(SELECT u.name FROM users u WHERE u.id = p.owner_id)".to_owned(), Reads::Words),
        "company_id" => {
            ("(SELECT c.organization_key FROM people c WHERE c.id = p.company_id)".to_owned(), Reads::Words)
        }
        "is_organization" => ("CASE WHEN p.is_organization = $yes THEN 0 END".to_owned(), Reads::Int),
        "ongoing_sequences" => (of_sequences("e.state <> 'finished'"), Reads::Words),
        "completed_sequences" => (of_sequences("e.state = 'finished'"), Reads::Words),
        "last_activity_at" => ("(SELECT MAX(a.at) FROM activities a WHERE a.person_id = p.id)".to_owned(), Reads::Int),
        _ => {
            let column = people_fields::find(field).and_then(|known| known.column).ok_or_else(unknown)?;
            (column.to_owned(), Reads::Words)
        }
    })
}

/// The ids and keys of everyone the query finds.
pub(crate) fn statement(tx: &Tx, prepared: Prepared<'_>, field: &str) -> Result<Statement> {
    Ok(read(tx, prepared, field)?.0)
}

fn read(tx: &Tx, prepared: Prepared<'_>, field: &str) -> Result<(Statement, Reads)> {
    let (mut key, reads) = expression(prepared.facts, tx, field)?;
    let Asked { mut condition, from, text } = ask(tx, prepared, prepared.query.kind)?;
    if key.contains("$yes") {
        key = key.replace("$yes", &condition.bind(true));
    }
    if key.contains("$tasks") {
        key = key.replace("$tasks", &condition.bind(task::EMAILS));
    }
    let sql = format!("SELECT p.id, {key} AS sort_key FROM {from} WHERE {text}");
    Ok((Statement { sql, args: condition.args }, reads))
}

/// A text in the order people expect, whatever accents and case; nothing if it is empty.
fn words(text: Option<String>) -> Key {
    match text {
        Some(text) if !text.is_empty() && text != "[]" => Key::Text(normalized(&text)),
        _ => Key::Nothing,
    }
}

/// A number as a whole number of the same order.
const fn ordered(number: f64) -> i64 {
    let bits = number.to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned()) >> 1).cast_signed()
}

fn key(row: &Row, reads: Reads) -> Result<Key> {
    Ok(match reads {
        Reads::Words => words(row.text_opt("sort_key")?),
        Reads::Int => row.int_opt("sort_key")?.map_or(Key::Nothing, Key::Int),
        Reads::Real => row.real_opt("sort_key")?.map_or(Key::Nothing, |number| Key::Int(ordered(number))),
    })
}

/// The order of two people: without a value last, then by value, then by id.
fn order(a: &(Key, PersonId), b: &(Key, PersonId), descending: bool) -> Ordering {
    let last = |key: &Key| matches!(key, Key::Nothing);
    let directed = |order: Ordering| if descending { order.reverse() } else { order };
    last(&a.0).cmp(&last(&b.0)).then_with(|| directed(a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1))))
}

/// The people next to the edge of a page, out of all that are met in any order.
struct Nearest {
    found: Vec<(Key, PersonId)>,
    edge: Option<(Key, PersonId)>,
    descending: bool,
    backwards: bool,
    limit: usize,
}

impl Nearest {
    fn new(query: &PeopleQuery, limit: usize) -> Self {
        Self {
            found: Vec::new(),
            edge: query.cursor.as_ref().map(|cursor| (cursor.key.clone(), cursor.id)),
            descending: query.descending,
            backwards: query.cursor.as_ref().is_some_and(|cursor| cursor.backwards),
            limit,
        }
    }

    /// Along the direction of the cursor.
    fn along(&self, a: &(Key, PersonId), b: &(Key, PersonId)) -> Ordering {
        let order = order(a, b, self.descending);
        if self.backwards { order.reverse() } else { order }
    }

    fn meet(&mut self, one: (Key, PersonId)) {
        if self.edge.as_ref().is_some_and(|edge| self.along(&one, edge) != Ordering::Greater) {
            return;
        }
        self.found.push(one);
        if self.found.len() >= GATHERED.max(2 * self.limit) {
            self.drop_the_rest();
        }
    }

    fn drop_the_rest(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by(|a, b| self.along(a, b));
        found.truncate(self.limit);
        self.found = found;
    }

    fn done(mut self) -> Vec<(Key, PersonId)> {
        self.drop_the_rest();
        self.found
    }
}

/// What one person is sorted by.
pub(crate) async fn key_of(tx: &mut Tx, facts: &Facts, field: &str, person: PersonId) -> Result<Option<Key>> {
    let (expression, reads) = expression(facts, tx, field)?;
    let mut args = vec![Value::from(person)];
    if expression.contains("$yes") {
        args.push(Value::from(true));
    } else if expression.contains("$tasks") {
        args.push(Value::from(task::EMAILS));
    }
    let expression = expression.replace("$yes", "$2").replace("$tasks", "$2");
    let sql = format!("SELECT {expression} AS sort_key FROM people p WHERE p.id = $1");
    tx.first(&sql, args, |row| key(row, reads)).await
}

/// Up to `limit` people from the cursor on, in the direction of the cursor.
pub(crate) async fn scan(tx: &mut Tx, prepared: Prepared<'_>, field: &str, limit: usize) -> Result<Vec<(Key, Person)>> {
    let found = nearest(tx, prepared, field, limit).await?;
    let ids: Vec<PersonId> = found.iter().map(|(_, id)| *id).collect();
    let mut people: HashMap<PersonId, Person> =
        people::find_many(tx, &ids).await?.into_iter().map(|person| (person.id, person)).collect();
    Ok(found.into_iter().filter_map(|(key, id)| Some((key, people.remove(&id)?))).collect())
}

/// As [`scan`], by their ids alone.
pub(crate) async fn nearest(
    tx: &mut Tx,
    prepared: Prepared<'_>,
    field: &str,
    limit: usize,
) -> Result<Vec<(Key, PersonId)>> {
    let (statement, reads) = read(tx, prepared, field)?;
    let nearest = Mutex::new(Nearest::new(prepared.query, limit));
    // Rows are told apart here, so that nothing is kept of those beyond the page.
    tx.all(&statement.sql, statement.args, |row| {
        nearest.lock().unwrap_or_else(PoisonError::into_inner).meet((key(row, reads)?, row.id("id")?));
        Ok(())
    })
    .await?;
    Ok(nearest.into_inner().unwrap_or_else(PoisonError::into_inner).done())
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[test]
    fn numbers_keep_their_order_as_whole_numbers() {
        let numbers = [f64::MIN, -2.5, -1.0, -0.25, 0.0, 0.25, 1.0, 2.5, 9e15];
        assert!(numbers.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
    }
}
