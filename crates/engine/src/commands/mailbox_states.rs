//! Mailboxes that are paused, resumed, disconnected: acknowledged as a stop is.

use super::{audit::Object, mailbox_access::own_mailbox};
use crate::{Engine, Result, commands::Ended};
use relance_domain::{
    MailboxId,
    activity::ActivityKind,
    audit::Act,
    enrollment::BlockReason,
    mailbox::{Mailbox, MailboxState},
    user::Actor,
};
use relance_storage::{Tx, enrollment_views::EnrollmentFilter, mailboxes};

const BATCH: u32 = 500;

impl Engine {
    /// Nothing leaves from it until it is resumed.
    pub async fn pause_mailbox(&self, actor: &Actor, id: MailboxId) -> Result<(Mailbox, Ended)> {
        let mut tx = self.store.begin().await?;
        own_mailbox(&mut tx, actor, id).await?;
        mailboxes::set_state(&mut tx, id, &MailboxState::Paused, self.now()).await?;
        let ended = self.leaving_of_mailbox(&mut tx, id).await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, id).await?;
        self.note(&mut tx, actor, Act::MailboxPaused, Object::new(id, &mailbox.address), "").await?;
        tx.commit().await?;
        let told = (ActivityKind::SequencePaused, "The mailbox was paused");
        self.tell_everyone(actor, EnrollmentFilter { mailbox: Some(id), ..EnrollmentFilter::default() }, told).await?;
        Ok((mailbox, ended))
    }

    async fn leaving_of_mailbox(&self, tx: &mut Tx, id: MailboxId) -> Result<Ended> {
        let leaving = super::ending::leaving_of_mailbox(tx, id).await?;
        Ok(Ended { leaving: leaving.iter().map(super::outcome::leaving).collect(), ..Ended::default() })
    }

    /// Goes on.
    pub async fn resume_mailbox(&self, actor: &Actor, id: MailboxId) -> Result<Mailbox> {
        let mut tx = self.store.begin().await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, id).await?;
        if mailbox.state == MailboxState::Paused {
            mailboxes::set_state(&mut tx, id, &MailboxState::Connected, self.now()).await?;
        }
        mailboxes::hasten(&mut tx, id, self.now()).await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, id).await?;
        self.note(&mut tx, actor, Act::MailboxResumed, Object::new(id, &mailbox.address), "").await?;
        tx.commit().await?;
        let told = (ActivityKind::SequenceResumed, "The mailbox was resumed");
        self.tell_everyone(actor, EnrollmentFilter { mailbox: Some(id), ..EnrollmentFilter::default() }, told).await?;
        self.signals.due.notify_waiters();
        Ok(mailbox)
    }

    /// Takes it out of use; its unfinished enrollments are blocked (`mailbox_disconnected`) until it is connected again.
    pub async fn disconnect_mailbox(&self, actor: &Actor, id: MailboxId) -> Result<Ended> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, id).await?;
        let mut ended = self.leaving_of_mailbox(&mut tx, id).await?;
        mailboxes::delete(&mut tx, id, now).await?;
        self.note(&mut tx, actor, Act::MailboxDisconnected, Object::new(id, &mailbox.address), "").await?;
        tx.commit().await?;
        loop {
            let mut tx = self.store.begin().await?;
            let reason = BlockReason::MailboxDisconnected;
            let held = relance_storage::enrollment_lookups::hold_mailbox(&mut tx, id, &reason, BATCH, now).await?;
            tx.commit().await?;
            ended.enrollments += held;
            if held < u64::from(BATCH) {
                break;
            }
        }
        self.signals.mailboxes.notify_one();
        Ok(ended)
    }
}
