//! One-click unsubscribe (RFC 8058): the prospect's own command, safe to repeat.

use super::access;
use crate::{Engine, EngineError, Result};
use relance_domain::{
    EnrollmentId,
    activity::{Activity, ActivityKind},
    enrollment::FinishReason,
    person::email_key,
    suppression::SuppressionReason,
    user::Actor,
};
use relance_storage::{Tx, activities, deliveries, enrollment_lookups, enrollments, people, sequences, suppressions};

const MOST_SHARING: u32 = 500;

/// Whom an unsubscribe link is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribed {
    /// The address that will not be written to.
    pub address: String,
    /// Language of the page: the sequence's.
    pub locale: String,
    /// It was on the list before.
    pub already: bool,
}

struct Asked {
    enrollment: enrollments::StoredEnrollment,
    answer: Unsubscribed,
    key: String,
}

impl Engine {
    /// Whom this link is about, without doing anything (the page that asks).
    pub async fn unsubscribe_page(&self, token: &str) -> Result<Unsubscribed> {
        let mut tx = self.store.read().await?;
        Ok(self.asked_by(&mut tx, token).await?.answer)
    }

    async fn asked_by(&self, tx: &mut Tx, token: &str) -> Result<Asked> {
        let unknown = || EngineError::NotFound("unsubscribe link");
        let id: EnrollmentId = self.keys.read_unsubscribe_token(token).ok_or_else(unknown)?;
        let enrollment = enrollments::find(tx, id).await?.ok_or_else(unknown)?;
        // The address that was written to; the person's may have changed since.
        let written = deliveries::of_enrollment(tx, id).await?.pop().map(|delivery| delivery.recipient);
        let address = match written {
            Some(address) => address,
            None => people::find(tx, enrollment.enrollment.person_id).await?.ok_or_else(unknown)?.fields.email,
        };
        let key = email_key(&address).ok_or_else(unknown)?;
        let already = !suppressions::find_for_keys(tx, std::slice::from_ref(&key)).await?.is_empty();
        let version = sequences::find_version(tx, enrollment.enrollment.version_id).await?;
        let locale = version.map(|version| version.plan.unsubscribe.locale).unwrap_or_default();
        Ok(Asked { enrollment, answer: Unsubscribed { address, locale, already }, key })
    }

    /// Ends every unfinished enrollment of the person and puts the address on the suppression list.
    pub async fn unsubscribe(&self, token: &str) -> Result<Unsubscribed> {
        let mut tx = self.store.begin().await?;
        let asked = self.asked_by(&mut tx, token).await?;
        let person_id = asked.enrollment.enrollment.person_id;
        self.end_people(&mut tx, &[person_id], &FinishReason::Unsubscribed, &Actor::System).await?;
        // Others who share the address must not be written to either, from this moment on.
        let sharing = enrollment_lookups::ongoing_at(&mut tx, &asked.key, MOST_SHARING).await?;
        self.end_enrollments(&mut tx, &sharing, &FinishReason::Unsubscribed, &Actor::System).await?;
        let entry = self.entry(asked.key, SuppressionReason::Unsubscribed, "", &Actor::System);
        if suppressions::insert(&mut tx, &entry).await? && access::person(&mut tx, person_id).await.is_ok() {
            let words = format!("{} unsubscribed.", asked.answer.address);
            let event =
                self.enrollment_event(&asked.enrollment.enrollment, ActivityKind::Unsubscribed, &Actor::System, words);
            activities::insert(&mut tx, &Activity { person_id, ..event }).await?;
        }
        tx.commit().await?;
        Ok(asked.answer)
    }
}
