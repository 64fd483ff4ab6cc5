//! Sees to it that every sent email stands in the mailbox's own Sent folder.
//!
//! Looks whether the provider filed it by itself, else appends the copy. What fails is tried again with the next turn;
//! a failure never holds back mail.

use super::{WatchError, inbox::Inbox};
use crate::Engine;
use relance_domain::{mailbox::Mailbox, user::Actor};
use relance_storage as storage;

/// Copies filed in one turn, so that reading is not held up.
const AT_ONCE: u32 = 20;

impl Engine {
    /// Files copies of emails that were sent and are not in the Sent folder yet.
    pub(super) async fn file_sent(&self, mailbox: &Mailbox, inbox: &mut Inbox) -> Result<(), WatchError> {
        let waiting = {
            let mut tx = self.store.read().await?;
            storage::outbox::to_file(&mut tx, mailbox.id, AT_ONCE).await?
        };
        let mut filed = Vec::with_capacity(waiting.len());
        for delivery in waiting {
            if inbox.has_sent(&delivery.message_id).await? == Some(false) {
                let raw = {
                    let mut tx = self.store.read().await?;
                    storage::outbox::raw(&mut tx, delivery.id).await?
                };
                if let Some(raw) = raw {
                    inbox.file_sent(&self.with_files(&raw).await?).await?;
                }
            }
            filed.push(delivery.id);
        }
        if !filed.is_empty() {
            let mut tx = self.store.begin().await?;
            storage::outbox::set_filed(&mut tx, &filed, self.now()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Uncertain emails whose copy stands in the Sent folder did leave: their sequences go on. Where the provider files
    /// every copy and has none, the same bytes leave again, once. The others stay with a person.
    pub(super) async fn settle_uncertain(&self, mailbox: &Mailbox, inbox: &mut Inbox) -> Result<(), WatchError> {
        let before = self.clock.system_now().plus_ms(-self.settings.quiet_ms);
        let uncertain = {
            let mut tx = self.store.read().await?;
            storage::outbox::uncertain_since(&mut tx, mailbox.id, before).await?
        };
        if uncertain.is_empty() {
            return Ok(());
        }
        let files_copies = {
            let mut tx = self.store.read().await?;
            storage::mailboxes::files_sent(&mut tx, mailbox.id).await? == Some(true)
        };
        for delivery in uncertain {
            match inbox.has_sent(&delivery.message_id).await? {
                Some(true) => {
                    let mut tx = self.store.begin().await?;
                    self.resolve_found(&mut tx, &Actor::System, &delivery, "A copy stands in the Sent folder").await?;
                    tx.commit().await?;
                    metrics::counter!("relance_emails_resolved_total", "how" => "found").increment(1);
                    self.signals.due.notify_waiters();
                }
                Some(false) if files_copies && self.resend_unchanged(&delivery).await? => {
                    metrics::counter!("relance_emails_resolved_total", "how" => "sent_again").increment(1);
                }
                Some(false) | None => {}
            }
        }
        Ok(())
    }
}
