//! Correcting the day of return that an automatic answer gave, or did not give.
//!
//! What that answer paused, and is still paused, waits until the new day or goes on; a pause by a person stays as it is.

use super::{access, teams};
use crate::{Engine, EngineError, Result};
use jiff::{civil::Date, tz::TimeZone};
use relance_domain::{
    EnrollmentId, InboundId, PersonId, Timestamp,
    activity::{Activity, ActivityKind},
    calendar::time_words,
    enrollment::{Event, PausedBy, State},
    inbound::{Effect, Return, corrected_return},
    person::Person,
    user::Actor,
};
use relance_storage::{
    Tx, activities,
    enrollment_sets::{self, Pause, Touched},
    enrollments::{self, StoredEnrollment},
    inbound,
};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// Pauses of a person that are looked at, newest first.
const MOST_PAUSES: usize = 200;

/// What correcting a return did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorrectedReturn {
    /// Enrollments that were changed.
    pub enrollments: u64,
    /// They go on at once; else they wait until the new day.
    pub is_back: bool,
}

/// That a person is away, as a message said or someone decided about it.
#[derive(Clone, Copy)]
pub(crate) struct Absence<'a> {
    /// The message.
    pub(crate) inbound: InboundId,
    /// The first moment the person is back.
    pub(crate) until: Timestamp,
    /// For people whose zone is unknown.
    pub(crate) workspace_zone: &'a TimeZone,
}

/// The enrollments of a person that an automatic answer holds, each with the message that paused it last, if it is known.
async fn paused(tx: &mut Tx, person: PersonId, lock: bool) -> Result<Vec<(StoredEnrollment, Option<InboundId>)>> {
    let by_answer =
        |stored: &StoredEnrollment| matches!(stored.enrollment.state, State::Paused { by: PausedBy::AutoReply, .. });
    let ongoing = enrollments::ongoing_of_person(tx, person, lock).await?;
    let held: Vec<_> = ongoing.into_iter().filter(by_answer).collect();
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let events = activities::list_of_person(tx, person, &[ActivityKind::SequencePaused], None, MOST_PAUSES).await?;
    let mut last: HashMap<EnrollmentId, Option<InboundId>> = HashMap::new();
    for event in events {
        if let Some(id) = event.enrollment_id {
            last.entry(id).or_insert(event.inbound_id);
        }
    }
    let message = |stored: &StoredEnrollment| last.get(&stored.enrollment.id).copied().flatten();
    Ok(held.into_iter().map(|stored| (message(&stored), stored)).map(|(message, stored)| (stored, message)).collect())
}

/// Those of them that the actor may change.
async fn permitted<T>(
    tx: &mut Tx,
    actor: &Actor,
    held: Vec<(StoredEnrollment, T)>,
) -> Result<Vec<(StoredEnrollment, T)>> {
    let mut permitted = Vec::with_capacity(held.len());
    for (stored, with) in held {
        match access::may_touch_enrollment(tx, actor, &stored.enrollment).await {
            Ok(()) => permitted.push((stored, with)),
            Err(EngineError::Forbidden(_) | EngineError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(permitted)
}

/// The messages whose day of return the actor may correct: each still holds an enrollment of the person.
pub async fn correctable(tx: &mut Tx, actor: &Actor, person: PersonId) -> Result<HashSet<InboundId>> {
    let held = paused(tx, person, false).await?;
    Ok(permitted(tx, actor, held).await?.into_iter().filter_map(|(_, message)| message).collect())
}

impl Engine {
    /// Pauses what the person is in until they are back. How many enrollments wait for that.
    pub(crate) async fn pause_for_absence(
        &self,
        tx: &mut Tx,
        person: &Person,
        absence: Absence<'_>,
        actor: &Actor,
    ) -> Result<u64> {
        let Absence { inbound, until, workspace_zone } = absence;
        let pause = Pause { by: PausedBy::AutoReply, until: Some(until) };
        let touched = enrollment_sets::pause_person(tx, person.id, pause, self.now()).await?;
        let zone = person.zone().unwrap_or_else(|| workspace_zone.clone());
        let words = format!("Out of office; goes on {}", time_words(until, self.now(), &zone));
        let event = |touched: &Touched| Activity {
            sequence_id: Some(touched.sequence_id),
            enrollment_id: Some(touched.id),
            inbound_id: Some(inbound),
            ..self.event(person.id, ActivityKind::SequencePaused, actor, words.as_str())
        };
        activities::insert_many(tx, &touched.iter().map(event).collect::<Vec<_>>()).await?;
        Ok(touched.len() as u64)
    }

    /// The person who answered automatically is back on `date`, where they are; today means that they are back.
    pub async fn correct_return(&self, actor: &Actor, id: InboundId, date: Date) -> Result<CorrectedReturn> {
        let mut tx = self.store.begin().await?;
        let message = inbound::find(&mut tx, id).await?.ok_or(EngineError::NotFound("message"))?;
        let Some(person) = message.person_id.filter(|_| message.effect.is_absence()) else {
            return Err(EngineError::refused("no_absence", "This message says of nobody that they are away."));
        };
        let person = teams::seen_person(&mut tx, actor, person).await?;
        let zone = match person.zone() {
            Some(zone) => zone,
            None => access::workspace(&mut tx).await?.zone(),
        };
        let back = corrected_return(date, self.now(), &zone)?;
        let held: Vec<_> =
            paused(&mut tx, person.id, true).await?.into_iter().filter(|(_, by)| *by == Some(id)).collect();
        if held.is_empty() {
            return Err(EngineError::refused("not_paused", "Nothing waits for this return any more."));
        }
        let chosen = permitted(&mut tx, actor, held).await?;
        if chosen.is_empty() {
            return Err(EngineError::Forbidden(
                "What waits belongs to someone else. Ask them or a manager.".to_owned(),
            ));
        }
        let (event, kind, words) = match back {
            Return::Now => (Event::Resumed, ActivityKind::SequenceResumed, "Back already".to_owned()),
            Return::At(until) => (
                Event::Paused { until: Some(until), by: PausedBy::AutoReply },
                ActivityKind::SequencePaused,
                format!("Return date corrected; goes on {}", time_words(until, self.now(), &zone)),
            ),
        };
        for (stored, _) in &chosen {
            let after = self.apply(&mut tx, stored, event.clone()).await?;
            let activity = Activity {
                inbound_id: Some(id),
                detail: json!({ "return_date": date }),
                ..self.enrollment_event(&after.enrollment, kind, actor, words.as_str())
            };
            activities::insert(&mut tx, &activity).await?;
        }
        inbound::set_effect(&mut tx, id, &Effect::PauseUntil { date }).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(CorrectedReturn { enrollments: chosen.len() as u64, is_back: back == Return::Now })
    }
}
