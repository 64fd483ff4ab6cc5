//! Smart lists: created, changed, shared, deleted, kept in the bar; and how each user looks at people.
//!
//! A filter or sort that cannot be asked is refused when it is saved, at its place. A private list of someone else is
//! *not found*.

use crate::{Engine, EngineError, Result};
use relance_domain::{
    ListId, UserId,
    list::{Filter, List, View},
    person::Kind,
    user::Actor,
};
use relance_storage::{
    Tx, lists,
    people_lists::{self, PeopleQuery},
    people_views,
};

/// The most lists one user keeps in the bar.
const MOST_PINS: usize = 50;

/// A list to create.
#[derive(Debug, Clone)]
pub struct NewList {
    /// Its name.
    pub name: String,
    /// Of leads or of contacts.
    pub kind: Kind,
    /// Who is in it.
    pub filter: Filter,
    /// Its columns; empty = those of the viewer.
    pub columns: Vec<String>,
    /// A field, with `-` in front from high to low; empty = by name.
    pub sort: String,
    /// Others see it too.
    pub shared: bool,
}

/// What to change of a list; `None` = leave as it is.
#[derive(Debug, Clone, Default)]
pub struct ListChange {
    /// Its name.
    pub name: Option<String>,
    /// Who is in it.
    pub filter: Option<Filter>,
    /// Its columns.
    pub columns: Option<Vec<String>>,
    /// Its order.
    pub sort: Option<String>,
    /// Others see it too.
    pub shared: Option<bool>,
}

/// The list, or *not found* for whoever may not know of it.
async fn find(tx: &mut Tx, actor: &Actor, id: ListId) -> Result<List> {
    let found = lists::find(tx, id).await?.filter(|list| list.is_visible_to(actor));
    found.ok_or(EngineError::NotFound("list"))
}

async fn find_to_change(tx: &mut Tx, actor: &Actor, id: ListId) -> Result<List> {
    let list = find(tx, actor, id).await?;
    if list.is_changed_by(actor) {
        return Ok(list);
    }
    Err(EngineError::Forbidden(
        "This list belongs to someone else. Save it under your own name to change it.".to_owned(),
    ))
}

async fn check(tx: &mut Tx, list: &mut List) -> Result<()> {
    list.clean();
    list.check()?;
    let query = PeopleQuery::of_list(list)?;
    people_lists::check(tx, &query, &list.columns).await?;
    Ok(())
}

fn signed_in(actor: &Actor) -> Result<UserId> {
    actor.user_id().ok_or(EngineError::NotFound("user"))
}

impl Engine {
    /// The lists the actor knows of: their own and those that are shared, by name.
    pub async fn lists(&self, actor: &Actor) -> Result<Vec<List>> {
        let mut tx = self.store.read().await?;
        Ok(lists::list(&mut tx, signed_in(actor)?).await?)
    }

    /// The lists the actor keeps in the bar, in their order.
    pub async fn pinned_lists(&self, actor: &Actor) -> Result<Vec<List>> {
        let mut tx = self.store.read().await?;
        Ok(lists::pinned(&mut tx, signed_in(actor)?).await?)
    }

    /// A list; *not found* for whoever may not know of it.
    pub async fn read_list(&self, actor: &Actor, id: ListId) -> Result<List> {
        let mut tx = self.store.read().await?;
        find(&mut tx, actor, id).await
    }

    /// Saves a list of the actor's own.
    pub async fn create_list(&self, actor: &Actor, new: NewList) -> Result<List> {
        let owner_id = signed_in(actor)?;
        let NewList { name, kind, filter, columns, sort, shared } = new;
        let (id, now) = (self.new_list_id(), self.now());
        let mut list =
            List { id, name, kind, filter, columns, sort, shared, owner_id, created_at: now, updated_at: now };
        let mut tx = self.store.begin().await?;
        check(&mut tx, &mut list).await?;
        lists::insert(&mut tx, &list).await?;
        tx.commit().await?;
        Ok(list)
    }

    /// Changes a list: its owner, of a shared one admins too.
    pub async fn edit_list(&self, actor: &Actor, id: ListId, change: ListChange) -> Result<List> {
        let mut tx = self.store.begin().await?;
        let mut list = find_to_change(&mut tx, actor, id).await?;
        let ListChange { name, filter, columns, sort, shared } = change;
        list.name = name.unwrap_or(list.name);
        list.filter = filter.unwrap_or(list.filter);
        list.columns = columns.unwrap_or(list.columns);
        list.sort = sort.unwrap_or(list.sort);
        list.shared = shared.unwrap_or(list.shared);
        list.updated_at = self.now();
        check(&mut tx, &mut list).await?;
        lists::update(&mut tx, &list).await?;
        tx.commit().await?;
        Ok(list)
    }

    /// Deletes a list: its owner, of a shared one admins too.
    pub async fn delete_list(&self, actor: &Actor, id: ListId) -> Result<()> {
        let mut tx = self.store.begin().await?;
        find_to_change(&mut tx, actor, id).await?;
        lists::delete(&mut tx, id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps a list in the actor's bar, at the end, or takes it out.
    pub async fn pin_list(&self, actor: &Actor, id: ListId, pinned: bool) -> Result<()> {
        let user = signed_in(actor)?;
        let mut tx = self.store.begin().await?;
        find(&mut tx, actor, id).await?;
        let mut pins: Vec<ListId> = lists::pinned(&mut tx, user).await?.into_iter().map(|list| list.id).collect();
        if pinned != pins.contains(&id) {
            pins.retain(|pin| *pin != id);
            pins.extend(pinned.then_some(id));
            at_most(&pins)?;
            lists::set_pins(&mut tx, user, &pins).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Keeps exactly these lists in the actor's bar, in this order.
    pub async fn set_pinned_lists(&self, actor: &Actor, ids: &[ListId]) -> Result<()> {
        let user = signed_in(actor)?;
        at_most(ids)?;
        let mut tx = self.store.begin().await?;
        for id in ids {
            find(&mut tx, actor, *id).await?;
        }
        lists::set_pins(&mut tx, user, ids).await?;
        tx.commit().await?;
        Ok(())
    }

    /// How the actor looks at leads or contacts.
    pub async fn people_view(&self, actor: &Actor, kind: Kind) -> Result<View> {
        let mut tx = self.store.read().await?;
        Ok(people_views::find(&mut tx, signed_in(actor)?, kind).await?)
    }

    /// Remembers how the actor looks at leads or contacts; an unknown column is refused.
    pub async fn store_people_view(&self, actor: &Actor, kind: Kind, view: &View) -> Result<()> {
        let mut tx = self.store.begin().await?;
        people_lists::check(&mut tx, &PeopleQuery::default(), &view.columns).await?;
        people_views::store(&mut tx, signed_in(actor)?, kind, view).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn at_most(pins: &[ListId]) -> Result<()> {
    if pins.len() <= MOST_PINS {
        return Ok(());
    }
    Err(EngineError::refused("too_many", "At most 50 lists can be pinned. Unpin one first."))
}
