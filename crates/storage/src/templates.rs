//! Templates: named words that steps copy from. A template is removed for good; published steps keep their copy.

use crate::{
    args,
    error::Result,
    files,
    tx::Tx,
    value::{Row, json},
};
use relance_domain::{SequenceId, TemplateId, Timestamp, UserId, sequence::Plan, template::Template};
use std::collections::HashMap;

const COLUMNS: &str =
    "id, name, folder, subject, body_html, body_text, attachments, shared, owner_id, created_at, updated_at";

fn template(row: &Row) -> Result<Template> {
    Ok(Template {
        id: row.id("id")?,
        name: row.text("name")?,
        folder: row.text("folder")?,
        subject: row.text("subject")?,
        body_html: row.text("body_html")?,
        body_text: row.text("body_text")?,
        attachments: row.json("attachments")?,
        shared: row.bool("shared")?,
        owner_id: row.id_opt("owner_id")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Adds a template.
pub async fn insert(tx: &mut Tx, template: &Template) -> Result<()> {
    let sql = format!("INSERT INTO templates ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    tx.execute(
        &sql,
        args![
            template.id,
            &template.name,
            &template.folder,
            &template.subject,
            &template.body_html,
            &template.body_text,
            json(&template.attachments),
            template.shared,
            template.owner_id,
            template.created_at,
            template.updated_at
        ],
    )
    .await?;
    files::hold(tx, &template.id.to_string(), &template.attachments).await
}

/// Stores changed fields; `false` if there is no such template.
pub async fn update(tx: &mut Tx, template: &Template, now: Timestamp) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE templates SET name = $2, folder = $3, subject = $4, body_html = $5, body_text = $6,
                attachments = $7, shared = $8, owner_id = $9, updated_at = $10
            WHERE id = $1",
            args![
                template.id,
                &template.name,
                &template.folder,
                &template.subject,
                &template.body_html,
                &template.body_text,
                json(&template.attachments),
                template.shared,
                template.owner_id,
                now
            ],
        )
        .await?;
    if changed > 0 {
        files::hold(tx, &template.id.to_string(), &template.attachments).await?;
    }
    Ok(changed > 0)
}

/// The template with this id.
pub async fn find(tx: &mut Tx, id: TemplateId) -> Result<Option<Template>> {
    tx.first(&format!("SELECT {COLUMNS} FROM templates WHERE id = $1"), args![id], template).await
}

/// Removes a template; `false` if there was none.
pub async fn delete(tx: &mut Tx, id: TemplateId) -> Result<bool> {
    files::hold(tx, &id.to_string(), []).await?;
    Ok(tx.execute("DELETE FROM templates WHERE id = $1", args![id]).await? > 0)
}

/// The templates whose name or folder contains `search` (empty = all), by folder and name. `visible_to` leaves out what
/// is neither shared nor theirs.
pub async fn list(tx: &mut Tx, search: &str, visible_to: Option<UserId>) -> Result<Vec<Template>> {
    let (mut conditions, mut args) = (vec![String::from("1 = 1")], vec![]);
    if let Some(user_id) = visible_to {
        args.push(user_id.into());
        conditions.push(format!("(shared OR owner_id = ${})", args.len()));
    }
    let sql = format!("SELECT {COLUMNS} FROM templates WHERE {} ORDER BY folder, name, id", conditions.join(" AND "));
    let mut found = tx.all(&sql, args, template).await?;
    let wanted = relance_domain::person::normalized(search);
    if !wanted.is_empty() {
        let has = |text: &str| relance_domain::person::normalized(text).contains(&wanted);
        found.retain(|template| has(&template.name) || has(&template.folder));
    }
    Ok(found)
}

/// The sequences whose drafts take words from templates, by template: which, and their names.
pub async fn uses(tx: &mut Tx) -> Result<HashMap<TemplateId, Vec<(SequenceId, String)>>> {
    let sql = "SELECT id, name, draft FROM sequences WHERE draft LIKE '%\"template_id\":\"%' ORDER BY name_key, id";
    let read = |row: &Row| Ok((row.id::<SequenceId>("id")?, row.text("name")?, row.json::<Plan>("draft")?));
    let mut found: HashMap<TemplateId, Vec<(SequenceId, String)>> = HashMap::new();
    for (id, name, plan) in tx.all(sql, args![], read).await? {
        for template in plan.steps.iter().filter_map(|step| step.action.email()?.template_id) {
            let users = found.entry(template).or_default();
            if users.last().is_none_or(|(last, _)| *last != id) {
                users.push((id, name.clone()));
            }
        }
    }
    Ok(found)
}
