//! Leads and contacts: one row each, and one row per address that counts as theirs.
//!
//! Names are kept in a normalised form for sorting, and every word for the search (see [`search_words`]). A deleted or
//! merged person keeps the row, so that history and redirects stand; no function but [`names`] and [`redirect`] finds it.
//! Lists with filters and pages are in [`crate::people_lists`].

use crate::{
    args,
    error::Result,
    tx::{self, Tx},
    value::{Row, Value, json},
};
use relance_domain::{
    PersonId, Timestamp, UserId,
    person::{Address, Fields, Kind, Person, email_key, normalized},
};
use std::collections::{BTreeSet, HashMap};

/// The columns of a person, for the alias `p`.
pub(crate) const COLUMNS: &str = "p.id, p.kind, p.first_name, p.last_name, p.organization_name, p.is_organization,
    p.company_id, p.title, p.email, p.other_emails, p.linkedin, p.x, p.facebook, p.phone, p.mobile, p.website,
    p.industry, p.address_line, p.address_city, p.address_postal_code, p.address_state, p.address_country,
    p.description, p.time_zone, p.owner_id, p.status, p.source, p.tags, p.custom_fields, p.created_at, p.updated_at";
/// The columns written by an insert, in the order of [`values_of`].
const WRITTEN: &str = "id, kind, first_name, last_name, organization_name, is_organization, company_id, title, email,
    email_key, other_emails, linkedin, x, facebook, phone, mobile, website, industry, address_line, address_city,
    address_postal_code, address_state, address_country, description, time_zone, owner_id, status, source, tags,
    custom_fields, name_key, organization_key, search_text, created_at, updated_at";
const WRITTEN_COUNT: usize = 35;
const CHUNK: usize = 500;
const LONGEST_WORD: usize = 64;
const LONGEST_KEY: usize = 200;

