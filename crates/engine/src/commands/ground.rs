//! What an enrollment is judged on: loaded once for the request, then set-based for its people.
//!
//! Preflight, enrolling one, enrolling many and the job share it, so that the check and the act cannot disagree.

use super::{
    access,
    preflight::{EnrollRequest, Preflight, PreflightRow},
    words::Sender,
};
use crate::{Engine, Result, rendering::Texts};
use jiff::{civil::Date, tz::TimeZone};
use relance_domain::{
    EnrollmentId, PersonId, Refused, StepId, Timestamp, UserId, VersionId,
    calendar::LocalSchedule,
    enrolling::{Candidate, may_enroll, start},
    forecast::Lane,
    mailbox::Mailbox,
    merge::{self, Compiled, Format},
    person::{Person, email_key},
    quota,
    sequence::{Plan, Sequence, SequenceState},
    suppression::{self, Suppression},
    time::DAY,
    user::Actor,
    workspace::Workspace,
};
use relance_storage::{
    Tx,
    enrollment_lookups::{self, Past},
    enrollments, mailbox_days, people, sequences, suppressions,
};
use std::collections::{HashMap, HashSet};

/// What holds for everyone in the request.
pub(crate) struct Ground {
    pub(crate) sequence: Sequence,
    pub(crate) version_id: Option<VersionId>,
    pub(crate) plan: Plan,
    pub(crate) workspace: Workspace,
    pub(crate) sender: Sender,
    pub(crate) actor_id: UserId,
    pub(crate) start_step: Option<StepId>,
    pub(crate) start_at: Timestamp,
    pub(crate) used_today: u32,
    now: Timestamp,
    texts: Vec<Texts>,
    /// Every tag of the texts in one text: nothing missing here, nothing missing anywhere.
    probe: Option<Compiled>,
}

/// Places in the days of one mailbox that first emails of many people take, one after the other.
pub(crate) struct Places {
    lane: Lane,
    latest: Option<Timestamp>,
}

impl Places {
    /// The first free place from `from` on.
    fn take(&mut self, mailbox: Option<&Mailbox>, local: &LocalSchedule, from: Timestamp, step: StepId) -> Timestamp {
        // Days long before the latest place are full: looking at each again would take forever for a long queue.
        let from = self.latest.map_or(from, |latest| from.max(latest.plus_ms(-2 * DAY)));
        let nobody = EnrollmentId::from_uuid(uuid::Uuid::nil());
        let at = self.lane.slot(mailbox, local, true, from, nobody, step).map_or(from, |slot| slot.at);
        self.lane.take(mailbox, at);
        self.latest = self.latest.max(Some(at));
        at
    }

    /// Emails per day of the mailbox, those of today included that have left.
    pub(crate) fn per_day(&self) -> Vec<(Date, u32)> {
        self.lane.per_day().filter(|(_, count)| *count > 0).collect()
    }

    /// The last place that was taken.
    pub(crate) const fn latest(&self) -> Option<Timestamp> {
        self.latest
    }
}

/// One person judged.
pub(crate) struct Judged {
    pub(crate) row: PreflightRow,
    pub(crate) start: Option<(StepId, Timestamp)>,
    pub(crate) address_key: Option<String>,
}

