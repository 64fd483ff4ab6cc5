//! Compares a mailbox's Sent folder with the data after a start that found an outage, a move or a restored backup.
//!
//! A copy whose email the data know as unsent is evidence that it left. A copy to somebody who is being written to, of
//! which the data know nothing, holds that person for review. Then the mailbox may send.

use super::{WatchError, inbox::Inbox};
use crate::{Engine, error::Result};
use relance_domain::{
    Timestamp,
    delivery::{Delivery, DeliveryState},
    enrollment::{self, State},
    inbound::{Effect, Evidence, Judgement, Kind, Match, Rule},
    mailbox::Mailbox,
    person::{self, Person},
    start_check::MARGIN_MS,
    user::Actor,
};
use relance_storage::{
    self as storage, Tx,
    inbound::{InboundMessage, Tray},
};
use sha2::{Digest, Sha256};

/// What a copy in a Sent folder says about its email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Message-ID, without brackets.
    pub message_id: Option<String>,
    /// To whom it went.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// When it was filed or written.
    pub at: Option<Timestamp>,
}

impl Engine {
    /// If the last start said so, compares the Sent folder since then; afterwards the mailbox may send.
    pub(super) async fn compare_if_held(
        &self,
        mailbox: &Mailbox,
        inbox: &mut Inbox,
    ) -> std::result::Result<(), WatchError> {
        let from = {
            let mut tx = self.store.read().await?;
            storage::start_checks::compare_from(&mut tx, mailbox.id).await?
        };
        let Some(from) = from else { return Ok(()) };
        let mut after = None;
        loop {
            let (copies, next) = inbox.sent_since(from.plus_ms(-MARGIN_MS), after).await?;
            for copy in &copies {
                self.compare_copy(mailbox, copy).await?;
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let mut tx = self.store.begin().await?;
        storage::start_checks::compared(&mut tx, mailbox.id, self.now()).await?;
        storage::mailboxes::hasten(&mut tx, mailbox.id, self.now()).await?;
        tx.commit().await?;
        tracing::info!(mailbox = %mailbox.id, "the Sent folder was compared; the mailbox may send");
        self.signals.due.notify_waiters();
        Ok(())
    }

    async fn compare_copy(&self, mailbox: &Mailbox, copy: &Copy) -> Result<()> {
        let mut tx = self.store.begin().await?;
        let ids: Vec<String> = copy.message_id.iter().cloned().collect();
        let known = storage::deliveries::find_by_message_ids(&mut tx, &ids).await?.into_iter().next();
        match known {
            Some(delivery) => self.copy_proves(&mut tx, &delivery).await?,
            None => self.hold_for_copy(&mut tx, mailbox, copy).await?,
        }
        tx.commit().await?;
        Ok(())
    }

    /// The data went back to before it left: it did leave.
    async fn copy_proves(&self, tx: &mut Tx, delivery: &Delivery) -> Result<()> {
        let unsent = matches!(
            delivery.state,
            DeliveryState::Planned | DeliveryState::Claimed { .. } | DeliveryState::Deferred { .. }
        );
        if unsent || matches!(delivery.state, DeliveryState::Uncertain { .. }) {
            self.found_sent(tx, delivery, "A copy stands in the Sent folder").await?;
        }
        Ok(())
    }

    /// Somebody who is being written to got an email that the data know nothing of.
    async fn hold_for_copy(&self, tx: &mut Tx, mailbox: &Mailbox, copy: &Copy) -> Result<()> {
        let keys: Vec<String> = copy.to.iter().filter_map(|to| person::email_key(to)).collect();
        for (_, person) in storage::people::find_by_address_keys(tx, &keys).await? {
            let ongoing = storage::enrollments::ongoing_of_person(tx, person.id, true).await?;
            if ongoing.is_empty() {
                continue;
            }
            let why = format!(
                "The Sent folder has an email to this person, “{}”, that Relance knows nothing of: it was sent after \
                 these data were saved, or by hand.",
                copy.subject
            );
            if !storage::inbound::insert(tx, &self.tray_entry(mailbox, copy, &person, &why), None).await? {
                continue;
            }
            for stored in &ongoing {
                if !matches!(stored.enrollment.state, State::Blocked { .. }) {
                    self.hold_one(tx, stored, &why).await?;
                }
            }
        }
        Ok(())
    }

    fn tray_entry(&self, mailbox: &Mailbox, copy: &Copy, person: &Person, why: &str) -> InboundMessage {
        let mut identity = Sha256::new();
        identity.update("sent copy");
        identity.update(copy.message_id.as_deref().unwrap_or(&copy.subject));
        identity.update(person.id.uuid().as_bytes());
        InboundMessage {
            id: self.new_inbound_id(),
            mailbox_id: mailbox.id,
            identity: identity.finalize().to_vec(),
            folder: "Sent".to_owned(),
            uid_validity: 0,
            uid: 0,
            message_id: copy.message_id.clone(),
            from_address: mailbox.address.clone(),
            from_name: mailbox.from_name.clone(),
            subject: copy.subject.clone(),
            sent_at: copy.at,
            received_at: self.now(),
            judgement: Judgement {
                kind: Kind::Doubtful { why: why.to_owned() },
                evidence: vec![Evidence::new(Rule::OwnAddress, mailbox.address.clone())],
            },
            matched_by: Some(Match::None),
            person_id: Some(person.id),
            enrollment_id: None,
            delivery_id: None,
            effect: Effect::HoldForReview { why: why.to_owned() },
            tray: Tray::Open,
            visible_text: why.to_owned(),
            quoted_text: String::new(),
        }
    }

    /// An email that was not known to have left did leave: its sequence goes on from then.
    pub(crate) async fn found_sent(&self, tx: &mut Tx, delivery: &Delivery, words: &str) -> Result<()> {
        let Some(stored) = storage::enrollments::find_for_update(tx, delivery.enrollment_id).await? else {
            return Ok(());
        };
        if stored.enrollment.state.step() == Some(delivery.step_id)
            && matches!(stored.enrollment.state, State::Active { .. } | State::Paused { .. })
        {
            // The one way past this step that keeps its wait is the one an uncertain email takes.
            let reason = enrollment::BlockReason::DeliveryUncertain;
            let event = enrollment::Event::Blocked { reason, resumes_at: None };
            let state = stored.enrollment.state.clone().after(event, self.now())?;
            storage::enrollments::save(tx, storage::enrollments::Change::of(&stored, &state), self.now()).await?;
        }
        self.resolve_found(tx, &Actor::System, delivery, words).await
    }
}
