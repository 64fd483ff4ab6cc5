//! What an enrollment is judged on: loaded once for the request, then set-based for its people.
//!
//! Preflight, enrolling one, enrolling many and the job share it, so that the check and the act cannot disagree.

use super::{
    access,
    preflight::{EnrollRequest, Preflight, PreflightRow},
    teams,
    words::Sender,
};
use crate::{Engine, Result, rendering::Texts};
use jiff::tz::TimeZone;
use relance_domain::{
    EnrollmentId, PersonId, Refused, StepId, Timestamp, UserId, VersionId,
    calendar::LocalSchedule,
    enrolling::{Candidate, may_enroll, start},
    forecast::NewEnrollment,
    merge::{self, Compiled, Format},
    person::{Person, email_key},
    quota,
    sequence::{Plan, Sequence, SequenceState, UsableBy},
    suppression::{self, Suppression},
    user::Actor,
    workspace::Workspace,
};
use relance_storage::{
    Tx,
    enrollment_lookups::{self, Past},
    enrollments, mailbox_days, people,
    sending::InThread,
    sequences, suppressions,
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
    pub(crate) now: Timestamp,
    /// Whoever asks may use this sequence.
    may_use: bool,
    texts: Vec<(StepId, Texts)>,
    /// Every tag of the texts in one text: nothing missing here, nothing missing anywhere.
    probe: Option<Compiled>,
}

/// One person judged.
pub(crate) struct Judged {
    pub(crate) row: PreflightRow,
    pub(crate) start: Option<(StepId, Timestamp)>,
    pub(crate) address_key: Option<String>,
    /// Steps whose emails lack values, with the tags.
    pub(crate) missing: Vec<(StepId, Vec<String>)>,
}

impl Engine {
    /// Loads what holds for everyone in the request; refused where the request itself makes no sense.
    pub(crate) async fn ground(&self, tx: &mut Tx, actor: &Actor, request: &EnrollRequest) -> Result<Ground> {
        let sequence = access::sequence(tx, request.sequence_id).await?;
        self.ground_in(tx, actor, request, sequence).await
    }

    /// As [`Engine::ground`], in this sequence.
    pub(crate) async fn ground_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        request: &EnrollRequest,
        sequence: Sequence,
    ) -> Result<Ground> {
        let now = self.now();
        let version = match sequence.version_id.filter(|_| sequence.state != SequenceState::Draft) {
            Some(id) => sequences::find_version(tx, id).await?,
            None => None,
        };
        let (version_id, plan) = version.map_or_else(|| (None, sequence.draft.clone()), |v| (Some(v.id), v.plan));
        let actor_id = request.actor_id.or(actor.user_id());
        let nobody = || Refused::at("actor_id", "required", "Say on whose behalf the sequence runs.");
        let actor_id = actor_id.ok_or_else(nobody)?;
        access::active_user(tx, actor_id, "actor_id").await?;
        let sender = self.sender_of(tx, Some(actor_id), request.mailbox_id).await?;
        let may_use = may_use(tx, actor, &sequence).await?;
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
        let emails = plan.steps.iter().skip(from).filter_map(|step| Some((step.id, step.action.email()?)));
        let compiled = emails.clone().filter_map(|(step, email)| Some((step, Texts::compile(email).ok()?)));
        let texts: Vec<(StepId, Texts)> = compiled.collect();
        let mut tags: Vec<String> = Vec::new();
        for (_, email) in emails {
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
            may_use,
            texts,
            probe,
            sequence,
        })
    }
}

