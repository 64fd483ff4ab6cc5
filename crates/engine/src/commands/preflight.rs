//! What would happen if these people were enrolled: the same judgement that [`crate::commands::enroll`] acts on.

use super::{
    bulk::{self, Selection},
    enroll::OnMissing,
    ground::{Ground, Judged},
};
use crate::{
    Engine, Result,
    forecasting::{Future, MOST_OF_A_MAILBOX},
};
use jiff::civil::Date;
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, Timestamp, UserId,
    enrollment::Enrollment,
    forecast::{Forecast, Leaving, Prospect},
    person::Person,
    quota,
    user::Actor,
};
use relance_storage::{Tx, people, people_lists};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Days of a forecast that are told one by one.
const MOST_DAYS: usize = 1_100;

/// Whom to enroll, in what, from where, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// In which sequence.
    pub sequence_id: SequenceId,
    /// Whom.
    #[serde(default)]
    pub person_ids: Vec<PersonId>,
    /// From which mailbox; `None` = the actor's.
    #[serde(default)]
    pub mailbox_id: Option<MailboxId>,
    /// On whose behalf; `None` = the one who asks.
    #[serde(default)]
    pub actor_id: Option<UserId>,
    /// When; `None` = now.
    #[serde(default)]
    pub start_at: Option<Timestamp>,
    /// With which step, by position from 1; `None` = the first.
    #[serde(default)]
    pub start_step: Option<usize>,
}

impl EnrollRequest {
    /// These people in this sequence, now, from the first step, from the actor's own mailbox.
    pub const fn new(sequence_id: SequenceId, person_ids: Vec<PersonId>) -> Self {
        Self { sequence_id, person_ids, mailbox_id: None, actor_id: None, start_at: None, start_step: None }
    }
}

/// What would happen to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Preflight {
    /// It starts.
    Starts,
    /// It starts and waits for data: a warning, not a refusal.
    WaitsForData {
        /// The merge tags without a value.
        tags: Vec<String>,
    },
    /// It does not start.
    Refused {
        /// A code of `api.md`.
        code: String,
        /// Why, in a sentence.
        message: String,
        /// The enrollment in the way (`already_active`).
        enrollment_id: Option<EnrollmentId>,
    },
}

/// One person of a preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightRow {
    /// Who.
    pub person_id: PersonId,
    /// What would happen.
    #[serde(flatten)]
    pub outcome: Preflight,
    /// When the first step is due to happen; `None` if refused.
    pub first_at: Option<Timestamp>,
    /// It was in this sequence before: allowed, with a notice.
    pub was_enrolled_before: bool,
}

/// People who would be refused for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedCount {
    /// A code of `api.md`.
    pub code: String,
    /// How many.
    pub count: u64,
}

/// One day of a mailbox with a selection enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastDay {
    /// The day, in the mailbox's zone.
    pub day: Date,
    /// Emails that have left today, or were planned before.
    pub planned: u32,
    /// First emails of the selection.
    pub first: u32,
    /// Follow-ups of the selection.
    pub follow_up: u32,
    /// Most emails of the mailbox on it: fewer than its daily quota while it ramps up.
    #[serde(default)]
    pub quota: u32,
}

/// When the emails of a selection leave, with everyone else's of the mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkForecast {
    /// From which mailbox; `None` for tasks only.
    pub mailbox_id: Option<MailboxId>,
    /// Its address.
    pub address: String,
    /// Most emails of the mailbox a day.
    pub quota: u32,
    /// Its days, from today to the last email of the selection.
    pub days: Vec<ForecastDay>,
    /// When the last first email leaves.
    pub last_first_at: Option<Timestamp>,
    /// When the last follow-up leaves, if nobody answers.
    pub last_follow_up_at: Option<Timestamp>,
    /// Emails of the selection in all.
    pub emails: u64,
}

/// What would happen to a selection of any size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightSummary {
    /// People in the selection.
    pub total: u64,
    /// People who were judged: all, or the first 20,000.
    pub judged: u64,
    /// They start.
    pub starts: u64,
    /// They start and wait for data.
    pub waits_for_data: u64,
    /// Merge tags without a value and how many people lack each, most first.
    pub missing: Vec<(String, u64)>,
    /// They do not start, by reason, most first.
    pub refused: Vec<RefusedCount>,
    /// Everyone who was judged: those who wait for data first, then those who are refused, then those who start.
    pub rows: Vec<PreflightRow>,
    /// When their emails leave.
    pub forecast: BulkForecast,
}

const JUDGED_AT_ONCE: usize = 500;
const MOST_JUDGED: usize = 20_000;

