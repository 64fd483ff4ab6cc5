//! Which mailboxes this process works for: leases taken, renewed and given back.
//!
//! A lease is a row with an epoch (`engine.md` §3). The holder measures its own time by `CLOCK_BOOTTIME` from before the
//! renewal was sent, so it never believes longer than the database does. A process that cannot renew stops by itself.

use crate::{Engine, error::Result};
use relance_domain::{MailboxId, Timestamp};
use relance_storage as storage;
use std::{collections::HashMap, sync::Mutex};

/// Most mailboxes taken over in one turn.
const TAKE_AT_ONCE: u32 = 200;

/// A lease as its holder sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The epoch of this owner.
    pub epoch: i64,
    /// `CLOCK_BOOTTIME` in milliseconds until which it is surely ours.
    pub until_boot_ms: i64,
    /// Business time since when it has been ours without a break.
    pub since: Timestamp,
}

/// The leases of this process.
#[derive(Default)]
pub struct Leases {
    held: Mutex<HashMap<MailboxId, Held>>,
}

impl Leases {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<MailboxId, Held>> {
        self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The epoch of a lease that is surely ours at `boot_ms`.
    pub fn epoch(&self, mailbox: MailboxId, boot_ms: i64) -> Option<i64> {
        self.lock().get(&mailbox).filter(|held| held.until_boot_ms > boot_ms).map(|held| held.epoch)
    }

    /// Since when a mailbox has been ours without a break.
    pub fn since(&self, mailbox: MailboxId) -> Option<Timestamp> {
        self.lock().get(&mailbox).map(|held| held.since)
    }

    /// Every mailbox that is ours at `boot_ms`, with its epoch.
    pub fn all(&self, boot_ms: i64) -> Vec<(MailboxId, i64)> {
        self.lock()
            .iter()
            .filter(|(_, held)| held.until_boot_ms > boot_ms)
            .map(|(id, held)| (*id, held.epoch))
            .collect()
    }
}

impl Engine {
    /// One turn: renews what is held, takes what nobody works for. What it gained, for the watchers.
    pub async fn renew_leases(&self) -> Result<Vec<MailboxId>> {
        let ttl = self.settings.lease_ms;
        let before = self.clock.boot_ms();
        let mut tx = self.store.begin().await?;
        storage::leases::heartbeat(&mut tx, self.node_id).await?;
        let alive = self.clock.system_now();
        storage::workspace::record_heartbeat(&mut tx, alive).await?;
        let renewed = storage::leases::renew_all(&mut tx, self.node_id, ttl).await?;
        let mut held: HashMap<MailboxId, i64> = renewed.into_iter().collect();
        let mut gained = Vec::new();
        for mailbox in storage::leases::unowned(&mut tx, TAKE_AT_ONCE).await? {
            if let Some(epoch) = storage::leases::acquire(&mut tx, mailbox, self.node_id, ttl).await? {
                held.insert(mailbox, epoch);
                gained.push(mailbox);
            }
        }
        tx.commit().await?;
        self.note_progress(alive).await;
        let (until_boot_ms, now) = (before + ttl, self.now());
        let mut known = self.leases.lock();
        let since = |id, epoch| known.get(&id).filter(|held| held.epoch == epoch).map_or(now, |held| held.since);
        let held =
            held.into_iter().map(|(id, epoch)| (id, Held { epoch, until_boot_ms, since: since(id, epoch) })).collect();
        *known = held;
        drop(known);
        Ok(gained)
    }

    /// Gives every lease back, so that another node need not wait for their end.
    pub async fn release_leases(&self) -> Result<()> {
        self.leases.lock().clear();
        let mut tx = self.store.begin().await?;
        storage::leases::release_all(&mut tx, self.node_id).await?;
        storage::leases::remove_node(&mut tx, self.node_id).await?;
        tx.commit().await?;
        Ok(())
    }
}
