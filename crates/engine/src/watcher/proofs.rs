//! Proofs of freshness: when each inbox was last read to its end, by a clock that no one can turn back.
//!
//! Kept in memory only: a process that has just started has proved nothing. The time of a proof is when the reading
//! *began*, so mail that came while it was read is covered by the next one.

use relance_domain::{MailboxId, mailbox::PROOF_VALID_MS};
use std::{collections::HashMap, sync::Mutex};
use tokio::sync::{mpsc, oneshot};

/// What came of a wish for a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Every message up to the moment `boot_ms` has been read, judged and committed.
    Fresh {
        /// `CLOCK_BOOTTIME` in milliseconds when the reading began.
        boot_ms: i64,
    },
    /// The inbox could not be read, and why.
    Failed(String),
}

/// A wish for a proof, answered by the watcher of that mailbox.
pub type Wish = oneshot::Sender<Proof>;

/// The proofs of the mailboxes this process watches, and the way to ask for a new one.
#[derive(Default)]
pub struct Proofs {
    mailboxes: Mutex<HashMap<MailboxId, Watched>>,
}

struct Watched {
    proved_boot_ms: Option<i64>,
    wishes: mpsc::Sender<Wish>,
}

impl Proofs {
    /// A watcher begins; the receiver of wishes for a proof.
    pub fn watch(&self, mailbox: MailboxId) -> mpsc::Receiver<Wish> {
        let (wishes, receiver) = mpsc::channel(64);
        self.lock().insert(mailbox, Watched { proved_boot_ms: None, wishes });
        receiver
    }

    /// A watcher ended and dropped its receiver: its proof is void. Another that has begun meanwhile is left alone.
    pub fn forget(&self, mailbox: MailboxId) {
        let mut all = self.lock();
        if all.get(&mailbox).is_some_and(|watched| watched.wishes.is_closed()) {
            all.remove(&mailbox);
        }
    }

    /// An inbox was read to its end; the reading began at `boot_ms`.
    pub fn proved(&self, mailbox: MailboxId, boot_ms: i64) {
        if let Some(watched) = self.lock().get_mut(&mailbox) {
            watched.proved_boot_ms = Some(boot_ms);
        }
    }

    /// A proof is not to be trusted any more (the connection failed).
    pub fn void(&self, mailbox: MailboxId) {
        if let Some(watched) = self.lock().get_mut(&mailbox) {
            watched.proved_boot_ms = None;
        }
    }

    /// Whether the last proof is still good at `boot_ms`.
    pub fn is_fresh(&self, mailbox: MailboxId, boot_ms: i64) -> bool {
        let proved = self.lock().get(&mailbox).and_then(|watched| watched.proved_boot_ms);
        proved.is_some_and(|proved| boot_ms - proved <= PROOF_VALID_MS)
    }

    /// Asks the watcher for a new proof and waits for it.
    pub async fn prove(&self, mailbox: MailboxId) -> Proof {
        let wishes = self.lock().get(&mailbox).map(|watched| watched.wishes.clone());
        let Some(wishes) = wishes else {
            return Proof::Failed("the inbox is not being watched yet".to_owned());
        };
        let (wish, answer) = oneshot::channel();
        if wishes.send(wish).await.is_err() {
            return Proof::Failed("the inbox is not being watched any more".to_owned());
        }
        answer.await.unwrap_or_else(|_| Proof::Failed("the connection to the inbox was lost".to_owned()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<MailboxId, Watched>> {
        self.mailboxes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
