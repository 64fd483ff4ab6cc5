//! Templates: named words with merge tags that steps copy from.

use crate::{
    Refused, TemplateId, Timestamp, UserId,
    attachment::{self, Attachment},
    step::EmailText,
    user::{Actor, Sight},
};
use serde::{Deserialize, Serialize};

/// A template as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
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
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// Everyone may use it; else only its owner.
    pub shared: bool,
    /// Whose it is.
    pub owner_id: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Template {
    /// May be read and used: shared, or one's own. What is private is its owner's alone, for managers and admins too.
    pub fn is_visible_to(&self, actor: &Actor) -> bool {
        self.shared || *actor == Actor::System || self.owner_id.is_some() && self.owner_id == actor.user_id()
    }

    /// May be changed and deleted: one's own, and shared ones of those whom one acts for.
    pub fn is_changed_by(&self, actor: &Actor, sight: &Sight) -> bool {
        self.is_visible_to(actor) && self.owner_id.map_or(actor.is_admin(), |owner| actor.acts_for(sight, owner))
    }

    /// Its words and files as an email.
    pub fn email(&self) -> EmailText {
        EmailText {
            template_id: Some(self.id),
            subject: self.subject.clone(),
            body_html: self.body_html.clone(),
            body_text: self.body_text.clone(),
            attachments: self.attachments.clone(),
            reply_in_thread: false,
        }
    }

    /// Everything that keeps the template from being saved, each at its field.
    pub fn check(&self) -> Result<(), Vec<Refused>> {
        let mut wrong = Vec::new();
        if self.name.trim().is_empty() {
            wrong.push(Refused::at("name", "required", "Give the template a name."));
        }
        for (field, text) in
            [("subject", &self.subject), ("body_html", &self.body_html), ("body_text", &self.body_text)]
        {
            if let Err(refused) = crate::merge::check(text) {
                wrong.push(Refused { field: Some(field.to_owned()), ..refused });
            }
        }
        wrong.extend(attachment::check(&self.attachments).err());
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}
