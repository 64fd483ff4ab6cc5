//! Where a person stands in a list: how many come before, and who comes next.
//!
//! Answered from the key the list is sorted by, so that a list of a million people is not read; counted up to a
//! number, beyond which only *more* is known. A person who no longer matches has neighbours and no place.

use crate::{
    args,
    error::Result,
    people_facts::Facts,
    people_lists,
    people_pages::{Prepared, emailing, look_up, statements},
    people_query::{Cursor, Key, PeopleQuery, SortBy},
    people_sorted,
    tx::Tx,
};
use relance_domain::PersonId;

/// Where a person stands in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// From 1; `None` if the person is not in the list, or behind more people than were counted.
    pub number: Option<usize>,
    /// Who comes before.
    pub previous: Option<PersonId>,
    /// Who comes after.
    pub next: Option<PersonId>,
}

/// The place of `person` in the list that `query` asks for, counted up to `at_most`.
pub async fn place(tx: &mut Tx, query: &PeopleQuery, person: PersonId, at_most: usize) -> Result<Option<Place>> {
    let Some(key) = key_of(tx, query, person).await? else { return Ok(None) };
    let from =
        |backwards| PeopleQuery { cursor: Some(Cursor { key: key.clone(), id: person, backwards }), ..query.clone() };
    let before = people_lists::scan(tx, &from(true), 1).await?.pop();
    // From whoever comes before on: the person, if they are in the list, then whoever is next.
    let start = before.as_ref().map(|(key, found)| Cursor { key: key.clone(), id: found.id, backwards: false });
    let after = people_lists::scan(tx, &PeopleQuery { cursor: start, ..query.clone() }, 2).await?;
    let is_in = after.first().is_some_and(|(_, found)| found.id == person);
    let number = if is_in { count_before(tx, &from(true), at_most).await?.map(|before| before + 1) } else { None };
    let next = after.get(usize::from(is_in)).map(|(_, found)| found.id);
    Ok(Some(Place { number, previous: before.map(|(_, found)| found.id), next }))
}

/// What the list sorts this person by; `None` if there is no such person.
async fn key_of(tx: &mut Tx, query: &PeopleQuery, person: PersonId) -> Result<Option<Key>> {
    if let SortBy::Field(field) = &query.sort {
        let facts = Facts::of(tx, query).await?;
        return people_sorted::key_of(tx, &facts, field, person).await;
    }
    let key = match query.sort {
        SortBy::NextEmail => {
            let emailing = emailing("n");
            format!("(SELECT MIN(n.due_at) FROM enrollments n WHERE n.person_id = p.id AND {emailing})")
        }
        _ => query.sort.column().to_owned(),
    };
    let sql = format!("SELECT {key} AS sort_key FROM people p WHERE p.id = $1");
    let sort = query.sort.clone();
    let read = |row: &crate::value::Row| match sort {
        SortBy::NextEmail => Ok(row.int_opt("sort_key")?.map_or(Key::Nothing, Key::Int)),
        _ => sort.key(row),
    };
    tx.first(&sql, args![person], read).await
}

/// How many people come before the cursor; `None` if more than `at_most`.
async fn count_before(tx: &mut Tx, query: &PeopleQuery, at_most: usize) -> Result<Option<usize>> {
    let (search, facts) = (look_up(tx, &query.search).await?, Facts::of(tx, query).await?);
    let prepared = Prepared { query, search: &search, facts: &facts, until: None };
    let mut found = 0;
    if let SortBy::Field(field) = &query.sort {
        found = people_sorted::nearest(tx, prepared, field, at_most + 1).await?.len();
    } else {
        for scan in statements(tx, prepared, at_most + 1)? {
            let sql = format!("SELECT COUNT(*) AS number FROM ({}) before", scan.statement.sql);
            found += tx.one(&sql, scan.statement.args, |row| row.count("number")).await? as usize;
        }
    }
    Ok((found <= at_most).then_some(found))
}
