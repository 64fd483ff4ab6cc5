//! Watches the inboxes: reads what arrives, judges it once, and proves that an inbox was read to its end.
//!
//! One task per mailbox that this process holds the lease of. A turn is [`Watch::prove`]: every watched folder is read
//! up to its end and committed, then the proof counts from the moment the turn began. Between turns it idles. Faults
//! close the connection, void the proof and are tried again; no message can stop a watcher.

mod comparing;
mod effects;
mod filing;
mod ground;
pub mod inbox;
mod matching;
pub mod proofs;
mod reading;

use crate::{
    Engine,
    accounts::{OpenError, Reading},
    error::Result,
};
use inbox::Inbox;
use proofs::{Proof, Wish};
use relance_domain::MailboxId;
use relance_mail::{Direction, Fault, Stage};
use relance_storage as storage;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// After a failed connection, the next try.
const RETRY: Duration = Duration::from_secs(30);
/// After a definite no to the password, the next try: at most 3 an hour.
const AUTH_RETRY: Duration = Duration::from_secs(20 * 60);

/// The watch over one inbox.
pub struct Watch {
    engine: Engine,
    mailbox: MailboxId,
    inbox: Option<Inbox>,
}

impl Watch {
    /// A watch that connects with its first turn.
    pub const fn new(engine: Engine, mailbox: MailboxId) -> Self {
        Self { engine, mailbox, inbox: None }
    }

    /// One turn: everything in the watched folders is read, judged and committed; then the proof counts.
    pub async fn prove(&mut self) -> std::result::Result<Proof, WatchError> {
        let began = self.engine.clock.boot_ms();
        let outcome = self.read_to_the_end().await;
        if outcome.is_err() {
            self.inbox = None;
            self.engine.proofs.void(self.mailbox);
        }
        outcome?;
        let is_first = self.engine.proofs.proved(self.mailbox, began);
        self.engine.record_proof(self.mailbox, is_first).await?;
        self.engine.report_works(self.mailbox, Direction::Receiving).await?;
        Ok(Proof::Fresh { boot_ms: began })
    }

    async fn read_to_the_end(&mut self) -> std::result::Result<(), WatchError> {
        if self.inbox.is_none() {
            self.inbox = Some(self.connect().await?);
        }
        let Some(inbox) = self.inbox.as_mut() else { return Err(WatchError::Gone) };
        let Some(mailbox) = self.engine.mailbox(self.mailbox).await? else { return Err(WatchError::Gone) };
        for folder in inbox.watched() {
            self.engine.read_folder(&mailbox, inbox, &folder).await?;
        }
        self.engine.compare_if_held(&mailbox, inbox).await?;
        self.engine.settle_uncertain(&mailbox, inbox).await?;
        self.engine.file_sent(&mailbox, inbox).await?;
        Ok(())
    }

    /// Connects; a token that is not taken is renewed, once.
    async fn connect(&self) -> std::result::Result<Inbox, WatchError> {
        let open = self.engine.open_mailbox(self.mailbox).await?.ok_or(WatchError::Gone)?;
        let tls = &self.engine.tls;
        match (Inbox::open(&open.reading, &open.mailbox.watched_folders, tls).await, &open.reading) {
            (Err(refused @ Fault::TokenRejected { .. }), Reading::Imap(server)) => {
                let again = self.engine.with_new_token(&open.mailbox, server).await?.ok_or(refused)?;
                Ok(Inbox::open(&Reading::Imap(again), &open.mailbox.watched_folders, tls).await?)
            }
            (opened, _) => Ok(opened?),
        }
    }

    /// Waits until there is something to read, someone wishes a proof, or it is time for the next one.
    async fn rest(&mut self, wishes: &mut mpsc::Receiver<Wish>, stop: &CancellationToken) -> Option<Vec<Wish>> {
        let longest = Duration::from_millis(self.engine.settings.proof_ms.unsigned_abs());
        let mut wish = None;
        let failed = match self.inbox.as_mut() {
            Some(inbox) => {
                let woken = async {
                    tokio::select! {
                        asked = wishes.recv() => wish = asked,
                        () = stop.cancelled() => {}
                    }
                };
                inbox.rest(longest, woken).await.is_err()
            }
            None => false,
        };
        if failed {
            self.inbox = None;
            self.engine.proofs.void(self.mailbox);
        }
        if stop.is_cancelled() {
            return None;
        }
        let mut waiting: Vec<Wish> = wish.into_iter().collect();
        while let Ok(another) = wishes.try_recv() {
            waiting.push(another);
        }
        Some(waiting)
    }

