//! Files that were uploaded and wait for their columns to be chosen: in the database, so that any node goes on with them.
//!
//! They belong to who uploaded them and are removed after a day.

use crate::{Engine, EngineError, Result};
use relance_domain::{UploadId, time::DAY, user::Actor};
use relance_storage::uploads;

/// Bytes of one part.
pub const PART: usize = 1_048_576;

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Its name as uploaded.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Engine {
    /// Begins a file; its parts follow with [`Engine::append_upload`]. Files of yesterday are removed.
    pub async fn begin_upload(&self, actor: &Actor, name: &str) -> Result<UploadId> {
        let user = actor.user_id().ok_or(EngineError::NotFound("user"))?;
        let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
        let (id, now) = (self.new_upload_id(), self.now());
        let mut tx = self.store.begin().await?;
        uploads::purge(&mut tx, now.plus_ms(-DAY), 100).await?;
        uploads::insert(&mut tx, id, user, &name, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Adds a part, numbered from 0.
    pub async fn append_upload(&self, id: UploadId, part: usize, bytes: &[u8]) -> Result<()> {
        let mut tx = self.store.begin().await?;
        uploads::append_part(&mut tx, id, part, bytes).await?;
        tx.commit().await?;
        Ok(())
    }

    /// One's own file.
    pub async fn read_upload(&self, actor: &Actor, id: UploadId) -> Result<Upload> {
        let missing = || EngineError::NotFound("uploaded file");
        let mut tx = self.store.read().await?;
        let name = uploads::name(&mut tx, id, actor.user_id().ok_or_else(missing)?).await?.ok_or_else(missing)?;
        Ok(Upload { id, name, bytes: uploads::read(&mut tx, id).await? })
    }

    /// Removes one's own file; nothing if it is gone.
    pub async fn remove_upload(&self, actor: &Actor, id: UploadId) -> Result<()> {
        let mut tx = self.store.begin().await?;
        let Some(user) = actor.user_id() else { return Ok(()) };
        if uploads::name(&mut tx, id, user).await?.is_some() {
            uploads::delete(&mut tx, id).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
