//! The definitions of custom fields, in the order of their place. Their values stand in `people.custom_fields`.

use crate::{
    args,
    error::Result,
    tx::Tx,
    value::{Row, json},
};
use relance_domain::{
    CustomFieldId,
    custom_field::{CustomField, FieldKind},
};

const COLUMNS: &str = "id, key, label, kind, choices, position, created_at, updated_at";

fn custom_field(row: &Row) -> Result<CustomField> {
    Ok(CustomField {
        id: row.id("id")?,
        key: row.text("key")?,
        label: row.text("label")?,
        kind: row.word("kind", FieldKind::parse)?,
        choices: row.json("choices")?,
        position: row.count("position")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Every definition, in its order.
pub async fn list(tx: &mut Tx) -> Result<Vec<CustomField>> {
    let sql = format!("SELECT {COLUMNS} FROM custom_fields ORDER BY position, id");
    tx.all(&sql, vec![], custom_field).await
}

/// The definition with this id.
pub async fn find(tx: &mut Tx, id: CustomFieldId) -> Result<Option<CustomField>> {
    let sql = format!("SELECT {COLUMNS} FROM custom_fields WHERE id = $1");
    tx.first(&sql, args![id], custom_field).await
}

/// Adds a definition; its key is a conflict if another has it.
pub async fn insert(tx: &mut Tx, field: &CustomField) -> Result<()> {
    let sql = format!("INSERT INTO custom_fields ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    let args = args![
        field.id,
        &field.key,
        &field.label,
        field.kind.as_str(),
        json(&field.choices),
        field.position,
        field.created_at,
        field.updated_at
    ];
    tx.execute(&sql, args).await?;
    Ok(())
}

/// Stores a changed label, choices and place; `false` if there is no such field. Key and kind stay.
pub async fn update(tx: &mut Tx, field: &CustomField) -> Result<bool> {
    let sql = "UPDATE custom_fields SET label = $2, choices = $3, position = $4, updated_at = $5 WHERE id = $1";
    let args = args![field.id, &field.label, json(&field.choices), field.position, field.updated_at];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Removes a definition; the values of people stay. `false` if there was none.
pub async fn delete(tx: &mut Tx, id: CustomFieldId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM custom_fields WHERE id = $1", args![id]).await? > 0)
}

/// Where a field is used beside people: templates, sequences that are not archived, and smart lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldUses {
    /// Templates with its merge tag.
    pub templates: u32,
    /// Sequences, drafts or live, with its merge tag.
    pub sequences: u32,
    /// Smart lists that ask for it, show it or sort by it.
    pub lists: u32,
}

/// Counts where a field is used.
pub async fn count_uses(tx: &mut Tx, key: &str) -> Result<FieldUses> {
    let find = tx.position_of();
    let sql = format!(
        "SELECT
            (SELECT COUNT(*) FROM templates WHERE {find}(subject, $1) > 0 OR {find}(body_html, $1) > 0
                OR {find}(body_text, $1) > 0) AS templates,
            (SELECT COUNT(*) FROM sequences s WHERE s.state <> 'archived' AND ({find}(s.draft, $1) > 0
                OR EXISTS (SELECT 1 FROM sequence_versions v WHERE v.id = s.version_id
                    AND {find}(v.plan, $1) > 0))) AS sequences,
            (SELECT COUNT(*) FROM lists WHERE {find}(filter, $2) > 0 OR {find}(columns, $2) > 0
                OR {find}(sort, $2) > 0) AS lists"
    );
    tx.one(&sql, args![format!("person.custom.{key}"), format!("custom_fields.{key}")], |row| {
        Ok(FieldUses {
            templates: row.count("templates")?,
            sequences: row.count("sequences")?,
            lists: row.count("lists")?,
        })
    })
    .await
}

/// How many people have a value of this field.
pub async fn count_values(tx: &mut Tx, key: &str) -> Result<u64> {
    let sql = format!(
        "SELECT COUNT(*) AS number FROM people WHERE deleted_at IS NULL AND {}(custom_fields, $1) > 0",
        tx.position_of()
    );
    tx.one(&sql, args![format!("\"{key}\":")], |row| row.int("number")).await.map(i64::unsigned_abs)
}
