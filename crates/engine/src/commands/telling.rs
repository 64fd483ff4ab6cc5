//! Tells in the history of everyone concerned that a sequence or a mailbox was paused as a whole, or goes on.
//!
//! It comes after the pause holds, in batches, so that nothing is waited for before an email is kept back. A crash in
//! between leaves the rest untold; the explanation of each email says it all the same.

use crate::{Engine, Result};
use relance_domain::{
    activity::{Activity, ActivityKind},
    user::Actor,
};
use relance_storage::{
    activities,
    enrollment_views::{self, EnrollmentFilter},
};

const BATCH: u32 = 500;
const ONGOING: [&str; 3] = ["active", "paused", "blocked"];

impl Engine {
    /// Writes a line into the history of everyone with an unfinished enrollment that the filter holds for.
    pub(crate) async fn tell_everyone(
        &self,
        actor: &Actor,
        filter: EnrollmentFilter<'_>,
        (kind, words): (ActivityKind, &str),
    ) -> Result<()> {
        let filter = EnrollmentFilter { states: &ONGOING, ..filter };
        let mut after = None;
        loop {
            let mut tx = self.store.begin().await?;
            let found = enrollment_views::page(&mut tx, filter, after, BATCH).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = Some(last.stored.enrollment.id);
            let event = |view: &enrollment_views::EnrollmentView| {
                self.enrollment_event(&view.stored.enrollment, kind, actor, words)
            };
            let events: Vec<Activity> = found.iter().map(event).collect();
            activities::insert_many(&mut tx, &events).await?;
            tx.commit().await?;
        }
    }
}