/// Counts, most first.
fn sorted(counts: HashMap<String, u64>) -> Vec<(String, u64)> {
    let mut sorted: Vec<(String, u64)> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted
}

impl Engine {
    /// Judges a selection of any size without changing anything: counts, every row, and the forecast with everyone
    /// else's emails of the mailbox. With [`OnMissing::Skip`] those who lack data are left out of the forecast.
    pub async fn preflight_selection(
        &self,
        actor: &Actor,
        request: &EnrollRequest,
        selection: &Selection,
        on_missing: OnMissing,
    ) -> Result<PreflightSummary> {
        let mut tx = self.store.read().await?;
        let ground = self.ground(&mut tx, actor, request).await?;
        let (ids, total) = match selection {
            Selection::Ids(ids) => (ids.iter().take(MOST_JUDGED).copied().collect(), ids.len()),
            Selection::Matching { .. } => {
                let query = bulk::seen_query(&mut tx, actor, selection).await?;
                let (total, _) = people_lists::count(&mut tx, &query, usize::MAX >> 1).await?;
                (people_lists::ids(&mut tx, &query, None, MOST_JUDGED).await?, total)
            }
        };
        let mut judged = judge_all(&mut tx, &ground, actor, &ids).await?;
        let forecast = self.forecast_judged(&mut tx, &ground, &mut judged, on_missing).await?;
        let mut summary =
            PreflightSummary { total: total as u64, judged: ids.len() as u64, forecast, ..PreflightSummary::default() };
        let (mut missing, mut refused) = (HashMap::new(), HashMap::new());
        for judged in judged {
            match &judged.row.outcome {
                Preflight::Starts => summary.starts += 1,
                Preflight::WaitsForData { tags } => {
                    summary.waits_for_data += 1;
                    tags.iter().for_each(|tag| *missing.entry(tag.clone()).or_insert(0) += 1);
                }
                Preflight::Refused { code, .. } => *refused.entry(code.clone()).or_insert(0) += 1,
            }
            summary.rows.push(judged.row);
        }
        summary.rows.sort_by_key(|row| match row.outcome {
            Preflight::WaitsForData { .. } => 0,
            Preflight::Refused { .. } => 1,
            Preflight::Starts => 2,
        });
        summary.missing = sorted(missing);
        summary.refused = sorted(refused).into_iter().map(|(code, count)| RefusedCount { code, count }).collect();
        Ok(summary)
    }

    /// Judges up to 1,000 people without changing anything.
    pub async fn preflight(&self, actor: &Actor, request: &EnrollRequest) -> Result<Vec<PreflightRow>> {
        Ok(self.preflight_rows(actor, request, OnMissing::Start).await?.0)
    }

    /// As [`Engine::preflight`], with the forecast.
    pub async fn preflight_rows(
        &self,
        actor: &Actor,
        request: &EnrollRequest,
        on_missing: OnMissing,
    ) -> Result<(Vec<PreflightRow>, BulkForecast)> {
        super::at_most_1000(request.person_ids.len())?;
        let mut tx = self.store.read().await?;
        let ground = self.ground(&mut tx, actor, request).await?;
        let mut judged = judge_all(&mut tx, &ground, actor, &request.person_ids).await?;
        let forecast = self.forecast_judged(&mut tx, &ground, &mut judged, on_missing).await?;
        Ok((judged.into_iter().map(|judged| judged.row).collect(), forecast))
    }

    /// What enrolling one person would do in each of these sequences, in their order. What lies before the mailbox is
    /// read once for all of them.
    pub async fn preflight_each(
        &self,
        actor: &Actor,
        person: PersonId,
        sequences: &[SequenceId],
    ) -> Result<Vec<PreflightRow>> {
        let mut tx = self.store.read().await?;
        let mut known: Option<(Option<MailboxId>, Option<Future>)> = None;
        let mut rows = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            let request = EnrollRequest::new(*sequence, vec![person]);
            let ground = self.ground(&mut tx, actor, &request).await?;
            let mut judged = judge_all(&mut tx, &ground, actor, &request.person_ids).await?;
            let desk = ground.sender.mailbox().map(|mailbox| mailbox.id);
            if known.as_ref().is_none_or(|(of, _)| *of != desk) {
                known = Some((desk, self.future_of(&mut tx, &ground).await?));
            }
            if let Some((_, Some(future))) = &known {
                forecast_in(&mut tx, future, &ground, &mut judged, OnMissing::Start).await?;
            }
            rows.extend(judged.into_iter().map(|judged| judged.row));
        }
        Ok(rows)
    }

    /// Everything that lies before the mailbox of a request.
    async fn future_of(&self, tx: &mut Tx, ground: &Ground) -> Result<Option<Future>> {
        let desks: Vec<MailboxId> = ground.sender.mailbox().map(|mailbox| mailbox.id).into_iter().collect();
        self.future(tx, &desks, &[], MOST_OF_A_MAILBOX).await
    }

    /// The forecast of everyone judged who would start, behind everyone else's; their first steps get their dates.
    async fn forecast_judged(
        &self,
        tx: &mut Tx,
        ground: &Ground,
        judged: &mut [Judged],
        on_missing: OnMissing,
    ) -> Result<BulkForecast> {
        match self.future_of(tx, ground).await? {
            Some(future) => forecast_in(tx, &future, ground, judged, on_missing).await,
            None => Ok(BulkForecast::default()),
        }
    }
}

