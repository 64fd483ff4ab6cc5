//! The tags people have, counted. Renaming and deleting one is a bulk action on the people who have it.

use crate::{Result, Tx, Value};
use relance_domain::UserId;

/// A tag and how many people have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// Leads who have it.
    pub leads: u32,
    /// Contacts who have it.
    pub contacts: u32,
}

/// Every tag of the people of these owners and of nobody (`None` = of everyone), by name whatever the case.
pub async fn counts(tx: &mut Tx, owners: Option<&[UserId]>) -> Result<Vec<TagCount>> {
    let each = tx.elements("p.tags");
    let mut values: Vec<Value> = Vec::new();
    let seen = owners.map(|owners| {
        values.extend(owners.iter().map(|owner| Value::from(*owner)));
        let places = if owners.is_empty() { "NULL".to_owned() } else { crate::tx::list(1, owners.len()) };
        format!(" AND (p.owner_id IS NULL OR p.owner_id IN ({places}))")
    });
    let sql = format!(
        "SELECT each.value AS tag, SUM(CASE WHEN p.kind = 'lead' THEN 1 ELSE 0 END) AS leads,
            SUM(CASE WHEN p.kind = 'contact' THEN 1 ELSE 0 END) AS contacts
        FROM people p, {each} WHERE p.tags <> '[]' AND p.deleted_at IS NULL{} GROUP BY each.value",
        seen.unwrap_or_default()
    );
    let read = |row: &crate::Row| {
        Ok(TagCount { tag: row.text("tag")?, leads: row.count("leads")?, contacts: row.count("contacts")? })
    };
    let mut found = tx.all(&sql, values, read).await?;
    found.sort_by_cached_key(|count| (count.tag.to_lowercase(), count.tag.clone()));
    Ok(found)
}
