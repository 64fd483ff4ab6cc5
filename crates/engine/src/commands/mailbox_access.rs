//! Who gets how far into a mailbox: `domain::mailbox_access`, as what commands and pages look mailboxes up by.

use super::teams;
use crate::{Engine, EngineError, Result};
use relance_domain::{
    MailboxId,
    mailbox::Mailbox,
    mailbox_access::MailboxAccess,
    user::{Actor, Sight},
};
use relance_storage::{
    Tx,
    mailboxes::{self, Credentials},
};

fn refused(access: MailboxAccess, least: MailboxAccess) -> EngineError {
    let words = match (access, least) {
        (MailboxAccess::Settings, _) => "Only the owner of a mailbox chooses its folders.",
        (MailboxAccess::Health, _) => "This mailbox belongs to someone else. They or an admin change it.",
        _ => "This mailbox belongs to someone else.",
    };
    EngineError::Forbidden(words.to_owned())
}

/// The mailbox, if it is in use and the actor gets at least this far into it.
pub(crate) async fn mailbox_with(
    tx: &mut Tx,
    actor: &Actor,
    id: MailboxId,
    least: MailboxAccess,
) -> Result<(Mailbox, Credentials)> {
    let (mailbox, credentials) =
        mailboxes::find_with_credentials(tx, id).await?.ok_or(EngineError::NotFound("mailbox"))?;
    let access = MailboxAccess::of(actor, &teams::sight(tx, actor).await?, mailbox.user_id);
    if access < least {
        return Err(refused(access, least));
    }
    Ok((mailbox, credentials))
}

/// The mailbox, if it is in use and the actor may change it: one's own, or anyone's for admins.
pub(crate) async fn own_mailbox(tx: &mut Tx, actor: &Actor, id: MailboxId) -> Result<(Mailbox, Credentials)> {
    mailbox_with(tx, actor, id, MailboxAccess::Settings).await
}

impl Engine {
    /// The mailbox and how far the actor gets into it; whoever gets nowhere is refused.
    pub async fn seen_mailbox(&self, actor: &Actor, id: MailboxId) -> Result<(Mailbox, MailboxAccess)> {
        let mut tx = self.store.read().await?;
        let (mailbox, _) = mailbox_with(&mut tx, actor, id, MailboxAccess::Health).await?;
        let access = MailboxAccess::of(actor, &teams::sight(&mut tx, actor).await?, mailbox.user_id);
        Ok((mailbox, access))
    }

    /// Every mailbox that the actor may at least know the health of, and how far they get into it.
    pub async fn seen_mailboxes(&self, actor: &Actor) -> Result<Vec<(Mailbox, MailboxAccess)>> {
        let mut tx = self.store.read().await?;
        let sight: Sight = teams::sight(&mut tx, actor).await?;
        let found = mailboxes::all(&mut tx).await?.into_iter();
        let with_access = found.map(|mailbox| {
            let access = MailboxAccess::of(actor, &sight, mailbox.user_id);
            (mailbox, access)
        });
        Ok(with_access.filter(|(_, access)| *access > MailboxAccess::Nothing).collect())
    }
}
