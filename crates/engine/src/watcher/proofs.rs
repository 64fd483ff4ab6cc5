//! Proofs of freshness: when each inbox was last read to its end, by a clock that no one can turn back.
//!
//! Kept in memory only: a process that has just started has proved nothing. The time of a proof is when the reading
//! *began*, so mail that came while it was read is covered by the next one.

use relance_domain::{MailboxId, mailbox::PROOF_VALID_MS};
use std::time::Duration;
use std::{collections::HashMap, sync::Mutex};
use tokio::sync::{Notify, mpsc, oneshot};

/// After a start a follow-up may be due before its watcher has begun: so long is waited for it.
const BEGINS_WITHIN: Duration = Duration::from_secs(5);

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
    begun: Notify,
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
        self.begun.notify_waiters();
        receiver
    }

    /// A watcher ended and dropped its receiver: its proof is void. Another that has begun meanwhile is left alone.
    pub fn forget(&self, mailbox: MailboxId) {
        let mut all = self.lock();
        if all.get(&mailbox).is_some_and(|watched| watched.wishes.is_closed()) {
            all.remove(&mailbox);
        }
    }

    /// An inbox was read to its end; the reading began at `boot_ms`. True if it is the first proof since the watcher
    /// began or the last one was void.
    pub fn proved(&self, mailbox: MailboxId, boot_ms: i64) -> bool {
        self.lock().get_mut(&mailbox).is_some_and(|watched| watched.proved_boot_ms.replace(boot_ms).is_none())
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

    /// Whether this process watches the mailbox.
    pub fn is_watched(&self, mailbox: MailboxId) -> bool {
        self.lock().contains_key(&mailbox)
    }

    /// Asks the watcher for a new proof and waits for it; a watcher that has not begun yet is waited for as well.
    pub async fn prove(&self, mailbox: MailboxId) -> Proof {
        let Ok(wishes) = tokio::time::timeout(BEGINS_WITHIN, self.wishes(mailbox)).await else {
            return Proof::Failed("the inbox is not being watched yet".to_owned());
        };
        let (wish, answer) = oneshot::channel();
        if wishes.send(wish).await.is_err() {
            return Proof::Failed("the inbox is not being watched any more".to_owned());
        }
        answer.await.unwrap_or_else(|_| Proof::Failed("the connection to the inbox was lost".to_owned()))
    }

    async fn wishes(&self, mailbox: MailboxId) -> mpsc::Sender<Wish> {
        loop {
            let mut begun = std::pin::pin!(self.begun.notified());
            begun.as_mut().enable();
            let wishes = self.lock().get(&mailbox).map(|watched| watched.wishes.clone());
            if let Some(wishes) = wishes {
                return wishes;
            }
            begun.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<MailboxId, Watched>> {
        self.mailboxes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wish_waits_for_a_watcher_that_has_not_begun() {
        let proofs = Proofs::default();
        let mailbox = MailboxId::from_uuid(uuid::Uuid::from_u128(1));
        let watcher = async {
            // Another mailbox's watcher is no answer.
            let _other = proofs.watch(MailboxId::from_uuid(uuid::Uuid::from_u128(2)));
            tokio::task::yield_now().await;
            let mut wishes = proofs.watch(mailbox);
            assert!(wishes.recv().await.expect("a wish").send(Proof::Fresh { boot_ms: 7 }).is_ok());
        };
        let (proof, ()) = tokio::join!(proofs.prove(mailbox), watcher);
        assert_eq!(proof, Proof::Fresh { boot_ms: 7 });
    }

    #[tokio::test]
    async fn the_first_proof_after_a_beginning_or_a_fault_is_told_from_those_that_follow() {
        let proofs = Proofs::default();
        let mailbox = MailboxId::from_uuid(uuid::Uuid::from_u128(1));
        let _wishes = proofs.watch(mailbox);
        assert!(proofs.proved(mailbox, 1));
        assert!(!proofs.proved(mailbox, 2));
        proofs.void(mailbox);
        assert!(proofs.proved(mailbox, 3));
    }
}
