//! Finds the person a message belongs to, with everything the rules ask about them.
//!
//! Ids of our emails first, then the sender's address; `domain::inbound::belongs` says how sure that is.

use crate::{Engine, error::Result};
use relance_domain::{
    DeliveryId, EnrollmentId, PersonId,
    delivery::{Delivery, DeliveryState},
    inbound::{self, Correspondent, Kind, Match, Timing},
    person::{self, Person},
    sequence::ExitRules,
};
use relance_storage::{self as storage, Tx, enrollments::StoredEnrollment};

/// Whom a message belongs to.
#[derive(Debug)]
pub struct Found {
    /// How it was matched.
    pub matched: Match,
    /// The person.
    pub person: Option<Person>,
    /// Which of our emails it refers to.
    pub delivery_id: Option<DeliveryId>,
    /// That email, while nobody knows whether it left: this message is evidence that it did.
    pub uncertain: Option<Delivery>,
    /// The enrollment of that email.
    pub enrollment_id: Option<EnrollmentId>,
    /// The person's unfinished enrollments, locked.
    pub ongoing: Vec<StoredEnrollment>,
    /// The exit rules that hold: of the email's version, else of the person's first unfinished enrollment.
    pub exit: ExitRules,
    /// When we wrote to the person.
    pub timing: Timing,
}

impl Engine {
    /// Whom a message belongs to: by the ids it refers to, else by its sender.
    pub(super) async fn find_correspondent(
        &self,
        tx: &mut Tx,
        kind: &Kind,
        ids: &[String],
        sender: &str,
        sender_name: Option<&str>,
    ) -> Result<Found> {
        let delivery = first_delivery(tx, ids).await?;
        if let Some(delivery) = delivery
            && let Some(person) = find_person(tx, delivery.person_id).await?
        {
            let matched = belongs(kind, true, sender, sender_name, &person);
            return self.found(tx, matched, Some(person), Some(&delivery)).await;
        }
        for person in people_of_addresses(tx, kind, sender).await? {
            let matched = belongs(kind, false, sender, sender_name, &person);
            let ongoing = storage::enrollments::ongoing_of_person(tx, person.id, false).await?;
            let written_to = !ongoing.is_empty() || storage::deliveries::sent_span(tx, person.id).await?.is_some();
            if matched != Match::None && written_to {
                return self.found(tx, matched, Some(person), None).await;
            }
        }
        self.found(tx, Match::None, None, None).await
    }

    async fn found(
        &self,
        tx: &mut Tx,
        matched: Match,
        person: Option<Person>,
        delivery: Option<&Delivery>,
    ) -> Result<Found> {
        let ongoing = match &person {
            Some(person) => storage::enrollments::ongoing_of_person(tx, person.id, true).await?,
            None => Vec::new(),
        };
        let of_email = match delivery {
            Some(delivery) => storage::enrollments::find(tx, delivery.enrollment_id).await?,
            None => None,
        };
        let exit = match of_email.as_ref().or(ongoing.first()) {
            Some(stored) => exit_rules(tx, stored).await?,
            None => ExitRules::default(),
        };
        let span = match &person {
            Some(person) => storage::deliveries::sent_span(tx, person.id).await?,
            None => None,
        };
        Ok(Found {
            matched,
            delivery_id: delivery.map(|delivery| delivery.id),
            uncertain: delivery.filter(|d| matches!(d.state, DeliveryState::Uncertain { .. })).cloned(),
            enrollment_id: delivery.map(|delivery| delivery.enrollment_id),
            timing: Timing {
                received_at: self.now(),
                first_sent_at: span.map(|(first, _)| first),
                last_sent_at: span.map(|(_, last)| last),
                unfinished: !ongoing.is_empty(),
            },
            person,
            ongoing,
            exit,
        })
    }
}

/// The surest of our emails that a message refers to.
async fn first_delivery(tx: &mut Tx, ids: &[String]) -> Result<Option<Delivery>> {
    if ids.is_empty() {
        return Ok(None);
    }
    let mut found = storage::deliveries::find_by_message_ids(tx, ids).await?;
    found.sort_by_key(|delivery| ids.iter().position(|id| *id == delivery.message_id));
    Ok(found.into_iter().next())
}

/// The person, or the one they were merged into.
async fn find_person(tx: &mut Tx, id: PersonId) -> Result<Option<Person>> {
    if let Some(person) = storage::people::find(tx, id).await? {
        return Ok(Some(person));
    }
    match storage::people::redirect(tx, id).await? {
        Some(into) => Ok(storage::people::find(tx, into).await?),
        None => Ok(None),
    }
}

/// People who have the sender's address, or the address that a report speaks of.
async fn people_of_addresses(tx: &mut Tx, kind: &Kind, sender: &str) -> Result<Vec<Person>> {
    let mut keys: Vec<String> = person::email_key(sender).into_iter().collect();
    keys.extend(without_tag(sender).and_then(|plain| person::email_key(&plain)));
    match kind {
        Kind::Bounce(bounce) => keys.extend(bounce.recipients.iter().filter_map(|address| person::email_key(address))),
        Kind::Complaint { recipient: Some(recipient), .. } => keys.extend(person::email_key(recipient)),
        _ => {}
    }
    let found = storage::people::find_by_address_keys(tx, &keys).await?;
    Ok(found.into_iter().map(|(_, person)| person).collect())
}

/// `ada+work@acme.test` is `ada@acme.test`.
fn without_tag(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let (plain, _) = local.split_once('+').filter(|(plain, _)| !plain.is_empty())?;
    Some(format!("{plain}@{domain}"))
}

fn belongs(kind: &Kind, in_thread: bool, sender: &str, sender_name: Option<&str>, person: &Person) -> Match {
    let addresses: Vec<String> =
        std::iter::once(&person.fields.email).chain(&person.fields.other_emails).cloned().collect();
    let name = person.name();
    inbound::belongs(kind, in_thread, sender, sender_name, Correspondent { name: Some(&name), addresses: &addresses })
}

async fn exit_rules(tx: &mut Tx, stored: &StoredEnrollment) -> Result<ExitRules> {
    let version = storage::sequences::find_version(tx, stored.enrollment.version_id).await?;
    Ok(version.map(|version| version.plan.exit).unwrap_or_default())
}