impl Engine {
    /// Loads what holds for everyone in the request; refused where the request itself makes no sense.
    pub(crate) async fn ground(&self, tx: &mut Tx, actor: &Actor, request: &EnrollRequest) -> Result<Ground> {
        let now = self.now();
        let sequence = access::sequence(tx, request.sequence_id).await?;
        let version = match sequence.version_id.filter(|_| sequence.state != SequenceState::Draft) {
            Some(id) => sequences::find_version(tx, id).await?,
            None => None,
        };
        let (version_id, plan) = version.map_or_else(|| (None, sequence.draft.clone()), |v| (Some(v.id), v.plan));
        let actor_id = request.actor_id.or(actor.user_id());
        let nobody = || Refused::at("actor_id", "required", "Say on whose behalf the sequence runs.");
        let actor_id = actor_id.ok_or_else(nobody)?;
        access::user(tx, actor_id).await?;
        let sender = self.sender_of(tx, Some(actor_id), request.mailbox_id).await?;
        let start_step = match request.start_step {
            None => None,
            Some(position) => {
                let step = position.checked_sub(1).and_then(|index| plan.steps.get(index));
                let none = || Refused::at("start_step", "no_such_step", "This sequence has no such step.");
                Some(step.ok_or_else(none)?.id)
            }
        };
        let used_today = match sender.mailbox() {
            Some(mailbox) => mailbox_days::used(tx, mailbox.id, quota::day_of(mailbox, now)).await?,
            None => 0,
        };
        let from = start_step.and_then(|step| plan.position(step)).unwrap_or(1) - 1;
        let emails = plan.steps.iter().skip(from).filter_map(|step| step.action.email());
        let texts: Vec<Texts> = emails.clone().filter_map(|email| Texts::compile(email).ok()).collect();
        let mut tags: Vec<String> = Vec::new();
        for email in emails {
            for text in [&email.subject, &email.body_html, &email.body_text] {
                tags.extend(merge::tags_in(text));
            }
        }
        tags.sort();
        tags.dedup();
        let probe: String = tags.iter().map(|tag| format!("{{{{ {tag} }}}}")).collect();
        let probe = if tags.is_empty() { None } else { Compiled::compile(&probe, Format::Text).ok() };
        Ok(Ground {
            version_id,
            plan,
            workspace: access::workspace(tx).await?,
            sender,
            actor_id,
            start_step,
            start_at: request.start_at.map_or(now, |at| at.max(now)),
            used_today,
            now,
            texts,
            probe,
            sequence,
        })
    }
}

/// What is known of the people judged together.
struct Known {
    people: HashMap<PersonId, Person>,
    companies: HashMap<PersonId, Person>,
    by_person: HashMap<PersonId, EnrollmentId>,
    by_address: HashMap<String, EnrollmentId>,
    suppressed: HashMap<String, Suppression>,
    past: HashMap<PersonId, Vec<Past>>,
}

impl Known {
    async fn load(tx: &mut Tx, ground: &Ground, ids: &[PersonId]) -> Result<Self> {
        let people: HashMap<PersonId, Person> =
            people::find_many(tx, ids).await?.into_iter().map(|person| (person.id, person)).collect();
        let companies: HashSet<PersonId> = people.values().filter_map(|person| person.fields.company_id).collect();
        let companies: Vec<PersonId> = companies.into_iter().collect();
        let companies =
            people::find_many(tx, &companies).await?.into_iter().map(|person| (person.id, person)).collect();
        let keys: Vec<String> = people.values().filter_map(|person| email_key(&person.fields.email)).collect();
        let ongoing = enrollments::ongoing_of_people(tx, ground.sequence.id, ids).await?;
        let same_address = enrollments::ongoing_by_address_keys(tx, ground.sequence.id, &keys).await?;
        let listed: HashSet<String> =
            people.values().flat_map(|person| suppression::keys_of(&person.fields.email)).collect();
        let listed: Vec<String> = listed.into_iter().collect();
        let suppressed = suppressions::find_for_keys(tx, &listed).await?;
        let mut past: HashMap<PersonId, Vec<Past>> = HashMap::new();
        for row in enrollment_lookups::past_of_people(tx, ids).await? {
            past.entry(row.person_id).or_default().push(row);
        }
        Ok(Self {
            people,
            companies,
            by_person: ongoing.into_iter().map(|stored| (stored.enrollment.person_id, stored.enrollment.id)).collect(),
            by_address: same_address
                .into_iter()
                .filter_map(|stored| Some((stored.enrollment.address_key?, stored.enrollment.id)))
                .collect(),
            suppressed: suppressed.into_iter().map(|entry| (entry.entry.clone(), entry)).collect(),
            past,
        })
    }
}