/// The forecast of everyone judged who would start, in a world that was read.
async fn forecast_in(
    tx: &mut Tx,
    future: &Future,
    ground: &Ground,
    judged: &mut [Judged],
    on_missing: OnMissing,
) -> Result<BulkForecast> {
    let joins =
        |judged: &Judged| judged.start.is_some() && (judged.missing.is_empty() || on_missing == OnMissing::Start);
    let ids: Vec<PersonId> = judged.iter().filter(|one| joins(one)).map(|one| one.row.person_id).collect();
    let people: HashMap<PersonId, Person> =
        people::find_many(tx, &ids).await?.into_iter().map(|person| (person.id, person)).collect();
    let mut places = Vec::with_capacity(ids.len());
    let mut rows: Vec<(Enrollment, &Person, usize)> = Vec::with_capacity(ids.len());
    for (place, one) in judged.iter().enumerate().filter(|(_, one)| joins(one)) {
        let Some(person) = people.get(&one.row.person_id) else { continue };
        let number = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let Some(row) = ground.newcomer(person, &[]).enrollment(number) else { continue };
        rows.push((row, person, place));
        places.push(place);
    }
    let newcomers = rows
        .iter()
        .map(|(row, person, place)| Prospect {
            facts: ground.newcomer(person, &[]).facts(row),
            missing: &judged[*place].missing,
            explains: false,
        })
        .collect();
    let forecast = future.forecast(None, newcomers);
    let known = future.len();
    let found = summary_of(&forecast, known, ground);
    let firsts: Vec<Option<Timestamp>> =
        forecast.steps[known..].iter().map(|steps| steps.first().and_then(|step| step.planned_at)).collect();
    for (place, first) in places.into_iter().zip(firsts) {
        judged[place].row.first_at = first;
    }
    Ok(found)
}

/// Days, ends and numbers of a forecast whose prospects from `known` on are the selection.
fn summary_of(forecast: &Forecast, known: usize, ground: &Ground) -> BulkForecast {
    let Some(mailbox) = ground.sender.mailbox() else { return BulkForecast::default() };
    let is_new = |email: &Leaving| email.prospect >= known;
    let last = |which: fn(&Leaving) -> bool| {
        forecast.emails.iter().filter(|email| is_new(email) && which(email)).map(|email| email.at).max()
    };
    let mut days: BTreeMap<Date, ForecastDay> = BTreeMap::new();
    let today = quota::day_of(mailbox, ground.now);
    let end = last(|_| true).map_or(today, |at| quota::day_of(mailbox, at));
    for day in today.series(jiff::Span::new().days(1)).take_while(|day| *day <= end).take(MOST_DAYS) {
        days.insert(day, ForecastDay { day, planned: 0, first: 0, follow_up: 0, quota: mailbox.quota_on(day) });
    }
    if let Some(day) = days.get_mut(&today) {
        day.planned = ground.used_today;
    }
    for email in &forecast.emails {
        let Some(day) = days.get_mut(&quota::day_of(mailbox, email.at)) else { continue };
        match (is_new(email), email.is_first) {
            (false, _) => day.planned += 1,
            (true, true) => day.first += 1,
            (true, false) => day.follow_up += 1,
        }
    }
    BulkForecast {
        mailbox_id: Some(mailbox.id),
        address: mailbox.address.clone(),
        quota: mailbox.daily_quota,
        days: days.into_values().collect(),
        last_first_at: last(|email| email.is_first),
        last_follow_up_at: last(|email| !email.is_first),
        emails: forecast.emails.iter().filter(|email| is_new(email)).count() as u64,
    }
}

/// Judges any number of people, some at a time.
async fn judge_all(tx: &mut Tx, ground: &Ground, actor: &Actor, ids: &[PersonId]) -> Result<Vec<Judged>> {
    let mut judged = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(JUDGED_AT_ONCE) {
        judged.extend(ground.judge(tx, actor, chunk).await?);
    }
    Ok(judged)
}
