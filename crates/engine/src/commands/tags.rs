//! The tags of the workspace: renamed, merged into another and deleted, for everyone who has them.
//!
//! Each is a bulk action on the people who have the tag: with their history, in the background where they are many, and
//! it can be undone. Smart lists that ask for a tag follow its new name.

use super::{
    access,
    audit::Object,
    bulk::{BulkAction, BulkDone, BulkPayload, Selection, seen_query},
};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    JobId, Refused,
    audit::Act,
    list::{Filter, Rule},
    person::clean_line,
    user::Actor,
};
use relance_storage::{Tx, lists, people_lists};

const LONGEST: usize = 100;
const MOST: usize = 2_000_000;
const AT_ONCE: usize = 1_000;

fn checked(name: &str) -> Result<String> {
    let name = clean_line(name);
    if name.is_empty() {
        return Err(Refused::at("to", "required", "Give the tag a name.").into());
    }
    if name.chars().count() > LONGEST {
        return Err(Refused::at("to", "too_long", "A tag has at most 100 characters.").into());
    }
    Ok(name)
}

fn having(tag: &str) -> Selection {
    let filter = Filter::Rule(Rule::new("tags", "has", tag));
    Selection::Matching { kind: None, search: String::new(), filter }
}

impl Engine {
    /// Gives a tag another name; one that is there already takes the people of this one. Admins only.
    pub async fn rename_tag(&self, actor: &Actor, tag: &str, to: &str) -> Result<(JobId, BulkDone)> {
        access::admins_only(actor, "rename tags")?;
        let to = checked(to)?;
        if to == tag {
            return Err(Refused::at("to", "unchanged", "This is its name already.").into());
        }
        let action = BulkAction::Tag { add: vec![to.clone()], remove: vec![tag.to_owned()] };
        let title = format!("Rename the tag {tag} to {to}");
        let mut tx = self.store.begin().await?;
        let total = self.having_tag(&mut tx, actor, tag).await?;
        for mut list in lists::all(&mut tx).await? {
            if list.filter.replace_value("tags", tag, &to) {
                lists::update(&mut tx, &list).await?;
            }
        }
        let detail = format!("To {to}. People: {total}.");
        self.note(&mut tx, actor, Act::TagRenamed, Object::named(tag), &detail).await?;
        self.retag_all(tx, actor, (tag, action), (total, title)).await
    }

    /// Takes a tag away from everyone who has it. Admins only.
    pub async fn delete_tag(&self, actor: &Actor, tag: &str) -> Result<(JobId, BulkDone)> {
        access::admins_only(actor, "delete tags")?;
        let action = BulkAction::Tag { add: Vec::new(), remove: vec![tag.to_owned()] };
        let title = format!("Delete the tag {tag}");
        let mut tx = self.store.begin().await?;
        let total = self.having_tag(&mut tx, actor, tag).await?;
        self.note(&mut tx, actor, Act::TagDeleted, Object::named(tag), &format!("People: {total}.")).await?;
        self.retag_all(tx, actor, (tag, action), (total, title)).await
    }

    async fn having_tag(&self, tx: &mut Tx, actor: &Actor, tag: &str) -> Result<usize> {
        let query = seen_query(tx, actor, &having(tag)).await?;
        let (total, _) = people_lists::count(tx, &query, MOST).await?;
        if total == 0 { Err(EngineError::NotFound("tag")) } else { Ok(total) }
    }

    async fn retag_all(
        &self,
        mut tx: Tx,
        actor: &Actor,
        (tag, action): (&str, BulkAction),
        (total, title): (usize, String),
    ) -> Result<(JobId, BulkDone)> {
        let id = self.new_job_id();
        let payload = BulkPayload { actor: actor.clone(), action, matching: Some(having(tag)) };
        self.store_bulk_titled(&mut tx, id, (total, title), payload, &[]).await?;
        tx.commit().await?;
        if total <= AT_ONCE {
            return Ok((id, self.finish_now(id).await?));
        }
        self.signals.jobs.notify_one();
        Ok((id, BulkDone::Job(id)))
    }
}
