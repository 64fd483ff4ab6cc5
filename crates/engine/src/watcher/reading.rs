//! Reads one folder up to its end: each message is judged once and committed together with the position behind it.
//!
//! Of mail that is not ours nothing but the position is kept. What cannot be read is recorded as unreadable. A changed
//! UIDVALIDITY reads the folder anew; what was known already is recognised by its identity.

use super::{
    WatchError,
    effects::Pending,
    ground::Ground,
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
            // The UIDs mean other messages now: what came since the connection is looked at again, what is known is
            // recognised.
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
        let is_renumbered = stored.as_ref().is_some_and(|position| position.uid_validity != end.uid_validity);
        let since = is_renumbered.then_some(mailbox.created_at);
        while next < end.uid_next {
            let arrived = inbox.fetch(folder, next..end.uid_next, since).await?;
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
        let judged: Vec<_> = arrived.iter().map(|message| Judged::new(mailbox, place(message), message)).collect();
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
        let Some(last) = judged.last() else { return Ok(()) };
        let mut tx = self.store.begin().await?;
        let mut ground = self.ground_of(&mut tx, judged).await?;
        let mut pending = Pending::default();
        for one in judged {
            if pending.concerns(&ground, one) {
                self.write_pending(&mut tx, &mut pending).await?;
            }
            // Reading begins when the mailbox is connected; a folder that is read anew shows what lay there before.
            let is_old = one.arrived.received_at.is_some_and(|at| at < mailbox.created_at);
            let concerns_us = one.judgement.kind != Kind::Own && !is_old;
            if concerns_us && self.take_in(&mut tx, mailbox, &ground, one, &mut pending).await? {
                ground = self.ground_of(&mut tx, judged).await?;
            }
        }
        self.write_pending(&mut tx, &mut pending).await?;
        storage::mailbox_days::advance(&mut tx, mailbox.id, &last.place).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Finds whom a message belongs to and does what follows; true if it proved that an uncertain email left.
    async fn take_in(
        &self,
        tx: &mut Tx,
        mailbox: &Mailbox,
        ground: &Ground,
        one: &Judged<'_>,
        pending: &mut Pending,
    ) -> Result<bool> {
        let mut found = self.find_correspondent(tx, ground, one).await?;
        let proved = found.uncertain.take();
        if let Some(delivery) = &proved {
            self.found_sent(tx, delivery, "A message that answers it arrived").await?;
            let ground = self.ground_of(tx, std::slice::from_ref(one)).await?;
            found = self.find_correspondent(tx, &ground, one).await?;
        }
        let judgement = as_it_concerns(one.judgement.clone(), &found);
        let effect = inbound::effect(&judgement.kind, found.matched, &found.exit, &found.timing);
        if effect != Effect::Ignore {
            let inbound = self.inbound_of(mailbox, one, judgement, &found, &effect);
            self.record(tx, &inbound, &found, one.arrived, pending).await?;
        }
        Ok(proved.is_some())
    }

    /// Stores the message, unless it is known, and does what follows from it.
    async fn record(
        &self,
        tx: &mut Tx,
        inbound: &InboundMessage,
        found: &Found,
        arrived: &Arrived,
        pending: &mut Pending,
    ) -> Result<()> {
        if storage::inbound::insert(tx, inbound, Some(&arrived.raw)).await? {
            metrics::counter!("relance_messages_understood_total", "kind" => inbound.judgement.kind.name())
                .increment(1);
            self.do_effect(tx, inbound, found, inbound.effect.clone(), pending).await?;
        }
        Ok(())
    }

    fn inbound_of(
        &self,
        mailbox: &Mailbox,
        one: &Judged<'_>,
        judgement: Judgement,
        found: &Found,
        effect: &Effect,
    ) -> InboundMessage {
        let (place, message, arrived) = (&one.place, one.message.as_ref(), one.arrived);
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
            from_address: one.sender.clone(),
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

/// A message with the position behind it, what it is, and what it can be matched by.
pub(super) struct Judged<'a> {
    place: FolderPosition,
    /// Its parts; `None` if it cannot be read.
    pub message: Option<Message>,
    /// What it is.
    pub judgement: Judgement,
    /// Ids of emails it refers to.
    pub ids: Vec<String>,
    /// The sender's address.
    pub sender: String,
    arrived: &'a Arrived,
}

impl<'a> Judged<'a> {
    fn new(mailbox: &Mailbox, place: FolderPosition, arrived: &'a Arrived) -> Self {
        let (message, judgement) = judge(mailbox, arrived);
        let ids = message.as_ref().map(|message| understand::ids_referred_to(message, &judgement));
        let sender = message.as_ref().map(Message::sender_address);
        Self { place, judgement, ids: ids.unwrap_or_default(), sender: sender.unwrap_or_default(), message, arrived }
    }
}

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
