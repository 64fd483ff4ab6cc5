//! Does what a message calls for, in the transaction that records it.
//!
//! Which effect it is was decided by `domain::inbound::effect`; here it is carried out on the person's enrollments with
//! the same statements that commands use, and every change has its line in the history.

use super::{ground::Ground, matching::Found, reading::Judged};
use crate::{
    Engine,
    commands::absence::Absence,
    error::Result,
    history::{self, Event},
};
use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};
use relance_domain::{
    PersonId, Timestamp,
    activity::{Activity, ActivityKind},
    calendar::LocalSchedule,
    enrollment::{self, BlockReason, FinishReason},
    inbound::{Effect, Kind},
    person::{self, Person},
    step::{Wait, WaitUnit},
    suppression::{Suppression, SuppressionReason},
    user::Actor,
};
use relance_storage::{self as storage, Tx, inbound::InboundMessage};
use serde_json::json;

/// What the messages of one commit leave to be written together: one statement costs as much for twenty as for one.
#[derive(Default)]
pub(super) struct Pending {
    received: Vec<Activity>,
    answered: Vec<PersonId>,
}

impl Pending {
    /// Whether a message may be about someone whose sequences are still to be ended.
    pub(super) fn concerns(&self, ground: &Ground, one: &Judged<'_>) -> bool {
        let ends = |id| self.answered.contains(&id);
        ground.delivery(&one.ids).and_then(|delivery| ground.person(delivery.person_id)).is_some_and(|p| ends(p.id))
            || ground.people_of(&one.judgement.kind, &one.sender).iter().any(|person| ends(person.id))
    }
}

impl Engine {
    /// Records the message in the person's history and does what follows; some of it is left to `pending`.
    pub(super) async fn do_effect(
        &self,
        tx: &mut Tx,
        inbound: &InboundMessage,
        found: &Found,
        effect: Effect,
        pending: &mut Pending,
    ) -> Result<()> {
        let Some(person) = &found.person else { return Ok(()) };
        pending.received.push(self.received(inbound, person));
        match effect {
            Effect::EndAll => pending.answered.push(person.id),
            Effect::PauseUntil { date } => {
                let until = start_of(date, person, &found.workspace_zone);
                let absence = Absence { inbound: inbound.id, until, workspace_zone: &found.workspace_zone };
                self.pause_for_absence(tx, person, absence, &Actor::System).await?;
            }
            Effect::PauseForBusinessDays { days } => {
                let zone = &found.workspace_zone;
                let local = LocalSchedule::new(None, person.zone().unwrap_or_else(|| zone.clone()));
                let until = local.add_wait(self.now(), Wait { amount: days, unit: WaitUnit::BusinessDays });
                let absence = Absence { inbound: inbound.id, until, workspace_zone: zone };
                self.pause_for_absence(tx, person, absence, &Actor::System).await?;
            }
            Effect::BlockBounced => self.block_bounced(tx, inbound, found).await?,
            Effect::FinishBounced => {
                let ids: Vec<_> = concerned(found).map(|stored| stored.enrollment.id).collect();
                self.end_enrollments(tx, &ids, &FinishReason::Bounced, &Actor::System).await?;
            }
            Effect::Unsubscribe => {
                self.never_again(tx, person, SuppressionReason::Unsubscribed).await?;
                self.end_people(tx, &[person.id], &FinishReason::Unsubscribed, &Actor::System).await?;
            }
            Effect::Complain => {
                self.never_again(tx, person, SuppressionReason::Complained).await?;
                self.end_people(tx, &[person.id], &FinishReason::Complained, &Actor::System).await?;
            }
            Effect::HoldForReview { why } => self.hold_for_review(tx, found, &why).await?,
            Effect::Tray { .. } | Effect::RecordOnly | Effect::Ignore => {}
        }
        Ok(())
    }

    /// Writes what several messages left to be written together.
    pub(super) async fn write_pending(&self, tx: &mut Tx, pending: &mut Pending) -> Result<()> {
        let Pending { received, answered } = std::mem::take(pending);
        storage::activities::insert_many(tx, &received).await?;
        if !answered.is_empty() {
            self.end_people(tx, &answered, &FinishReason::Replied, &Actor::System).await?;
        }
        Ok(())
    }

