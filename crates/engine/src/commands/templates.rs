//! Templates: named words that steps copy from.

use super::{
    attachments,
    audit::Object,
    custom_fields,
    email_html::clean_source,
    preview::{Words, company_of},
    teams, words,
};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    PersonId, Refused, TemplateId, Timestamp,
    attachment::Attachment,
    audit::{Act, changes},
    person::clean_line,
    step::EmailText,
    template::Template,
    user::Actor,
};
use relance_storage::{Tx, templates};
use serde::{Deserialize, Serialize};

const LONGEST_FOLDER: usize = 100;

/// What a template says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplateFields {
    /// Its name.
    pub name: String,
    /// Folder; empty = none.
    pub folder: String,
    /// Subject with merge tags.
    pub subject: String,
    /// HTML body with merge tags; empty = plain text only.
    pub body_html: String,
    /// Text body with merge tags; empty = made from the HTML.
    pub body_text: String,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
    /// Everyone may use it.
    pub shared: bool,
}

impl TemplateFields {
    fn of(template: &Template) -> Self {
        Self {
            name: template.name.clone(),
            folder: template.folder.clone(),
            subject: template.subject.clone(),
            body_html: template.body_html.clone(),
            body_text: template.body_text.clone(),
            attachments: template.attachments.clone(),
            shared: template.shared,
        }
    }

    fn put_into(self, template: Template) -> Template {
        Template {
            name: clean_line(&self.name),
            folder: clean_line(&self.folder),
            subject: clean_line(&self.subject),
            body_html: clean_source(&self.body_html.replace('\0', "")),
            body_text: self.body_text.replace('\0', ""),
            attachments: self.attachments,
            shared: self.shared,
            ..template
        }
    }
}

/// Everything that keeps it from being saved.
async fn check(tx: &mut Tx, template: &mut Template) -> Result<()> {
    attachments::check(tx, "attachments", &mut template.attachments).await?;
    check_folder(&template.folder)?;
    template.check()?;
    let texts =
        [("subject", &template.subject), ("body_html", &template.body_html), ("body_text", &template.body_text)];
    custom_fields::check_tags(tx, texts.map(|(field, text)| (field.to_owned(), text.as_str()))).await
}

async fn template(tx: &mut Tx, actor: &Actor, id: TemplateId) -> Result<Template> {
    let found = seen_template(tx, actor, id).await?;
    if found.is_changed_by(actor, &teams::sight(tx, actor).await?) {
        return Ok(found);
    }
    let words = "This template belongs to someone else. They, their manager or an admin change it.";
    Err(EngineError::Forbidden(words.to_owned()))
}

/// The template, if the actor may read and use it: shared, or one's own.
pub(crate) async fn seen_template(tx: &mut Tx, actor: &Actor, id: TemplateId) -> Result<Template> {
    let found = templates::find(tx, id).await?.ok_or(EngineError::NotFound("template"))?;
    if found.is_visible_to(actor) {
        return Ok(found);
    }
    Err(EngineError::Forbidden("This template belongs to someone else and is not shared.".to_owned()))
}

/// A folder is a line that a list has room for.
fn check_folder(folder: &str) -> Result<()> {
    if folder.chars().count() > LONGEST_FOLDER {
        return Err(Refused::at("folder", "too_long", "The name of a folder has at most 100 characters.").into());
    }
    Ok(())
}

/// What an edit changed, for the audit log.
fn edited(before: &Template, after: &Template) -> String {
    let seen = |shared| if shared { "everyone" } else { "its owner" };
    let words = changes(&[
        ("Name", &before.name, &after.name),
        ("Folder", &before.folder, &after.folder),
        ("Subject", &before.subject, &after.subject),
        ("May be used by", seen(before.shared), seen(after.shared)),
    ]);
    let names =
        |template: &Template| template.attachments.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ");
    let words = format!("{words} {}", changes(&[("Files", &names(before), &names(after))])).trim().to_owned();
    let has_same_body = (&before.body_html, &before.body_text) == (&after.body_html, &after.body_text);
    if has_same_body { words } else { format!("{words} The text changed.").trim().to_owned() }
}

impl Engine {
    /// The template, if the actor may read and use it.
    pub async fn seen_template(&self, actor: &Actor, id: TemplateId) -> Result<Template> {
        let mut tx = self.store.read().await?;
        seen_template(&mut tx, actor, id).await
    }

    /// Writes a template.
    pub async fn create_template(&self, actor: &Actor, fields: TemplateFields) -> Result<Template> {
        let now = self.now();
        let mut template = fields.put_into(Template {
            id: self.new_template_id(),
            name: String::new(),
            folder: String::new(),
            subject: String::new(),
            body_html: String::new(),
            body_text: String::new(),
            attachments: Vec::new(),
            shared: false,
            owner_id: actor.user_id(),
            created_at: now,
            updated_at: now,
        });
        let mut tx = self.store.begin().await?;
        check(&mut tx, &mut template).await?;
        templates::insert(&mut tx, &template).await?;
        self.note(&mut tx, actor, Act::TemplateSaved, Object::new(template.id, &template.name), "New.").await?;
        tx.commit().await?;
        Ok(template)
    }

