//! What the rules ask about several received messages, read once for all of them.
//!
//! Most mail is nobody's of ours: it costs nothing beyond this. Enrollments are not read here, because the messages before
//! may have changed them; an email that was uncertain makes the ground be read anew.

use super::reading::Judged;
use crate::{Engine, error::Result};
use jiff::tz::TimeZone;
use relance_domain::{
    PersonId, Timestamp,
    delivery::Delivery,
    inbound::Kind,
    person::{self, Person},
};
use relance_storage::{self as storage, Tx};
use std::collections::{HashMap, HashSet};

/// Our emails, people and times that a batch of messages may be about.
#[derive(Debug)]
pub struct Ground {
    deliveries: HashMap<String, Delivery>,
    people: HashMap<PersonId, Person>,
    by_address: HashMap<String, Vec<PersonId>>,
    merged: HashMap<PersonId, PersonId>,
    spans: HashMap<PersonId, (Timestamp, Timestamp)>,
    /// The zone of the workspace.
    pub zone: TimeZone,
}

impl Ground {
    /// The surest of our emails that a message refers to by these ids.
    pub fn delivery(&self, ids: &[String]) -> Option<&Delivery> {
        ids.iter().find_map(|id| self.deliveries.get(id))
    }

    /// The person, or the one they were merged into.
    pub fn person(&self, id: PersonId) -> Option<&Person> {
        self.people.get(&id).or_else(|| self.people.get(self.merged.get(&id)?))
    }

    /// People who have the sender's address, or the address that a report speaks of, the first created first.
    pub fn people_of(&self, kind: &Kind, sender: &str) -> Vec<&Person> {
        let keys = address_keys(kind, sender);
        let ids: HashSet<PersonId> =
            keys.iter().filter_map(|key| self.by_address.get(key)).flatten().copied().collect();
        let mut people: Vec<&Person> = ids.iter().filter_map(|id| self.people.get(id)).collect();
        people.sort_by_key(|person| (person.created_at, person.id));
        people
    }

    /// First and last hand-over to a person.
    pub fn span(&self, id: PersonId) -> Option<(Timestamp, Timestamp)> {
        self.spans.get(&id).copied()
    }
}

impl Engine {
    /// Reads what these messages may be about.
    pub(super) async fn ground_of(&self, tx: &mut Tx, judged: &[Judged<'_>]) -> Result<Ground> {
        let mut ids: Vec<String> = judged.iter().flat_map(|one| &one.ids).cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut deliveries = HashMap::new();
        if !ids.is_empty() {
            for delivery in storage::deliveries::find_by_message_ids(tx, &ids).await? {
                deliveries.insert(delivery.message_id.clone(), delivery);
            }
        }
        let mut keys: Vec<String> =
            judged.iter().flat_map(|one| address_keys(&one.judgement.kind, &one.sender)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut people = HashMap::new();
        let mut by_address: HashMap<String, Vec<PersonId>> = HashMap::new();
        for (key, person) in storage::people::find_by_address_keys(tx, &keys).await? {
            by_address.entry(key).or_default().push(person.id);
            people.insert(person.id, person);
        }
        let wanted: HashSet<PersonId> = deliveries.values().map(|delivery: &Delivery| delivery.person_id).collect();
        let merged = read_people(tx, wanted, &mut people).await?;
        let everyone: Vec<PersonId> = people.keys().copied().collect();
        let spans = storage::deliveries::sent_spans(tx, &everyone).await?;
        let workspace = storage::workspace::read(tx).await?;
        let zone = workspace.map_or(TimeZone::UTC, |workspace| workspace.zone());
        Ok(Ground { deliveries, people, by_address, merged, spans, zone })
    }
}

/// Adds the people with these ids to `people`; who of them was merged, and into whom.
async fn read_people(
    tx: &mut Tx,
    wanted: HashSet<PersonId>,
    people: &mut HashMap<PersonId, Person>,
) -> Result<HashMap<PersonId, PersonId>> {
    let wanted: Vec<PersonId> = wanted.into_iter().filter(|id| !people.contains_key(id)).collect();
    let mut merged = HashMap::new();
    if wanted.is_empty() {
        return Ok(merged);
    }
    people.extend(storage::people::find_many(tx, &wanted).await?.into_iter().map(|person| (person.id, person)));
    for id in wanted {
        if people.contains_key(&id) {
            continue;
        }
        let Some(into) = storage::people::redirect(tx, id).await? else { continue };
        merged.insert(id, into);
        if let Some(person) = storage::people::find(tx, into).await? {
            people.insert(into, person);
        }
    }
    Ok(merged)
}

/// The addresses a message may be known by: its sender's, and those that a report speaks of.
fn address_keys(kind: &Kind, sender: &str) -> Vec<String> {
    let mut keys: Vec<String> = person::email_key(sender).into_iter().collect();
    keys.extend(without_tag(sender).and_then(|plain| person::email_key(&plain)));
    match kind {
        Kind::Bounce(bounce) => keys.extend(bounce.recipients.iter().filter_map(|address| person::email_key(address))),
        Kind::Complaint { recipient: Some(recipient), .. } => keys.extend(person::email_key(recipient)),
        _ => {}
    }
    keys
}

/// `ada+work@acme.test` is `ada@acme.test`.
fn without_tag(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let (plain, _) = local.split_once('+').filter(|(plain, _)| !plain.is_empty())?;
    Some(format!("{plain}@{domain}"))
}