    fn received(&self, inbound: &InboundMessage, person: &Person) -> Activity {
        let kind = match &inbound.judgement.kind {
            Kind::Reply { .. } | Kind::Doubtful { .. } | Kind::Unreadable { .. } => ActivityKind::ReplyReceived,
            Kind::AutoReply { .. } | Kind::Other { .. } | Kind::Own => ActivityKind::AutoReplyReceived,
            Kind::Bounce(_) => ActivityKind::BounceReceived,
            Kind::Complaint { .. } => ActivityKind::ComplaintReceived,
            Kind::UnsubscribeRequest => ActivityKind::Unsubscribed,
        };
        let mut activity = self.event(person.id, kind, &Actor::System, inbound.subject.clone());
        activity.enrollment_id = inbound.enrollment_id;
        activity.delivery_id = inbound.delivery_id;
        activity.inbound_id = Some(inbound.id);
        activity.detail = json!({ "kind": inbound.judgement.kind.name(), "from": inbound.from_address });
        activity
    }

    async fn block_bounced(&self, tx: &mut Tx, inbound: &InboundMessage, found: &Found) -> Result<()> {
        let Kind::Bounce(bounce) = &inbound.judgement.kind else { return Ok(()) };
        for stored in concerned(found) {
            let reason = BlockReason::Bounced { dsn: bounce.words() };
            let event = enrollment::Event::Blocked { reason, resumes_at: None };
            self.change(tx, stored, event, self.now()).await?;
        }
        Ok(())
    }

    async fn never_again(&self, tx: &mut Tx, person: &Person, reason: SuppressionReason) -> Result<()> {
        let Some(entry) = person::email_key(&person.fields.email) else { return Ok(()) };
        let suppression = Suppression {
            id: self.new_suppression_id(),
            entry,
            reason,
            note: String::new(),
            added_by: None,
            created_at: self.now(),
        };
        storage::suppressions::insert(tx, &suppression).await?;
        Ok(())
    }

    async fn hold_for_review(&self, tx: &mut Tx, found: &Found, why: &str) -> Result<()> {
        for stored in &found.ongoing {
            self.hold_one(tx, stored, why).await?;
        }
        Ok(())
    }

    /// Nothing is sent in this enrollment until someone decides in the tray.
    pub(super) async fn hold_one(
        &self,
        tx: &mut Tx,
        stored: &storage::enrollments::StoredEnrollment,
        why: &str,
    ) -> Result<()> {
        let now = self.now();
        let event = enrollment::Event::Blocked { reason: BlockReason::HeldForReview, resumes_at: None };
        let state = stored.enrollment.state.clone().after(event, now)?;
        let change = storage::enrollments::Change::of(stored, &state);
        storage::enrollments::save(tx, change, now).await?;
        let event = Event::new(ActivityKind::HeldForReview, why).with(json!({ "reason": "held_for_review" }));
        let activity = history::of_enrollment(self.new_activity_id(), &stored.enrollment, event, None, now);
        storage::activities::insert(tx, &activity).await?;
        Ok(())
    }
}

/// The unfinished enrollments a failed email concerns: its own, else all of the person.
fn concerned(found: &Found) -> impl Iterator<Item = &storage::enrollments::StoredEnrollment> {
    let of_email = found.enrollment_id;
    found.ongoing.iter().filter(move |stored| of_email.is_none_or(|id| id == stored.enrollment.id))
}

/// The first moment of a local day where the person is.
fn start_of(date: Date, person: &Person, workspace_zone: &TimeZone) -> Timestamp {
    let zone = person.zone().unwrap_or_else(|| workspace_zone.clone());
    let midnight = date.to_datetime(Time::midnight()).to_zoned(zone);
    midnight.map_or_else(|_| Timestamp::from_ms(0), |zoned| Timestamp::from_zoned(&zoned))
}