/// Reads a person from a row with [`COLUMNS`].
pub(crate) fn person(row: &Row) -> Result<Person> {
    Ok(Person {
        id: row.id("id")?,
        kind: row.word("kind", Kind::parse)?,
        fields: fields(row)?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn fields(row: &Row) -> Result<Fields> {
    Ok(Fields {
        first_name: row.text("first_name")?,
        last_name: row.text("last_name")?,
        organization_name: row.text("organization_name")?,
        is_organization: row.bool("is_organization")?,
        company_id: row.id_opt("company_id")?,
        title: row.text("title")?,
        email: row.text("email")?,
        other_emails: row.json("other_emails")?,
        linkedin: row.text("linkedin")?,
        x: row.text("x")?,
        facebook: row.text("facebook")?,
        phone: row.text("phone")?,
        mobile: row.text("mobile")?,
        website: row.text("website")?,
        industry: row.text("industry")?,
        address: Address {
            line: row.text("address_line")?,
            city: row.text("address_city")?,
            postal_code: row.text("address_postal_code")?,
            state: row.text("address_state")?,
            country: row.text("address_country")?,
        },
        description: row.text("description")?,
        time_zone: row.text("time_zone")?,
        owner_id: row.id_opt("owner_id")?,
        status: row.text("status")?,
        source: row.text("source")?,
        tags: row.json("tags")?,
        custom_fields: row.json("custom_fields")?,
    })
}

/// The words of a text as they are searched: normalised, split at everything that is neither letter nor digit.
pub fn search_words(text: &str) -> Vec<String> {
    normalized(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST_WORD).collect())
        .collect()
}

/// Every distinct word a person is found by, with single spaces between them.
pub fn search_text(fields: &Fields) -> String {
    let mut texts = vec![
        &fields.first_name,
        &fields.last_name,
        &fields.organization_name,
        &fields.title,
        &fields.email,
        &fields.phone,
        &fields.mobile,
        &fields.industry,
        &fields.address.city,
    ];
    texts.extend(&fields.other_emails);
    texts.extend(&fields.tags);
    let mut seen = BTreeSet::new();
    let mut words: Vec<String> = Vec::new();
    for word in texts.into_iter().flat_map(|text| search_words(text)) {
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words.join(" ")
}

fn shortened(key: String) -> String {
    if key.len() <= LONGEST_KEY { key } else { key.chars().take(LONGEST_KEY).collect() }
}

/// What people are sorted by: *last first*, else the organisation, else the address.
pub fn name_key(fields: &Fields) -> String {
    let full = normalized(&format!("{} {}", fields.last_name, fields.first_name));
    shortened(if !full.is_empty() {
        full
    } else if !fields.organization_name.trim().is_empty() {
        normalized(&fields.organization_name)
    } else {
        normalized(&fields.email)
    })
}

fn values_of(person: &Person) -> Vec<Value> {
    let mut values = args![person.id, person.kind.as_str()];
    values.extend(values_of_fields(&person.fields));
    values.extend(args![person.created_at, person.updated_at]);
    values
}

fn values_of_fields(fields: &Fields) -> Vec<Value> {
    args![
        &fields.first_name,
        &fields.last_name,
        &fields.organization_name,
        fields.is_organization,
        fields.company_id,
        &fields.title,
        &fields.email,
        email_key(&fields.email),
        json(&fields.other_emails),
        &fields.linkedin,
        &fields.x,
        &fields.facebook,
        &fields.phone,
        &fields.mobile,
        &fields.website,
        &fields.industry,
        &fields.address.line,
        &fields.address.city,
        &fields.address.postal_code,
        &fields.address.state,
        &fields.address.country,
        &fields.description,
        &fields.time_zone,
        fields.owner_id,
        &fields.status,
        &fields.source,
        json(&fields.tags),
        json(&fields.custom_fields),
        name_key(fields),
        shortened(normalized(&fields.organization_name)),
        search_text(fields),
    ]
}

/// Adds a person.
pub async fn insert(tx: &mut Tx, person: &Person) -> Result<()> {
    insert_many(tx, std::slice::from_ref(person)).await
}

/// Adds people, 500 rows a statement.
pub async fn insert_many(tx: &mut Tx, people: &[Person]) -> Result<()> {
    for chunk in people.chunks(CHUNK) {
        let sql = format!("INSERT INTO people ({WRITTEN}) VALUES {}", tx::values(1, chunk.len(), WRITTEN_COUNT));
        tx.execute(&sql, chunk.iter().flat_map(values_of).collect()).await?;
        insert_addresses(tx, chunk).await?;
    }
    Ok(())
}

async fn insert_addresses(tx: &mut Tx, people: &[Person]) -> Result<()> {
    let rows: Vec<(String, PersonId)> =
        people.iter().flat_map(|p| p.fields.email_keys().into_iter().map(move |key| (key, p.id))).collect();
    for chunk in rows.chunks(CHUNK * 2) {
        let sql = format!(
            "INSERT INTO person_addresses (address_key, person_id) VALUES {} ON CONFLICT DO NOTHING",
            tx::values(1, chunk.len(), 2)
        );
        tx.execute(&sql, chunk.iter().flat_map(|(key, id)| args![key, *id]).collect()).await?;
    }
    Ok(())
}

/// Stores changed fields and kind; `false` if there is no such person. `updated_at` is taken from the person.
pub async fn update(tx: &mut Tx, person: &Person) -> Result<bool> {
    let mut args = args![person.id, person.kind.as_str()];
    args.extend(values_of_fields(&person.fields));
    args.push(person.updated_at.into());
    let names = WRITTEN.split(',').map(str::trim).filter(|name| !matches!(*name, "id" | "created_at"));
    let assignments: Vec<String> = names.enumerate().map(|(index, name)| format!("{name} = ${}", index + 2)).collect();
    let sql = format!("UPDATE people SET {} WHERE id = $1 AND deleted_at IS NULL", assignments.join(", "));
    if tx.execute(&sql, args).await? == 0 {
        return Ok(false);
    }
    tx.execute("DELETE FROM person_addresses WHERE person_id = $1", args![person.id]).await?;
    insert_addresses(tx, std::slice::from_ref(person)).await?;
    Ok(true)
}

/// The person with this id; `None` if there is none, or deleted or merged.
pub async fn find(tx: &mut Tx, id: PersonId) -> Result<Option<Person>> {
    let sql = format!("SELECT {COLUMNS} FROM people p WHERE p.id = $1 AND p.deleted_at IS NULL");
    tx.first(&sql, args![id], person).await
}

/// The same, locked until the end of the transaction: for a change that depends on what it reads.
pub async fn lock(tx: &mut Tx, id: PersonId) -> Result<Option<Person>> {
    let sql = format!("SELECT {COLUMNS} FROM people p WHERE p.id = $1 AND p.deleted_at IS NULL{}", tx.for_update());
    tx.first(&sql, args![id], person).await
}

/// The people with these ids, in no order, without those deleted or merged.
pub async fn find_many(tx: &mut Tx, ids: &[PersonId]) -> Result<Vec<Person>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK * 2) {
        let list = tx::list(1, chunk.len());
        let sql = format!("SELECT {COLUMNS} FROM people p WHERE p.id IN ({list}) AND p.deleted_at IS NULL");
        found.extend(tx.all(&sql, chunk.iter().map(|id| Value::from(*id)).collect(), person).await?);
    }
    Ok(found)
}

/// The owners of people, without those deleted or merged.
pub async fn owners(tx: &mut Tx, ids: &[PersonId]) -> Result<HashMap<PersonId, Option<UserId>>> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK * 2) {
        let list = tx::list(1, chunk.len());
        let sql = format!("SELECT id, owner_id FROM people WHERE id IN ({list}) AND deleted_at IS NULL");
        let args = chunk.iter().map(|id| Value::from(*id)).collect();
        found.extend(tx.all(&sql, args, |row| Ok((row.id("id")?, row.id_opt("owner_id")?))).await?);
    }
    Ok(found)
}

