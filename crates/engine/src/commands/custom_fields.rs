//! Custom fields: admins define them, everyone fills them in.
//!
//! Key and kind of a field never change. Deleting one keeps what people have of it, out of sight. The values given to a
//! person are brought into their canonical form here, before anything else is judged.

use super::{access, audit::Object};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    CustomFieldId, Refused,
    audit::Act,
    custom_field::{self, CustomField, FieldKind, MOST_FIELDS, Values, key_of},
    person::clean_line,
    user::Actor,
};
use relance_storage::{StorageError, Tx, custom_fields};

/// A field to create.
#[derive(Debug, Clone)]
pub struct NewCustomField {
    /// Its name on pages.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// What can be chosen, for lists.
    pub choices: Vec<String>,
    /// Its key; `None` = made from the label.
    pub key: Option<String>,
}

/// What to change of a field; `None` = leave as it is.
#[derive(Debug, Clone, Default)]
pub struct CustomFieldChange {
    /// Its name on pages.
    pub label: Option<String>,
    /// What can be chosen. Values that are no longer offered stay with the people who have them.
    pub choices: Option<Vec<String>>,
    /// Its place from 0; the others move.
    pub position: Option<u32>,
}

/// Brings the custom values of a person into canonical form, or refuses each that cannot be.
pub(crate) async fn check_values(tx: &mut Tx, before: &Values, values: &mut Values) -> Result<()> {
    if before == values {
        return Ok(());
    }
    let definitions = custom_fields::list(tx).await?;
    custom_field::check_values(&definitions, before, values).map_err(EngineError::from)
}

/// Refuses texts with the tag of a custom field that is not there, each at its field.
pub(crate) async fn check_tags(tx: &mut Tx, texts: impl IntoIterator<Item = (String, &str)>) -> Result<()> {
    let definitions = custom_fields::list(tx).await?;
    let refused = |(field, text): (String, &str)| {
        let refused = custom_field::check_tags(&definitions, text).err()?;
        Some(Refused { field: Some(field), ..refused })
    };
    let wrong: Vec<Refused> = texts.into_iter().filter_map(refused).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

async fn find(tx: &mut Tx, id: CustomFieldId) -> Result<CustomField> {
    custom_fields::find(tx, id).await?.ok_or(EngineError::NotFound("custom field"))
}

fn key_taken(error: StorageError) -> EngineError {
    match error {
        StorageError::Conflict(_) => Refused::at("key", "key_taken", "Another custom field has this key.").into(),
        error => error.into(),
    }
}

fn label_taken(fields: &[CustomField], one: &CustomField) -> Result<()> {
    let same = |field: &CustomField| field.id != one.id && field.label.to_lowercase() == one.label.to_lowercase();
    if fields.iter().any(same) {
        return Err(Refused::at("label", "label_taken", "Another custom field has this name.").into());
    }
    Ok(())
}

impl Engine {
    /// Defines a field, at the end of the others; admins only.
    pub async fn create_custom_field(&self, actor: &Actor, new: NewCustomField) -> Result<CustomField> {
        access::admins_only(actor, "define custom fields")?;
        let mut tx = self.store.begin().await?;
        let fields = custom_fields::list(&mut tx).await?;
        if fields.len() >= MOST_FIELDS {
            return Err(EngineError::refused("too_many", "There are 200 custom fields already. Delete one first."));
        }
        let taken: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
        let label = clean_line(&new.label);
        let key = match new.key.as_deref().map(str::trim).filter(|key| !key.is_empty()) {
            Some(key) => key.to_owned(),
            None => key_of(&label, &taken),
        };
        let now = self.now();
        let position = fields.last().map_or(0, |last| last.position + 1);
        let id = self.new_custom_field_id();
        let mut field = CustomField {
            id,
            key,
            label,
            kind: new.kind,
            choices: new.choices,
            position,
            created_at: now,
            updated_at: now,
        };
        field.clean();
        field.check_definition()?;
        label_taken(&fields, &field)?;
        custom_fields::insert(&mut tx, &field).await.map_err(key_taken)?;
        self.note(&mut tx, actor, Act::FieldSaved, Object::new(id, &field.label), "New.").await?;
        tx.commit().await?;
        Ok(field)
    }

    /// Renames a field, changes its choices or its place; admins only.
    pub async fn edit_custom_field(
        &self,
        actor: &Actor,
        id: CustomFieldId,
        change: CustomFieldChange,
    ) -> Result<CustomField> {
        access::admins_only(actor, "change custom fields")?;
        let mut tx = self.store.begin().await?;
        let mut field = find(&mut tx, id).await?;
        if let Some(label) = change.label {
            field.label = label;
        }
        if let Some(choices) = change.choices {
            field.choices = choices;
        }
        field.clean();
        field.check_definition()?;
        field.updated_at = self.now();
        let mut fields = custom_fields::list(&mut tx).await?;
        label_taken(&fields, &field)?;
        fields.retain(|one| one.id != id);
        let place = change.position.map_or_else(
            || fields.iter().filter(|one| (one.position, one.id) < (field.position, field.id)).count(),
            |position| (position as usize).min(fields.len()),
        );
        fields.insert(place, field);
        for (place, one) in fields.iter_mut().enumerate() {
            one.position = u32::try_from(place).unwrap_or(u32::MAX);
            custom_fields::update(&mut tx, one).await?;
        }
        let field = fields.get(place).ok_or(EngineError::NotFound("custom field"))?;
        self.note(&mut tx, actor, Act::FieldSaved, Object::new(id, &field.label), "").await?;
        tx.commit().await?;
        fields.into_iter().nth(place).ok_or(EngineError::NotFound("custom field"))
    }

    /// Deletes a field; admins only. What people have of it stays stored, unseen; how many have a value.
    pub async fn delete_custom_field(&self, actor: &Actor, id: CustomFieldId) -> Result<u64> {
        access::admins_only(actor, "delete custom fields")?;
        let mut tx = self.store.begin().await?;
        let field = find(&mut tx, id).await?;
        let values = custom_fields::count_values(&mut tx, &field.key).await?;
        custom_fields::delete(&mut tx, id).await?;
        let detail = format!("People with a value: {values}.");
        self.note(&mut tx, actor, Act::FieldDeleted, Object::new(id, &field.label), &detail).await?;
        tx.commit().await?;
        Ok(values)
    }
}
