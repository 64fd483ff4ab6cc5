//! Reads one folder up to its end: each message is judged once and committed together with the position behind it.
//!
//! Of mail that is not ours nothing but the position is kept. What cannot be read is recorded as unreadable. A changed
//! UIDVALIDITY reads the folder anew; what was known already is recognised by its identity.

use super::{
    WatchError,
    inbox::{Arrived, Inbox},
    matching::Found,
};
use crate::{Engine, error::Result};
use relance_domain::{
    inbound::{self, Effect, Judgement, Kind},
    mailbox::Mailbox,
};
use relance_mail::{
    parse::{self, Message},
    understand::{self, Ours},
};
use relance_storage::{
    self as storage, Tx,
    inbound::{InboundMessage, Tray},
    mailbox_days::FolderPosition,
};
use sha2::{Digest, Sha256};

impl Engine {
    /// Reads what is new in a folder; the first time only remembers where it ends.
    pub(super) async fn read_folder(
        &self,
        mailbox: &Mailbox,
        inbox: &mut Inbox,
        folder: &str,
    ) -> std::result::Result<(), WatchError> {
        let end = inbox.position(folder).await?;
        let stored = self.folder_position(mailbox, folder).await?;
        let mut next = match &stored {
            Some(position) if position.uid_validity == end.uid_validity => position.uid_next,
            // The UIDs mean other messages now: all are looked at again, what is known is recognised.
            Some(_) => 1,
            None if is_sandbox(inbox) => 1,
            None => {
                let position = FolderPosition {
                    folder: folder.to_owned(),
                    uid_validity: end.uid_validity,
                    uid_next: end.uid_next,
                };
                let mut tx = self.store.begin().await?;
                storage::mailbox_days::advance(&mut tx, mailbox.id, &position).await?;
                tx.commit().await?;
                return Ok(());
            }
        };
        while next < end.uid_next {
            let arrived = inbox.fetch(folder, next).await?;
            let Some(last) = arrived.last().map(|message| message.uid) else { break };
            self.read_messages(mailbox, folder, end.uid_validity, &arrived).await?;
            next = last + 1;
        }
        if next < end.uid_next || stored.is_none_or(|stored| stored.uid_next < end.uid_next) {
            let place =
                FolderPosition { folder: folder.to_owned(), uid_validity: end.uid_validity, uid_next: end.uid_next };
            let mut tx = self.store.begin().await?;
            storage::mailbox_days::advance(&mut tx, mailbox.id, &place).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn folder_position(&self, mailbox: &Mailbox, folder: &str) -> Result<Option<FolderPosition>> {
        let mut tx = self.store.read().await?;
        let positions = storage::mailbox_days::folders(&mut tx, mailbox.id).await?;
        Ok(positions.into_iter().find(|position| position.folder == folder))
    }

    /// Judges these messages of a folder, in their order, and commits their effects with the position behind the last.
    ///
    /// They share one commit; if that fails each has its own, so that none holds back those before it.
    pub async fn read_messages(
        &self,
        mailbox: &Mailbox,
        folder: &str,
        uid_validity: u32,
        arrived: &[Arrived],
    ) -> Result<()> {
        let place = |message: &Arrived| FolderPosition {
            folder: folder.to_owned(),
            uid_validity,
            uid_next: message.uid.saturating_add(1),
        };
        let judged: Vec<_> = arrived.iter().map(|message| (place(message), judge(mailbox, message), message)).collect();
        if let Err(error) = self.commit_messages(mailbox, &judged).await {
            tracing::debug!(%error, "messages are recorded one by one");
            for one in &judged {
                self.commit_messages(mailbox, std::slice::from_ref(one)).await?;
            }
        }
        self.signals.due.notify_waiters();
        Ok(())
    }

    async fn commit_messages(&self, mailbox: &Mailbox, judged: &[Judged<'_>]) -> Result<()> {
        let Some((last, ..)) = judged.last() else { return Ok(()) };
        let mut tx = self.store.begin().await?;
        for (place, (message, judgement), arrived) in judged {
            // Reading begins when the mailbox is connected; a folder that is read anew shows what lay there before.
            let is_old = arrived.received_at.is_some_and(|at| at < mailbox.created_at);
            if judgement.kind != Kind::Own && !is_old {
                self.take_in(&mut tx, mailbox, place, message.as_ref(), judgement, arrived).await?;
            }
        }
        storage::mailbox_days::advance(&mut tx, mailbox.id, last).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Finds whom a message belongs to and does what follows.
    async fn take_in(
        &self,
        tx: &mut Tx,
        mailbox: &Mailbox,
        place: &FolderPosition,
        message: Option<&Message>,
        judgement: &Judgement,
        arrived: &Arrived,
    ) -> Result<()> {
        let ids = message.map(|message| understand::ids_referred_to(message, judgement)).unwrap_or_default();
        let sender = message.map(Message::sender_address).unwrap_or_default();
        let sender_name = message.and_then(Message::sender_name);
        let mut found = self.find_correspondent(tx, &judgement.kind, &ids, &sender, sender_name).await?;
        if let Some(delivery) = found.uncertain.take() {
            self.found_sent(tx, &delivery, "A message that answers it arrived").await?;
            found = self.find_correspondent(tx, &judgement.kind, &ids, &sender, sender_name).await?;
        }
        let judgement = as_it_concerns(judgement.clone(), &found);
        let effect = inbound::effect(&judgement.kind, found.matched, &found.exit, &found.timing);
        if effect == Effect::Ignore {
            return Ok(());
        }
        let inbound = self.inbound_of(mailbox, place, message, arrived, judgement, &found, &effect);
        self.record(tx, &inbound, &found, effect, arrived).await
    }

    /// Stores the message, unless it is known, and does what follows from it.
    async fn record(
        &self,
        tx: &mut Tx,
        inbound: &InboundMessage,
        found: &Found,
        effect: Effect,
        arrived: &Arrived,
    ) -> Result<()> {
        if storage::inbound::insert(tx, inbound, Some(&arrived.raw)).await? {
            metrics::counter!("relance_messages_understood_total", "kind" => inbound.judgement.kind.name())
                .increment(1);
            self.do_effect(tx, inbound, found, effect).await?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a message is made of what was read, judged and matched")]
    fn inbound_of(
        &self,
        mailbox: &Mailbox,
        place: &FolderPosition,
        message: Option<&Message>,
        arrived: &Arrived,
        judgement: Judgement,
        found: &Found,
        effect: &Effect,
    ) -> InboundMessage {
        let (visible_text, quoted_text) = match &judgement.kind {
            Kind::Reply { visible_text, quoted_text } => (visible_text.clone(), quoted_text.clone()),
            _ => (message.map(|message| message.text.clone()).unwrap_or_default(), String::new()),
        };
        let in_tray = matches!(effect, Effect::HoldForReview { .. } | Effect::Tray { .. });
        InboundMessage {
            id: self.new_inbound_id(),
            mailbox_id: mailbox.id,
            identity: identity(message, arrived),
            folder: place.folder.clone(),
            uid_validity: place.uid_validity,
            uid: arrived.uid,
            message_id: message.and_then(|message| message.message_id.clone()),
            from_address: message.map(Message::sender_address).unwrap_or_default(),
            from_name: message.and_then(|message| message.sender_name().map(str::to_owned)).unwrap_or_default(),
            subject: message.map(|message| message.subject.clone()).unwrap_or_default(),
            sent_at: message.and_then(|message| message.date),
            received_at: self.now(),
            judgement,
            matched_by: Some(found.matched),
            person_id: found.person.as_ref().map(|person| person.id),
            enrollment_id: found.enrollment_id,
            delivery_id: found.delivery_id,
            effect: effect.clone(),
            tray: if in_tray { Tray::Open } else { Tray::None },
            visible_text,
            quoted_text,
        }
    }
}

/// A message with the position behind it and what it is.
type Judged<'a> = (FolderPosition, (Option<Message>, Judgement), &'a Arrived);

fn is_sandbox(inbox: &Inbox) -> bool {
    matches!(inbox, Inbox::Sandbox(_))
}

/// Of a report about several addresses, what it says of this person's.
fn as_it_concerns(judgement: Judgement, found: &Found) -> Judgement {
    match (judgement.kind, &found.person) {
        (Kind::Bounce(bounce), Some(person)) => {
            let addresses: Vec<String> =
                std::iter::once(&person.fields.email).chain(&person.fields.other_emails).cloned().collect();
            Judgement { kind: Kind::Bounce(bounce.concerning(&addresses)), ..judgement }
        }
        (kind, _) => Judgement { kind, ..judgement },
    }
}

/// What the message is; a message that cannot be read is judged too.
fn judge(mailbox: &Mailbox, arrived: &Arrived) -> (Option<Message>, Judgement) {
    let ours = Ours { addresses: std::iter::once(&mailbox.address).chain(&mailbox.aliases).cloned().collect() };
    match parse::parse(&arrived.raw) {
        Ok(message) => {
            let judgement = understand::understand(&message, &ours);
            (Some(message), judgement)
        }
        Err(unreadable) => (None, understand::not_understood(&unreadable)),
    }
}

/// The same message is known again wherever it lies: by Message-ID, sender and date, else by its bytes.
fn identity(message: Option<&Message>, arrived: &Arrived) -> Vec<u8> {
    let mut hash = Sha256::new();
    match message.and_then(|message| message.message_id.as_ref().map(|id| (id, message))) {
        Some((id, message)) => {
            hash.update(id);
            hash.update([0]);
            hash.update(message.sender_address());
            hash.update([0]);
            hash.update(message.date.map_or(0, relance_domain::Timestamp::ms).to_be_bytes());
        }
        None => hash.update(&arrived.raw),
    }
    hash.finalize().to_vec()
}
