//! What a change of a person does to their unfinished enrollments: address keys follow, and what waited is released.
//!
//! The address key is unique per sequence, so an edit or merge can collide; then the later enrollment is blocked
//! (*duplicate address*) until one of the addresses changes.

use super::{moves, preview::company_of};
use crate::{Engine, Result};
use relance_domain::{
    PersonId,
    activity::{Activity, ActivityKind},
    enrollment::{BlockReason, Event, State},
    merge::{Format, Sender, Values, render},
    person::{Person, email_key},
    user::Actor,
};
use relance_storage::{
    Tx, activities,
    enrollments::{self, StoredEnrollment},
    mailboxes, people,
};
use serde_json::json;

const MOST_COLLEAGUES: usize = 500;

/// What changed that enrollments depend on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changed {
    /// The address that is written to.
    pub(crate) address: bool,
    /// Zone or country.
    pub(crate) local_time: bool,
    /// The key of the address before.
    pub(crate) old_key: Option<String>,
}

impl Engine {
    /// Everything that follows for enrollments, in the transaction of the change.
    pub(crate) async fn after_change_of_person(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        person: &Person,
        changed: &Changed,
    ) -> Result<()> {
        if changed.address {
            self.follow_address(tx, actor, person).await?;
            if let Some(old_key) = &changed.old_key {
                self.release_duplicates_of(tx, actor, person.id, old_key).await?;
            }
        }
        if changed.local_time {
            self.look_again_at(tx, person.id).await?;
        }
        self.release_for_data(tx, actor, person).await?;
        if person.fields.is_organization {
            for colleague in people::find_of_company(tx, person.id, MOST_COLLEAGUES).await? {
                self.release_for_data(tx, actor, &colleague).await?;
            }
        }
        Ok(())
    }

    /// New keys; what the old address held is released, with a new generation where the server had refused it.
    async fn follow_address(&self, tx: &mut Tx, actor: &Actor, person: &Person) -> Result<()> {
        let key = email_key(&person.fields.email);
        for stored in enrollments::ongoing_of_person(tx, person.id, true).await? {
            if !moves::plan_of(tx, &stored).await?.has_email() {
                continue;
            }
            let Some(stored) = self.take_key(tx, actor, stored, key.as_deref()).await? else { continue };
            let State::Blocked { reason, step, .. } = &stored.enrollment.state else { continue };
            let of_address = matches!(
                reason,
                BlockReason::NoRecipient
                    | BlockReason::RecipientRefused { .. }
                    | BlockReason::Bounced { .. }
                    | BlockReason::DuplicateAddress
            );
            if of_address && key.is_some() {
                self.begin_generation(tx, &stored, *step).await?;
                self.release_one(tx, actor, &stored, "The address changed").await?;
            }
        }
        Ok(())
    }

    /// Gives an enrollment the key; of two that want the same one in a sequence, the later is blocked. `None` if it was ours.
    async fn take_key(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: StoredEnrollment,
        key: Option<&str>,
    ) -> Result<Option<StoredEnrollment>> {
        let id = stored.enrollment.id;
        if let Some(holder) = enrollments::set_address_key(tx, id, key).await? {
            let holder = enrollments::find_for_update(tx, holder).await?;
            match holder.filter(|holder| holder.enrollment.enrolled_at > stored.enrollment.enrolled_at) {
                Some(later) => {
                    enrollments::set_address_key(tx, later.enrollment.id, None).await?;
                    self.block_duplicate(tx, actor, &later).await?;
                    enrollments::set_address_key(tx, id, key).await?;
                }
                None => {
                    enrollments::set_address_key(tx, id, None).await?;
                    self.block_duplicate(tx, actor, &stored).await?;
                    return Ok(None);
                }
            }
        }
        Ok(enrollments::find_for_update(tx, id).await?)
    }

    async fn block_duplicate(&self, tx: &mut Tx, actor: &Actor, stored: &StoredEnrollment) -> Result<()> {
        let Some(stored) = enrollments::find_for_update(tx, stored.enrollment.id).await? else { return Ok(()) };
        let reason = BlockReason::DuplicateAddress;
        let after = self.apply(tx, &stored, Event::Blocked { reason: reason.clone(), resumes_at: None }).await?;
        let event = Activity {
            detail: json!({ "reason": reason.code() }),
            ..self.enrollment_event(&after.enrollment, ActivityKind::SequenceBlocked, actor, reason.sentence())
        };
        Ok(activities::insert(tx, &event).await?)
    }

    /// Others who were blocked because `person` had their address.
    async fn release_duplicates_of(&self, tx: &mut Tx, actor: &Actor, person: PersonId, old_key: &str) -> Result<()> {
        for other in people::find_by_address_key(tx, old_key).await? {
            if other.id == person || email_key(&other.fields.email).as_deref() != Some(old_key) {
                continue;
            }
            for stored in enrollments::ongoing_of_person(tx, other.id, true).await? {
                let duplicate =
                    matches!(&stored.enrollment.state, State::Blocked { reason: BlockReason::DuplicateAddress, .. });
                if duplicate && enrollments::set_address_key(tx, stored.enrollment.id, Some(old_key)).await?.is_none() {
                    let Some(stored) = enrollments::find_for_update(tx, stored.enrollment.id).await? else { continue };
                    self.release_one(tx, actor, &stored, "The other address changed").await?;
                }
            }
        }
        Ok(())
    }

    /// Enrollments that wait for merge data and now have all of it.
    pub(crate) async fn release_for_data(&self, tx: &mut Tx, actor: &Actor, person: &Person) -> Result<()> {
        let company = company_of(tx, person).await?;
        let values = Values { person, company: company.as_ref(), sender: Sender::default(), unsubscribe_url: None };
        let has_value = |tag: &String| {
            render(&format!("{{{{ {tag} }}}}"), Format::Text, &values).is_ok_and(|rendered| rendered.missing.is_empty())
        };
        for stored in enrollments::ongoing_of_person(tx, person.id, true).await? {
            let State::Blocked { reason: BlockReason::MissingMergeData { tags }, .. } = &stored.enrollment.state else {
                continue;
            };
            if tags.iter().all(has_value) {
                self.release_one(tx, actor, &stored, "The missing values arrived").await?;
            }
        }
        Ok(())
    }

    async fn release_one(&self, tx: &mut Tx, actor: &Actor, stored: &StoredEnrollment, words: &str) -> Result<()> {
        let after = self.apply(tx, stored, Event::Released).await?;
        let event = self.enrollment_event(&after.enrollment, ActivityKind::SequenceReleased, actor, words);
        Ok(activities::insert(tx, &event).await?)
    }

    /// Windows moved with the person's local time: the engine decides again.
    async fn look_again_at(&self, tx: &mut Tx, person: PersonId) -> Result<()> {
        for stored in enrollments::ongoing_of_person(tx, person, true).await? {
            let State::Active { due, .. } = stored.enrollment.state else { continue };
            if stored.wake_at.is_none() {
                continue;
            }
            let wake = due.max(self.now());
            enrollments::set_wake(tx, stored.enrollment.id, stored.enrollment.revision, Some(wake)).await?;
            if let Some(mailbox) = stored.enrollment.mailbox_id {
                mailboxes::hasten(tx, mailbox, wake).await?;
            }
        }
        Ok(())
    }
}
