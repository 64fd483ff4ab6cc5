//! What a start finds before it sends: an outage, another machine, data that went back (`domain::start_check`).
//!
//! Besides the heartbeat in the database a node keeps the last one it committed in a file of its data folder, so that
//! data older than what it has seen are noticed. Without a watcher nothing is compared and nothing is held.

use crate::{Engine, error::Result};
use relance_domain::{
    Timestamp,
    start_check::{Seen, StartCheck},
};
use relance_storage::{self as storage, Tx};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// The file in the data folder with the last heartbeat that this machine committed.
const PROGRESS: &str = "progress";
/// Another node that was heard of within this many milliseconds is alive.
const LIVE_MS: i64 = 60_000;

impl Engine {
    /// Looks back before the first sign of life of this process: what must be compared is held from here on.
    pub async fn look_back(&self) -> Result<Option<StartCheck>> {
        if !self.settings.watch {
            return Ok(None);
        }
        let known_here = self.known_progress().await;
        let mut tx = self.store.begin().await?;
        let machine_now = self.machine(&mut tx).await?;
        let machine_then = storage::start_checks::machine(&mut tx).await?;
        let seen = Seen {
            now: self.clock.system_now(),
            heartbeat: storage::workspace::heartbeat(&mut tx).await?,
            known_here,
            machine_then: machine_then.as_deref(),
            machine_now: &machine_now,
            others_live: !storage::workspace::list_live_nodes(&mut tx, LIVE_MS).await?.is_empty(),
        };
        let check = match (seen.why(), seen.heartbeat) {
            (Some(why), Some(data_until)) => Some(StartCheck { why, data_until, started_at: seen.now, done_at: None }),
            _ => None,
        };
        if let Some(check) = &check {
            storage::start_checks::hold_all(&mut tx, check).await?;
            tracing::warn!(why = ?check.why, "mailboxes are compared with their Sent folders before they send");
        }
        if machine_then.as_deref() != Some(machine_now.as_str()) {
            storage::start_checks::set_machine(&mut tx, &machine_now).await?;
        }
        tx.commit().await?;
        Ok(check)
    }

    fn progress_file(&self) -> PathBuf {
        self.settings.data.join(PROGRESS)
    }

    async fn known_progress(&self) -> Option<Timestamp> {
        let text = tokio::fs::read_to_string(self.progress_file()).await.ok()?;
        text.trim().parse().ok().map(Timestamp::from_ms)
    }

    /// Notes beside the database that a heartbeat of `at` was committed; a lost note only forgets, it never alarms.
    pub(crate) async fn note_progress(&self, at: Timestamp) {
        let (file, fresh) = (self.progress_file(), self.settings.data.join("progress.new"));
        let written = tokio::fs::write(&fresh, format!("{}\n", at.ms())).await;
        let moved = match written {
            Ok(()) => tokio::fs::rename(&fresh, &file).await,
            error => error,
        };
        if let Err(error) = moved {
            tracing::debug!(%error, "the progress could not be noted");
        }
    }

    /// What tells this installation from a copy of it: on SQLite the machine and the data folder, else the database.
    async fn machine(&self, tx: &mut Tx) -> Result<String> {
        let mut hash = Sha256::new();
        let database = storage::start_checks::database_mark(tx).await?;
        if database.is_empty() {
            hash.update(tokio::fs::read("/etc/machine-id").await.unwrap_or_default());
            hash.update([0]);
            let folder = &self.settings.data;
            let place = tokio::fs::canonicalize(folder).await.unwrap_or_else(|_| folder.clone());
            hash.update(place.as_os_str().as_encoded_bytes());
        } else {
            hash.update(database);
        }
        let digest = hash.finalize();
        Ok(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}