    /// Changes a template; sequences that copied it stay as they are until published again.
    pub async fn edit_template(
        &self,
        actor: &Actor,
        id: TemplateId,
        change: impl FnOnce(&mut TemplateFields) + Send,
    ) -> Result<Template> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        let before = template(&mut tx, actor, id).await?;
        let mut fields = TemplateFields::of(&before);
        change(&mut fields);
        let mut after = Template { updated_at: now, ..fields.put_into(before.clone()) };
        check(&mut tx, &mut after).await?;
        templates::update(&mut tx, &after, now).await?;
        self.note(&mut tx, actor, Act::TemplateSaved, Object::new(id, &after.name), &edited(&before, &after)).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// A copy of one's own, for oneself alone until it is shared.
    pub async fn clone_template(&self, actor: &Actor, id: TemplateId) -> Result<Template> {
        let original = {
            let mut tx = self.store.read().await?;
            seen_template(&mut tx, actor, id).await?
        };
        let fields = TemplateFields {
            name: format!("Copy of {}", original.name),
            shared: false,
            ..TemplateFields::of(&original)
        };
        self.create_template(actor, fields).await
    }

    /// Puts templates into a folder (empty = none): all of them, or none if one may not be changed. How many moved.
    pub async fn move_templates(&self, actor: &Actor, ids: &[TemplateId], folder: &str) -> Result<usize> {
        let (now, folder) = (self.now(), clean_line(folder));
        check_folder(&folder)?;
        let mut tx = self.store.begin().await?;
        let mut moved = 0;
        for id in ids {
            let before = template(&mut tx, actor, *id).await?;
            moved += usize::from(self.move_one(&mut tx, actor, before, &folder, now).await?);
        }
        tx.commit().await?;
        Ok(moved)
    }

    /// Renames a folder for every template in it that the actor may change; how many, and how many stay.
    pub async fn rename_folder(&self, actor: &Actor, from: &str, to: &str) -> Result<(usize, usize)> {
        let (now, to) = (self.now(), clean_line(to));
        if to.is_empty() {
            return Err(Refused::at("folder", "required", "Give the folder a name.").into());
        }
        check_folder(&to)?;
        let mut tx = self.store.begin().await?;
        let all = templates::list(&mut tx, "", None).await?;
        let sight = teams::sight(&mut tx, actor).await?;
        let (ours, others): (Vec<Template>, Vec<Template>) = all
            .into_iter()
            .filter(|found| found.folder == from && found.is_visible_to(actor))
            .partition(|found| found.is_changed_by(actor, &sight));
        if ours.is_empty() {
            let message = "Nothing in this folder is yours to move. Ask whoever wrote it, or a manager.";
            return Err(EngineError::refused("not_permitted", message));
        }
        let mut moved = 0;
        for before in ours {
            moved += usize::from(self.move_one(&mut tx, actor, before, &to, now).await?);
        }
        tx.commit().await?;
        Ok((moved, others.len()))
    }

    async fn move_one(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        before: Template,
        folder: &str,
        now: Timestamp,
    ) -> Result<bool> {
        if before.folder == folder {
            return Ok(false);
        }
        let after = Template { folder: folder.to_owned(), ..before.clone() };
        templates::update(tx, &after, now).await?;
        let object = Object::new(after.id, &after.name);
        self.note(tx, actor, Act::TemplateSaved, object, &edited(&before, &after)).await?;
        Ok(true)
    }

    /// Deletes a template; published steps keep the words they copied.
    pub async fn delete_template(&self, actor: &Actor, id: TemplateId) -> Result<()> {
        let mut tx = self.store.begin().await?;
        let deleted = template(&mut tx, actor, id).await?;
        templates::delete(&mut tx, id).await?;
        self.note(&mut tx, actor, Act::TemplateDeleted, Object::new(id, &deleted.name), "").await?;
        tx.commit().await?;
        Ok(())
    }

    /// Any words as this person would get them from the actor's own mailbox.
    pub async fn preview_words(
        &self,
        actor: &Actor,
        subject: &str,
        body_html: &str,
        body_text: &str,
        person: PersonId,
    ) -> Result<Words> {
        let email = EmailText {
            subject: subject.to_owned(),
            body_html: body_html.to_owned(),
            body_text: body_text.to_owned(),
            ..EmailText::default()
        };
        let mut tx = self.store.read().await?;
        let person = teams::seen_person(&mut tx, actor, person).await?;
        let company = company_of(&mut tx, &person).await?;
        let sender = self.sender_of(&mut tx, actor.user_id(), None).await?;
        drop(tx);
        let url = format!("{}/unsubscribe/preview", self.settings.base_url);
        Ok(words::of_email(&email, &sender.correspondence(&person, company.as_ref()).values(&url), &[], None)?)
    }
}