/// Whether an actor may enroll people in a sequence.
async fn may_use(tx: &mut Tx, actor: &Actor, sequence: &Sequence) -> Result<bool> {
    let team = match actor.user_id() {
        Some(id) if sequence.usable_by != UsableBy::Everyone => access::user(tx, id).await?.team_id,
        _ => None,
    };
    Ok(sequence.usable_by.allows(actor, team))
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
    /// Judges these people, in the order given.
    pub(crate) async fn judge(&self, tx: &mut Tx, actor: &Actor, ids: &[PersonId]) -> Result<Vec<Judged>> {
        let mut known = Known::load(tx, self, ids).await?;
        let sight = teams::sight(tx, actor).await?;
        known.people.retain(|_, person| sight.sees(person.fields.owner_id));
        let actor_zone = self.actor_zone();
        let (mut seen, mut addresses) = (HashSet::new(), HashSet::new());
        let mut judged = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(person) = known.people.get(id) else {
                judged.push(refused(*id, None, Refused::new("not_found", "This person no longer exists.")));
                continue;
            };
            let address_key = email_key(&person.fields.email).filter(|_| self.plan.has_email());
            let row = self.judge_one(actor, person, &known, address_key.clone(), actor_zone.as_ref());
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
        actor_zone: Option<&TimeZone>,
    ) -> Judged {
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
            may_use: self.may_use,
            ongoing,
            suppressed: keys.iter().find_map(|key| known.suppressed.get(key)),
            bounced_before: past
                .iter()
                .any(|past| past.bounced && past.address_key.is_some() && past.address_key == address_key),
        };
        if let Err(why) = may_enroll(&candidate) {
            return refused(person.id, ongoing.filter(|_| why.code == "already_active"), why);
        }
        let local = LocalSchedule::of(self.plan.schedule.as_ref(), person, actor_zone, &self.workspace);
        let start = start(&self.plan, self.start_step, self.start_at, &local);
        let company = person.fields.company_id.and_then(|id| known.companies.get(&id));
        let missing = self.missing(person, company);
        let mut tags: Vec<String> = Vec::new();
        for tag in missing.iter().flat_map(|(_, tags)| tags) {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        let first_at = start.map(|(step, due)| self.first_at(step, due, &local));
        let outcome = if tags.is_empty() { Preflight::Starts } else { Preflight::WaitsForData { tags } };
        let was_enrolled_before = past.iter().any(|past| past.sequence_id == self.sequence.id);
        Judged {
            row: PreflightRow { person_id: person.id, outcome, first_at, was_enrolled_before },
            start,
            address_key,
            missing,
        }
    }

    /// When the first step happens if nobody else is in the mailbox: an email in its window, a task when it is due.
    fn first_at(&self, step: StepId, due: Timestamp, local: &LocalSchedule) -> Timestamp {
        if !self.plan.step(step).is_some_and(|step| step.action.is_automated_email()) {
            return due;
        }
        let from = due.max(self.now);
        local.next_open(from, true).map_or(from, |opening| opening.at)
    }

    /// The zone of the rep on whose behalf it runs.
    pub(crate) fn actor_zone(&self) -> Option<TimeZone> {
        self.sender.user.as_ref().and_then(|user| relance_domain::time::zone(&user.time_zone))
    }

    /// What is known of someone before it is enrolled.
    pub(crate) fn newcomer<'a>(&'a self, person: &'a Person, missing_tags: &'a [String]) -> NewEnrollment<'a> {
        NewEnrollment {
            now: self.now,
            plan: &self.plan,
            person,
            mailbox: self.sender.mailbox(),
            workspace: &self.workspace,
            actor_zone: self.actor_zone(),
            start_at: Some(self.start_at),
            start_step: self.start_step,
            used_today: self.used_today,
            last_slot_at: self.sender.mailbox().and_then(|mailbox| mailbox.last_sent_at),
            suppressed: None,
            missing_tags,
        }
    }

    /// Tags without a value in the emails from the first step on, by step.
    fn missing(&self, person: &Person, company: Option<&Person>) -> Vec<(StepId, Vec<String>)> {
        let Some(probe) = &self.probe else { return Vec::new() };
        let correspondence = self.sender.correspondence(person, company);
        let values = correspondence.values("https://unsubscribe.invalid/");
        if probe.render(&values).is_ok_and(|rendered| rendered.missing.is_empty()) {
            return Vec::new();
        }
        let mut thread: Vec<InThread> = Vec::new();
        let mut missing = Vec::new();
        for (step, texts) in &self.texts {
            let tags = texts.render(&values, &thread, None).map(|words| words.missing).unwrap_or_default();
            if !tags.is_empty() {
                missing.push((*step, tags));
            }
            thread.push(InThread::planned(String::new()));
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
        missing: Vec::new(),
    }
}
