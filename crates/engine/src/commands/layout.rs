//! The layout of a person's page: set by admins, for everyone.

use super::{access, audit::Object};
use crate::{Engine, Result};
use relance_domain::{
    audit::Act,
    person_layout::{Layout, Widget},
    user::Actor,
};
use relance_storage::workspace;

impl Engine {
    /// The widgets beside a person's history.
    pub async fn person_layout(&self) -> Result<Layout> {
        let names = workspace::person_layout(&mut self.store.read().await?).await?;
        Ok(Layout::of(names.iter().map(String::as_str)))
    }

    /// Changes which widgets there are and their order; admins only.
    pub async fn change_person_layout(
        &self,
        actor: &Actor,
        change: impl FnOnce(Layout) -> Layout + Send,
    ) -> Result<Layout> {
        access::admins_only(actor, "change the layout of the person page")?;
        let mut tx = self.store.begin().await?;
        let names = workspace::person_layout(&mut tx).await?;
        let layout = change(Layout::of(names.iter().map(String::as_str)));
        let names: Vec<&str> = layout.shown().iter().copied().map(Widget::as_str).collect();
        workspace::set_person_layout(&mut tx, &names).await?;
        self.note(&mut tx, actor, Act::LayoutChanged, Object::named(""), &names.join(", ")).await?;
        tx.commit().await?;
        Ok(layout)
    }
}