    /// Watches until `stop`, turn after turn.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut wishes = self.engine.proofs.watch(self.mailbox);
        let mut waiting: Vec<Wish> = Vec::new();
        while !stop.is_cancelled() {
            match self.prove().await {
                Ok(proof) => {
                    for wish in waiting.drain(..) {
                        // Who asked may be gone; the proof stands all the same.
                        let _ = wish.send(proof.clone());
                    }
                    match self.rest(&mut wishes, &stop).await {
                        Some(asked) => waiting = asked,
                        None => break,
                    }
                }
                Err(WatchError::Gone) => break,
                Err(error) => {
                    let pause = self.failed(&error, waiting.drain(..)).await;
                    if !wait_after_failure(pause, &mut wishes, &mut waiting, &stop).await {
                        break;
                    }
                }
            }
        }
        if let Some(inbox) = self.inbox.take() {
            inbox.close().await;
        }
        drop(wishes);
        self.engine.proofs.forget(self.mailbox);
    }

    /// A turn failed: who asked is told why, the mailbox says so, and the next try waits.
    async fn failed(&self, error: &WatchError, waiting: impl Iterator<Item = Wish>) -> Duration {
        for wish in waiting {
            let _ = wish.send(Proof::Failed(error.to_string()));
        }
        match error {
            WatchError::Fault(fault) => {
                if let Err(error) =
                    self.engine.report_fault(self.mailbox, Direction::Receiving, fault, Stage::Reading).await
                {
                    tracing::warn!(%error, mailbox = %self.mailbox, "the state of a mailbox could not be written");
                }
                let needs_someone = matches!(
                    fault,
                    Fault::AuthRejected { .. }
                        | Fault::TokenRejected { .. }
                        | Fault::ConsentNeeded { .. }
                        | Fault::ProviderSettings { .. }
                );
                if needs_someone { AUTH_RETRY } else { RETRY }
            }
            WatchError::Engine(error) => {
                tracing::warn!(%error, mailbox = %self.mailbox, "received mail could not be recorded");
                RETRY
            }
            WatchError::Gone => RETRY,
        }
    }
}

/// Waits before the next try; a wish for a proof ends the wait early once. False = stop.
async fn wait_after_failure(
    pause: Duration,
    wishes: &mut mpsc::Receiver<Wish>,
    waiting: &mut Vec<Wish>,
    stop: &CancellationToken,
) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        asked = wishes.recv(), if pause < AUTH_RETRY => {
            waiting.extend(asked);
            // A failing server is not asked more than once a second, however many wish.
            tokio::time::sleep(Duration::from_secs(1)).await;
            true
        }
        () = stop.cancelled() => false,
    }
}

/// Why a turn failed.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The server or the connection.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The database.
    #[error("{0}")]
    Engine(#[from] crate::EngineError),
    /// The mailbox was disconnected.
    #[error("the mailbox is not connected any more")]
    Gone,
}

impl From<OpenError> for WatchError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Fault(fault) => Self::Fault(fault),
            OpenError::Engine(error) => Self::Engine(error),
        }
    }
}

impl From<storage::StorageError> for WatchError {
    fn from(error: storage::StorageError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    pub(crate) async fn mailbox(&self, id: MailboxId) -> Result<Option<relance_domain::mailbox::Mailbox>> {
        let mut tx = self.store.read().await?;
        Ok(storage::mailboxes::find(&mut tx, id).await?)
    }

    /// Shows in the database that the inbox was read to its end now. A follow-up may have waited for the first such proof:
    /// its mailbox looks at once.
    async fn record_proof(&self, mailbox: MailboxId, is_first: bool) -> Result<()> {
        let mut tx = self.store.begin().await?;
        storage::mailboxes::set_proved_at(&mut tx, mailbox, self.now()).await?;
        if is_first {
            storage::mailboxes::hasten(&mut tx, mailbox, self.now()).await?;
        }
        tx.commit().await?;
        if is_first {
            self.signals.due.notify_waiters();
        }
        Ok(())
    }
}