/// The names of people, deleted or merged ones too: to be shown beside their history.
pub async fn names(tx: &mut Tx, ids: &[PersonId]) -> Result<Vec<(PersonId, String)>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK * 2) {
        let list = tx::list(1, chunk.len());
        let sql = format!(
            "SELECT p.id, p.first_name, p.last_name, p.organization_name, p.email FROM people p WHERE p.id IN ({list})"
        );
        let read = |row: &Row| {
            let fields = Fields {
                first_name: row.text("first_name")?,
                last_name: row.text("last_name")?,
                organization_name: row.text("organization_name")?,
                email: row.text("email")?,
                ..Fields::default()
            };
            Ok((row.id("id")?, fields.name()))
        };
        found.extend(tx.all(&sql, chunk.iter().map(|id| Value::from(*id)).collect(), read).await?);
    }
    Ok(found)
}

/// Everyone of whom any address has this key, the first created first.
pub async fn find_by_address_key(tx: &mut Tx, key: &str) -> Result<Vec<Person>> {
    let found = find_by_address_keys(tx, &[key.to_owned()]).await?;
    Ok(found.into_iter().map(|(_, person)| person).collect())
}

/// Everyone of whom any address has one of these keys, each with the key, the first created first.
pub async fn find_by_address_keys(tx: &mut Tx, keys: &[String]) -> Result<Vec<(String, Person)>> {
    let mut found = Vec::new();
    for chunk in keys.chunks(CHUNK * 2) {
        let sql = format!(
            "SELECT a.address_key, {COLUMNS} FROM person_addresses a JOIN people p ON p.id = a.person_id
            WHERE a.address_key IN ({}) AND p.deleted_at IS NULL ORDER BY p.created_at, p.id",
            tx::list(1, chunk.len())
        );
        let read = |row: &Row| Ok((row.text("address_key")?, person(row)?));
        found.extend(tx.all(&sql, chunk.iter().map(Value::from).collect(), read).await?);
    }
    Ok(found)
}

/// The contacts at a company.
pub async fn find_of_company(tx: &mut Tx, company_id: PersonId, limit: usize) -> Result<Vec<Person>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM people p WHERE p.company_id = $1 AND p.deleted_at IS NULL ORDER BY p.name_key, p.id LIMIT $2"
    );
    tx.all(&sql, args![company_id, limit], person).await
}

