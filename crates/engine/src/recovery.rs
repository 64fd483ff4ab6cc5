//! What a node finds that another, or itself before a crash, left behind.
//!
//! An email past the point of no return without a live owner may have left: it becomes uncertain, its enrollment is
//! blocked at once, and no timer sends it again. What the Sent folder proves is settled by the watcher.

use crate::{
    Engine,
    error::Result,
    history::{self, Event},
};
use relance_domain::{
    Timestamp,
    activity::ActivityKind,
    delivery::{Delivery, DeliveryEvent},
    enrollment::{self, BlockReason},
};
use relance_storage::{self as storage, Tx, enrollments::Change};
use serde_json::json;

/// Rows of one turn.
const AT_ONCE: u32 = 200;

impl Engine {
    /// One turn: emails that were leaving when their owner died become uncertain. How many there were.
    pub async fn recover_orphans(&self) -> Result<usize> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        let orphans = storage::leases::leaving_without_owner(&mut tx, AT_ONCE).await?;
        for delivery in &orphans {
            self.lose_track(&mut tx, delivery, now).await?;
        }
        let uncertain = storage::outbox::uncertain_count(&mut tx).await?;
        tx.commit().await?;
        metrics::gauge!("relance_emails_uncertain").set(f64::from(uncertain));
        if !orphans.is_empty() {
            tracing::warn!(count = orphans.len(), "emails may or may not have left; they are shown as uncertain");
        }
        Ok(orphans.len())
    }

    async fn lose_track(&self, tx: &mut Tx, delivery: &Delivery, now: Timestamp) -> Result<()> {
        let state = delivery.state.after(DeliveryEvent::LostTrack, now)?;
        if !storage::deliveries::set_state(tx, delivery.id, delivery.state, state, None, now).await? {
            return Ok(());
        }
        metrics::counter!("relance_emails_uncertain_total").increment(1);
        let Some(stored) = storage::enrollments::find_for_update(tx, delivery.enrollment_id).await? else {
            return Ok(());
        };
        let reason = BlockReason::DeliveryUncertain;
        let mut event = Event::blocked(&reason).with(json!({ "reason": reason.code() }));
        event.kind = ActivityKind::EmailUncertain;
        let mut activity = history::of_enrollment(self.new_activity_id(), &stored.enrollment, event, None, now);
        activity.delivery_id = Some(delivery.id);
        storage::activities::insert(tx, &activity).await?;
        if stored.enrollment.state.step() == Some(delivery.step_id) {
            let event = enrollment::Event::Blocked { reason, resumes_at: None };
            let state = stored.enrollment.state.clone().after(event, now)?;
            storage::enrollments::save(tx, Change::of(&stored, &state), now).await?;
        }
        Ok(())
    }

    /// On SQLite there is one serving node: whatever lease is left from before belongs to a process that is gone.
    pub async fn take_over_alone(&self) -> Result<()> {
        let mut tx = self.store.begin().await?;
        if tx.engine() == storage::Engine::Sqlite {
            storage::leases::expire_all(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