impl Ground {
    /// Judges these people, in the order given. With places their first emails take those that are free.
    pub(crate) async fn judge(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        ids: &[PersonId],
        places: Option<&mut Places>,
    ) -> Result<Vec<Judged>> {
        let known = Known::load(tx, self, ids).await?;
        let mut places = places;
        let (mut seen, mut addresses) = (HashSet::new(), HashSet::new());
        let mut judged = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(person) = known.people.get(id) else {
                judged.push(refused(*id, None, Refused::new("not_found", "This person no longer exists.")));
                continue;
            };
            let address_key = email_key(&person.fields.email).filter(|_| self.plan.has_email());
            let row = self.judge_one(actor, person, &known, address_key.clone(), places.as_deref_mut())?;
            let starts = row.start.is_some();
            let twice = starts && (!seen.insert(*id) || address_key.is_some_and(|key| !addresses.insert(key)));
            judged.push(if twice {
                let name = person.name();
                let message =
                    format!("{name} stands in this selection twice, or shares an address with someone in it.");
                refused(*id, None, Refused::new("already_active", message))
            } else {
                row
            });
        }
        Ok(judged)
    }

    fn judge_one(
        &self,
        actor: &Actor,
        person: &Person,
        known: &Known,
        address_key: Option<String>,
        places: Option<&mut Places>,
    ) -> Result<Judged> {
        let by_address = || address_key.as_ref().and_then(|key| known.by_address.get(key));
        let ongoing = known.by_person.get(&person.id).or_else(by_address).copied();
        let keys = suppression::keys_of(&person.fields.email);
        let past = known.past.get(&person.id).map_or(&[][..], Vec::as_slice);
        let candidate = Candidate {
            person,
            sequence: self.sequence.state,
            plan: &self.plan,
            mailbox: self.sender.mailbox(),
            asked_by: actor,
            actor_id: self.actor_id,
            ongoing,
            suppressed: keys.iter().find_map(|key| known.suppressed.get(key)),
            bounced_before: past
                .iter()
                .any(|past| past.bounced && past.address_key.is_some() && past.address_key == address_key),
        };
        if let Err(why) = may_enroll(&candidate) {
            return Ok(refused(person.id, ongoing.filter(|_| why.code == "already_active"), why));
        }
        let local = LocalSchedule::of(self.plan.schedule.as_ref(), person, self.actor_zone().as_ref(), &self.workspace);
        let start = start(&self.plan, self.start_step, self.start_at, &local);
        let company = person.fields.company_id.and_then(|id| known.companies.get(&id));
        let tags = self.missing_tags(person, company);
        let first_at = start.map(|(step, due)| self.first_at(step, due, &local, places));
        let outcome = if tags.is_empty() { Preflight::Starts } else { Preflight::WaitsForData { tags } };
        let was_enrolled_before = past.iter().any(|past| past.sequence_id == self.sequence.id);
        Ok(Judged {
            row: PreflightRow { person_id: person.id, outcome, first_at, was_enrolled_before },
            start,
            address_key,
        })
    }

    /// When the first step happens: an email in its window (and place in the lane), a task when it is due.
    fn first_at(&self, step: StepId, due: Timestamp, local: &LocalSchedule, places: Option<&mut Places>) -> Timestamp {
        if !self.plan.step(step).is_some_and(|step| step.action.is_automated_email()) {
            return due;
        }
        let from = due.max(self.now);
        match places {
            None => local.next_open(from, true).map_or(from, |opening| opening.at),
            Some(places) => places.take(self.sender.mailbox(), local, from, step),
        }
    }

    /// The zone of the rep on whose behalf it runs.
    pub(crate) fn actor_zone(&self) -> Option<TimeZone> {
        self.sender.user.as_ref().and_then(|user| relance_domain::time::zone(&user.time_zone))
    }

    /// The places of the mailbox as it is now.
    pub(crate) fn places(&self) -> Places {
        let last = self.sender.mailbox().and_then(|mailbox| mailbox.last_sent_at);
        Places { lane: Lane::new(self.sender.mailbox(), self.now, self.used_today, last), latest: None }
    }

    /// Tags without a value in any email from the first step on.
    fn missing_tags(&self, person: &Person, company: Option<&Person>) -> Vec<String> {
        let Some(probe) = &self.probe else { return Vec::new() };
        let correspondence = self.sender.correspondence(person, company);
        let values = correspondence.values("https://unsubscribe.invalid/");
        if probe.render(&values).is_ok_and(|rendered| rendered.missing.is_empty()) {
            return Vec::new();
        }
        let mut missing: Vec<String> = Vec::new();
        for texts in &self.texts {
            for tag in texts.render(&values, &[], None).map(|words| words.missing).unwrap_or_default() {
                if !missing.contains(&tag) {
                    missing.push(tag);
                }
            }
        }
        missing
    }
}

fn refused(person_id: PersonId, enrollment_id: Option<EnrollmentId>, why: Refused) -> Judged {
    let outcome = Preflight::Refused { code: why.code, message: why.message, enrollment_id };
    Judged {
        row: PreflightRow { person_id, outcome, first_at: None, was_enrolled_before: false },
        start: None,
        address_key: None,
    }
}
