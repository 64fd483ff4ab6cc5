//! Finds the person a message belongs to, with everything the rules ask about them.
//!
//! Ids of our emails first, then the sender's address; `domain::inbound::belongs` says how sure that is.

use super::{ground::Ground, reading::Judged};
use crate::{Engine, error::Result};
use jiff::tz::TimeZone;
use relance_domain::{
    DeliveryId, EnrollmentId, VersionId,
    delivery::{Delivery, DeliveryState},
    inbound::{self, Correspondent, Kind, Match, Timing},
    person::Person,
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
    /// The zone of the workspace, for those who have none.
    pub workspace_zone: TimeZone,
}

impl Engine {
    /// Whom a message belongs to: by the ids it refers to, else by its sender.
    pub(super) async fn find_correspondent(&self, tx: &mut Tx, ground: &Ground, one: &Judged<'_>) -> Result<Found> {
        let kind = &one.judgement.kind;
        let sender_name = one.message.as_ref().and_then(relance_mail::parse::Message::sender_name);
        let delivery = ground.delivery(&one.ids);
        if let Some(delivery) = delivery
            && let Some(person) = ground.person(delivery.person_id)
        {
            let matched = belongs(kind, true, &one.sender, sender_name, person);
            let ongoing = storage::enrollments::ongoing_of_person(tx, person.id, true).await?;
            return self.found(tx, ground, matched, Some((person, ongoing)), Some(delivery)).await;
        }
        for person in ground.people_of(kind, &one.sender) {
            let matched = belongs(kind, false, &one.sender, sender_name, person);
            if matched == Match::None {
                continue;
            }
            let ongoing = storage::enrollments::ongoing_of_person(tx, person.id, true).await?;
            if !ongoing.is_empty() || ground.span(person.id).is_some() {
                return self.found(tx, ground, matched, Some((person, ongoing)), None).await;
            }
        }
        self.found(tx, ground, Match::None, None, None).await
    }

    async fn found(
        &self,
        tx: &mut Tx,
        ground: &Ground,
        matched: Match,
        of: Option<(&Person, Vec<StoredEnrollment>)>,
        delivery: Option<&Delivery>,
    ) -> Result<Found> {
        let (person, ongoing) = of.map_or_else(Default::default, |(person, ongoing)| (Some(person.clone()), ongoing));
        let version = match delivery.map(|delivery| delivery.enrollment_id) {
            Some(id) => match ongoing.iter().find(|stored| stored.enrollment.id == id) {
                Some(stored) => Some(stored.enrollment.version_id),
                None => storage::enrollments::find(tx, id).await?.map(|stored| stored.enrollment.version_id),
            },
            None => None,
        };
        let exit = match version.or_else(|| ongoing.first().map(|stored| stored.enrollment.version_id)) {
            Some(version) => self.exit_rules(tx, version).await?,
            None => ExitRules::default(),
        };
        let span = person.as_ref().and_then(|person| ground.span(person.id));
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
            workspace_zone: ground.zone.clone(),
        })
    }

    /// The exit rules of a version, from memory where it was read before.
    async fn exit_rules(&self, tx: &mut Tx, id: VersionId) -> Result<ExitRules> {
        if let Some(known) = self.versions.get(id) {
            return Ok(known.version.plan.exit);
        }
        let version = storage::sequences::find_version(tx, id).await?;
        Ok(version.map(|version| self.versions.keep(version).version.plan.exit).unwrap_or_default())
    }
}

fn belongs(kind: &Kind, in_thread: bool, sender: &str, sender_name: Option<&str>, person: &Person) -> Match {
    let addresses: Vec<String> =
        std::iter::once(&person.fields.email).chain(&person.fields.other_emails).cloned().collect();
    let name = person.name();
    inbound::belongs(kind, in_thread, sender, sender_name, Correspondent { name: Some(&name), addresses: &addresses })
}