/// The companies (contacts that are organisations) of this name.
pub async fn find_companies(tx: &mut Tx, name: &str) -> Result<Vec<Person>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM people p WHERE p.kind = 'contact' AND p.organization_key = $1 AND p.is_organization = $2
            AND p.deleted_at IS NULL ORDER BY p.created_at, p.id"
    );
    tx.all(&sql, args![shortened(normalized(name)), true], person).await
}

/// Up to `limit` companies whose names begin like this, by name.
pub async fn suggest_companies(tx: &mut Tx, beginning: &str, limit: usize) -> Result<Vec<Person>> {
    let from = shortened(normalized(beginning));
    let to = format!("{from}\u{10ffff}");
    let sql = format!(
        "SELECT {COLUMNS} FROM people p WHERE p.kind = 'contact' AND p.organization_key >= $1
            AND p.organization_key < $2 AND p.is_organization = $3 AND p.deleted_at IS NULL
        ORDER BY p.organization_key, p.id LIMIT $4"
    );
    tx.all(&sql, args![from, to, true, limit], person).await
}

/// When a person was deleted; `None` if they are there, merged into another, or never were.
pub async fn deleted_at(tx: &mut Tx, id: PersonId) -> Result<Option<(Timestamp, Option<UserId>)>> {
    let sql =
        "SELECT deleted_at, owner_id FROM people WHERE id = $1 AND deleted_at IS NOT NULL AND merged_into IS NULL";
    tx.first(sql, args![id], |row| Ok((row.time("deleted_at")?, row.id_opt("owner_id")?))).await
}

/// Deletes a person: history stays, lists and look-ups leave them out. `false` if there was none.
pub async fn delete(tx: &mut Tx, id: PersonId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE people SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.execute(sql, args![id, now]).await? > 0)
}

/// Takes a deletion back; `false` if the person was not deleted, or merged.
pub async fn restore(tx: &mut Tx, id: PersonId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE people SET deleted_at = NULL, updated_at = $2
        WHERE id = $1 AND deleted_at IS NOT NULL AND merged_into IS NULL";
    Ok(tx.execute(sql, args![id, now]).await? > 0)
}

/// Makes a lead a contact; `false` if there is no such lead.
pub async fn convert(tx: &mut Tx, id: PersonId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE people SET kind = 'contact', updated_at = $2
        WHERE id = $1 AND kind = 'lead' AND deleted_at IS NULL";
    Ok(tx.execute(sql, args![id, now]).await? > 0)
}

/// Merges `from` into `into`: addresses and everything that refers to `from` move, its id redirects from then on.
///
/// The caller ends the sequences of `from` first and adds its addresses to the fields of `into`; two unfinished
/// enrollments in one sequence are a conflict.
pub async fn merge_into(tx: &mut Tx, from: PersonId, into: PersonId, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO person_addresses (address_key, person_id)
        SELECT address_key, $2 FROM person_addresses WHERE person_id = $1
        ON CONFLICT DO NOTHING",
        args![from, into],
    )
    .await?;
    tx.execute("DELETE FROM person_addresses WHERE person_id = $1", args![from]).await?;
    for table in ["activities", "enrollments", "deliveries", "tasks", "inbound_messages"] {
        let sql = format!("UPDATE {table} SET person_id = $2 WHERE person_id = $1");
        tx.execute(&sql, args![from, into]).await?;
    }
    tx.execute("UPDATE people SET company_id = $2 WHERE company_id = $1", args![from, into]).await?;
    tx.execute("UPDATE people SET merged_into = $2 WHERE merged_into = $1", args![from, into]).await?;
    tx.execute(
        "UPDATE people SET merged_into = $2, deleted_at = $3, updated_at = $3 WHERE id = $1",
        args![from, into, now],
    )
    .await?;
    Ok(())
}

/// Into whom a person was merged.
pub async fn redirect(tx: &mut Tx, id: PersonId) -> Result<Option<PersonId>> {
    let sql = "SELECT merged_into FROM people WHERE id = $1";
    Ok(tx.first(sql, args![id], |row| row.id_opt("merged_into")).await?.flatten())
}
