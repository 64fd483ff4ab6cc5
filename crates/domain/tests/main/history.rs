//! A small engine in memory that runs random plans through random histories with `decide()`, `State::after` and
//! `DeliveryState::after`, and a judge beside it that knows the promises but none of the code that keeps them.

use crate::build::{at, email, enrollment, id, mailbox, open_task, person, plan, schedule, task, wait, workspace};
use jiff::{civil::Date, tz::TimeZone};
use proptest::prelude::*;
use relance_domain::{
    DeliveryId, EnrollmentId, StepId, Timestamp,
    decision::{Decision, Facts, decide, decision, task_due_at},
    delivery::{Delivery, DeliveryEvent, DeliveryState, retry_after_ms},
    enrolling,
    enrollment::{BlockReason, Enrollment, Event, FinishReason, PausedBy, State},
    mailbox::{Mailbox, MailboxState},
    person::Person,
    quota::SlotOrder,
    schedule::{Day, MinuteOfDay, Schedule, Window, WindowFor},
    sequence::Plan,
    step::{Step, TaskMode, Wait, WaitUnit},
    task::Task,
    time::{DAY, HOUR, MINUTE, SECOND},
    workspace::Workspace,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the world does between two turns.
#[derive(Debug, Clone)]
enum Happening {
    Pass(i64),
    Outage(i64),
    Reply(usize),
    Stop(usize),
    Pause(usize, Option<i64>),
    Resume(usize),
    Retry(usize),
    SendAgain(usize),
    Reschedule(usize, i64),
    FinishTask(usize),
    Quota(u32),
    Data(usize, bool),
    SequencePaused(bool),
    Mailbox(u8),
    NextAnswer(Answer),
    RemoveStep(usize),
    SwapSteps(usize, usize),
}

/// What the mail server does with the next email.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Accept,
    Defer,
    Refuse,
    /// The connection breaks after the dot; the flag is the truth nobody knows.
    Lose(bool),
}

/// One person's run, as an engine would store it.
struct Run {
    enrollment: Enrollment,
    deliveries: Vec<Delivery>,
    task: Option<Task>,
    missing: Vec<String>,
    emails_sent: u32,
    truth: Option<bool>,
    /// What the judge knows: when the last step was over and the wait that must pass before the current one.
    base: Option<(Timestamp, Wait)>,
    accepted: BTreeSet<(StepId, u32)>,
}

struct Model {
    now: Timestamp,
    plan: Plan,
    person: Person,
    workspace: Workspace,
    mailbox: Mailbox,
    runs: Vec<Run>,
    sequence_paused: bool,
    answer: Answer,
    last_slot_at: Option<Timestamp>,
    /// Hand-overs that count, by local date of the mailbox.
    used: BTreeMap<Date, u32>,
    worked_since: Timestamp,
    sends: usize,
}

impl Model {
    fn new(plan: Plan, zone: &str, people: usize, quota: u32, gap: u32) -> Self {
        let (mut person, mut mailbox) = (person(), mailbox());
        person.fields.time_zone = zone.to_owned();
        (mailbox.daily_quota, mailbox.min_gap_seconds) = (quota, gap);
        let now = at("2026-03-24T07:13:05[Europe/Berlin]");
        let mut model = Self {
            now,
            plan,
            person,
            workspace: workspace(),
            mailbox,
            runs: Vec::new(),
            sequence_paused: false,
            answer: Answer::Accept,
            last_slot_at: None,
            used: BTreeMap::new(),
            worked_since: now,
            sends: 0,
        };
        for n in 0..people {
            let facts_local = model.local();
            let (step, due) = enrolling::start(&model.plan, None, now, &facts_local).unwrap();
            let mut enrollment = enrollment(State::Active { step, due });
            enrollment.id = EnrollmentId::from_uuid(id(1_000 + n as u128));
            let base = Some((now, model.plan.steps[0].wait));
            model.runs.push(Run {
                enrollment,
                deliveries: Vec::new(),
                task: None,
                missing: Vec::new(),
                emails_sent: 0,
                truth: None,
                base,
                accepted: BTreeSet::new(),
            });
        }
        model
    }

    fn local(&self) -> relance_domain::calendar::LocalSchedule<'_> {
        relance_domain::calendar::LocalSchedule::of(self.plan.schedule.as_ref(), &self.person, None, &self.workspace)
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.person.fields.time_zone).unwrap()
    }

    fn day(&self) -> Date {
        self.now.zoned(&TimeZone::get(&self.mailbox.time_zone).unwrap()).date()
    }

    fn facts(&self, n: usize) -> Facts<'_> {
        let run = &self.runs[n];
        let step = run.enrollment.state.step();
        Facts {
            mailbox: Some(&self.mailbox),
            sequence_paused: self.sequence_paused,
            used_today: self.used.get(&self.day()).copied().unwrap_or(0),
            last_slot_at: self.last_slot_at,
            worked_since: Some(self.worked_since),
            open_task: run.task.as_ref().filter(|task| task.step_id == step),
            emails_sent: run.emails_sent,
            missing_tags: &run.missing,
            delivery: run.deliveries.iter().filter(|d| Some(d.step_id) == step).max_by_key(|d| d.generation),
            ..Facts::new(self.now, &run.enrollment, &self.plan, &self.person, &self.workspace)
        }
    }

    /// Applies an event that the machine allows; one that it refuses changes nothing.
    fn apply(&mut self, n: usize, event: Event) -> bool {
        match self.runs[n].enrollment.state.clone().after(event, self.now) {
            Ok(state) => {
                self.runs[n].enrollment.state = state;
                true
            }
            Err(_) => false,
        }
    }

    /// Applies what someone asks for and checks that a refusal says so and an end stays an end.
    fn attempt(&mut self, n: usize, event: Event) {
        let n = n % self.runs.len();
        let before = self.runs[n].enrollment.state.clone();
        if !self.apply(n, event) {
            assert_eq!(self.runs[n].enrollment.state, before);
        }
        assert!(before.is_ongoing() || self.runs[n].enrollment.state == before, "an end was undone");
    }

    /// One turn: decides for everyone in slot order and acts, until nothing more happens at this instant.
    fn turn(&mut self) {
        let mut order: Vec<usize> = (0..self.runs.len()).collect();
        order.sort_by_key(|n| {
            let run = &self.runs[*n].enrollment;
            let position = run.position(&self.plan) as u32;
            let due = run.state.due().unwrap_or(self.now);
            SlotOrder::new(
                run.moved_by_hand,
                self.runs[*n].emails_sent == 0,
                position,
                due,
                run.enrolled_at,
                person().id,
                run.id,
            )
        });
        for n in order {
            for _ in 0..10 {
                if !self.act(n) {
                    break;
                }
            }
        }
    }

    /// Acts on one decision; whether anything changed.
    fn act(&mut self, n: usize) -> bool {
        if !self.runs[n].enrollment.state.is_ongoing() {
            return false;
        }
        if let State::Paused { until: Some(until), .. } = self.runs[n].enrollment.state
            && until <= self.now
        {
            return self.apply(n, Event::Resumed);
        }
        let explained = decide(&self.facts(n));
        assert_eq!(explained.decision, decision(&self.facts(n)));
        assert!(!explained.sentence().is_empty() && !explained.releases().is_empty());
        assert!(explained.leaves_at.is_none_or(|at| at >= self.now), "{explained:?}");
        match explained.decision {
            Decision::Wait { until, .. } => {
                assert!(until.is_none_or(|until| until > self.now), "a wait that is over: {:?}", explained.rules);
                false
            }
            Decision::Block { reason, resumes_at } => {
                assert!(resumes_at.is_none_or(|at| at > self.now));
                let state = &self.runs[n].enrollment.state;
                let same = matches!(state, State::Blocked { reason: r, resumes_at: t, .. } if *r == reason && *t == resumes_at);
                assert!(same || self.apply(n, Event::Blocked { reason, resumes_at }));
                false
            }
            Decision::Finish { reason } => self.apply(n, Event::Ended { reason }),
            Decision::Skip { .. } => {
                self.runs[n].task = None;
                self.step_done(n)
            }
            Decision::CreateTask => {
                self.create_task(n);
                true
            }
            Decision::Send => {
                if matches!(self.runs[n].enrollment.state, State::Blocked { .. }) {
                    return self.apply(n, Event::Released);
                }
                self.send(n);
                true
            }
        }
    }

    fn create_task(&mut self, n: usize) {
        let step = self.current(n).clone();
        let text = step.action.task().expect("only task steps make tasks");
        assert!(self.runs[n].task.is_none(), "a second task for the same step");
        let rep = relance_domain::calendar::LocalSchedule::of_rep(self.plan.schedule.as_ref(), None, &self.workspace);
        let due = task_due_at(self.now, text, &rep);
        self.judge_wait(n);
        self.runs[n].task = Some(open_task(step.id, self.now, due));
        if text.mode == TaskMode::GoOn {
            self.runs[n].task = None;
            self.step_done(n);
        }
    }

    fn current(&self, n: usize) -> &Step {
        self.runs[n].enrollment.state.step().and_then(|step| self.plan.step(step)).expect("an ongoing run has a step")
    }

    fn step_done(&mut self, n: usize) -> bool {
        let step = self.runs[n].enrollment.state.step().expect("ongoing");
        self.runs[n].enrollment.done_steps.push(step);
        let next = enrolling::following(&self.plan, step, &self.runs[n].enrollment.done_steps, self.now, &self.local());
        self.runs[n].base = next.map(|(id, _)| (self.now, self.plan.step(id).unwrap().wait));
        assert!(self.apply(n, Event::StepDone { step, next }));
        true
    }

    fn send(&mut self, n: usize) {
        let step = self.current(n).id;
        let day = self.day();
        let generation = self.runs[n].deliveries.iter().filter(|d| d.step_id == step).map(|d| d.generation).max();
        let generation = generation.unwrap_or_else(|| self.new_delivery(n, step, 1));
        let now = self.now;
        let change = |model: &mut Self, event| {
            let delivery = model.delivery(n, step, generation);
            delivery.state = delivery.state.after(event, now).unwrap();
            delivery.state
        };
        change(self, DeliveryEvent::Claim { epoch: 1 });
        change(self, DeliveryEvent::Leave { epoch: 1 });
        self.judge_send(n, step);
        *self.used.entry(day).or_default() += 1;
        self.last_slot_at = Some(now);
        match std::mem::replace(&mut self.answer, Answer::Accept) {
            Answer::Accept => {
                change(self, DeliveryEvent::Accepted);
                self.accept(n, step, generation);
                self.runs[n].emails_sent += 1;
                self.step_done(n);
            }
            Answer::Defer => {
                let attempts = self.delivery(n, step, generation).attempts + 1;
                self.delivery(n, step, generation).attempts = attempts;
                change(self, DeliveryEvent::Deferred { until: now.plus_ms(retry_after_ms(attempts)) });
                *self.used.entry(day).or_default() -= 1;
            }
            Answer::Refuse => {
                change(self, DeliveryEvent::Refused);
                *self.used.entry(day).or_default() -= 1;
                let reason = BlockReason::RecipientRefused { smtp: "550".into() };
                assert!(self.apply(n, Event::Blocked { reason, resumes_at: None }));
            }
            Answer::Lose(arrived) => {
                change(self, DeliveryEvent::LostTrack);
                if arrived {
                    self.accept(n, step, generation);
                }
                self.runs[n].truth = Some(arrived);
                assert!(self.apply(n, Event::Blocked { reason: BlockReason::DeliveryUncertain, resumes_at: None }));
            }
        }
    }

    /// Promise: per person, step and generation at most one message is accepted.
    fn accept(&mut self, n: usize, step: StepId, generation: u32) {
        assert!(self.runs[n].accepted.insert((step, generation)), "sent twice: {step} {generation}");
        self.sends += 1;
    }

    fn new_delivery(&mut self, n: usize, step: StepId, generation: u32) -> u32 {
        let enrollment_id = self.runs[n].enrollment.id;
        self.runs[n].deliveries.push(Delivery {
            id: DeliveryId::from_uuid(id(1)),
            enrollment_id,
            person_id: self.person.id,
            step_id: step,
            generation,
            mailbox_id: self.mailbox.id,
            state: DeliveryState::Planned,
            message_id: String::new(),
            recipient: String::new(),
            subject: String::new(),
            html: String::new(),
            text: String::new(),
            attachments: Vec::new(),
            in_reply_to: None,
            references: Vec::new(),
            smtp_reply: None,
            attempts: 0,
            created_at: self.now,
        });
        generation
    }

    fn delivery(&mut self, n: usize, step: StepId, generation: u32) -> &mut Delivery {
        let found = |d: &&mut Delivery| d.step_id == step && d.generation == generation;
        self.runs[n].deliveries.iter_mut().find(found).unwrap()
    }

    /// The promises about one email that leaves now, judged without the calendar.
    fn judge_send(&self, n: usize, step: StepId) {
        let run = &self.runs[n];
        assert!(matches!(run.enrollment.state, State::Active { .. }), "sent while {}", run.enrollment.state.word());
        assert!(!self.sequence_paused, "sent while paused");
        assert!(run.missing.is_empty(), "sent without its data");
        assert!(!run.enrollment.done_steps.contains(&step), "a step that was done");
        let used = self.used.get(&self.day()).copied().unwrap_or(0);
        assert!(used < self.mailbox.daily_quota, "over the quota");
        if let Some(last) = self.last_slot_at {
            assert!(self.now.since(last) >= i64::from(self.mailbox.min_gap_seconds) * SECOND, "nearer than the gap");
        }
        if let Some(schedule) = &self.plan.schedule {
            let local = self.now.zoned(&self.zone());
            let minute = local.hour() as u16 * 60 + local.minute() as u16;
            let only = if run.emails_sent == 0 { WindowFor::First } else { WindowFor::FollowUp };
            let open = |window: &Window| {
                (window.only == WindowFor::All || window.only == only)
                    && (window.from.minutes()..window.to.minutes()).contains(&minute)
            };
            assert!(schedule.windows.iter().any(open), "outside the window at {local}");
            assert!(schedule.days.contains(&Day::of(local.weekday())), "not a sending day: {local}");
            assert!(!schedule.holidays.contains(&local.date().into()), "a holiday: {local}");
        }
        self.judge_wait(n);
    }

    /// Promise: never nearer to the step before than the wait.
    fn judge_wait(&self, n: usize) {
        let Some((base, wait)) = self.runs[n].base else { return };
        let amount = i64::from(wait.amount);
        let elapsed = self.now.since(base);
        let (from, to) = (base.zoned(&self.zone()).date(), self.now.zoned(&self.zone()).date());
        let counts = |day: &Date| match &self.plan.schedule {
            Some(schedule) => {
                schedule.days.contains(&Day::of(day.weekday())) && !schedule.holidays.contains(&(*day).into())
            }
            None => day.weekday().to_monday_zero_offset() < 5,
        };
        let days = |counts: &dyn Fn(&Date) -> bool| {
            from.series(jiff::Span::new().days(1)).skip(1).take_while(|day| *day <= to).filter(counts).count() as i64
        };
        let kept = match wait.unit {
            WaitUnit::Minutes => elapsed >= amount * MINUTE,
            WaitUnit::Hours => elapsed >= amount * HOUR,
            WaitUnit::Days => days(&|_| true) >= amount,
            WaitUnit::BusinessDays => days(&counts) >= amount,
        };
        assert!(kept, "nearer than the wait {} from {base} to {}", wait.words(), self.now);
    }

    fn happen(&mut self, happening: &Happening) {
        let people = self.runs.len();
        match *happening {
            Happening::Pass(ms) => self.now = self.now.plus_ms(ms),
            Happening::Outage(ms) => {
                self.now = self.now.plus_ms(ms);
                self.worked_since = self.now;
            }
            Happening::Reply(n) => self.attempt(n, Event::Ended { reason: FinishReason::Replied }),
            Happening::Stop(n) => self.attempt(n, Event::Ended { reason: FinishReason::Stopped { by: None } }),
            Happening::Pause(n, until) => {
                let until = until.map(|ms| self.now.plus_ms(ms));
                self.attempt(n, Event::Paused { until, by: PausedBy::Person });
            }
            Happening::Resume(n) => self.attempt(n, Event::Resumed),
            Happening::Retry(n) => self.retry(n % people),
            Happening::SendAgain(n) => self.resolve(n % people),
            Happening::Reschedule(n, ms) => {
                let due = self.now.plus_ms(ms);
                if self.apply(n % people, Event::Rescheduled { due }) {
                    self.runs[n % people].base = None;
                }
            }
            Happening::FinishTask(n) => {
                let run = &mut self.runs[n % people];
                let step = run.enrollment.state.step();
                if run.task.take_if(|task| task.step_id == step).is_some() {
                    self.step_done(n % people);
                }
            }
            Happening::Quota(quota) => self.mailbox.daily_quota = quota,
            Happening::Data(n, there) => {
                self.runs[n % people].missing = if there { Vec::new() } else { vec!["person.industry".into()] };
            }
            Happening::SequencePaused(paused) => self.sequence_paused = paused,
            Happening::Mailbox(kind) => {
                let (since, message) = (self.now, String::new());
                self.mailbox.state = match kind {
                    0 => MailboxState::Paused,
                    1 => MailboxState::Unreachable { since, message },
                    2 => MailboxState::AuthFailed { since, message },
                    _ => MailboxState::Connected,
                };
            }
            Happening::NextAnswer(answer) => self.answer = answer,
            Happening::RemoveStep(index) if self.plan.steps.len() > 1 => {
                self.plan.steps.remove(index % self.plan.steps.len());
            }
            Happening::RemoveStep(_) => {}
            Happening::SwapSteps(a, b) => {
                let steps = self.plan.steps.len();
                self.plan.steps.swap(a % steps, b % steps);
            }
        }
    }

    /// *Retry* by a person: releases, and a refused email begins a new generation.
    fn retry(&mut self, n: usize) {
        let State::Blocked { reason, step, .. } = self.runs[n].enrollment.state.clone() else { return };
        if !reason.retryable() || !self.apply(n, Event::Released) {
            return;
        }
        let last = self.runs[n].deliveries.iter().filter(|d| d.step_id == step).max_by_key(|d| d.generation);
        if let Some(generation) = last.filter(|d| d.state == DeliveryState::Refused).map(|d| d.generation) {
            self.new_delivery(n, step, generation + 1);
        }
    }

    /// A person looked after an uncertain email: it had left, or it is sent again as a new generation.
    fn resolve(&mut self, n: usize) {
        let State::Blocked { reason: BlockReason::DeliveryUncertain, step, .. } = self.runs[n].enrollment.state else {
            return;
        };
        let Some(arrived) = self.runs[n].truth.take() else { return };
        let now = self.now;
        let uncertain = |d: &&mut Delivery| matches!(d.state, DeliveryState::Uncertain { .. });
        let delivery = self.runs[n].deliveries.iter_mut().find(uncertain).unwrap();
        let event = if arrived { DeliveryEvent::FoundSent } else { DeliveryEvent::FoundNotSent };
        delivery.state = delivery.state.after(event, now).unwrap();
        assert_eq!(delivery.step_id, step);
        let generation = delivery.generation + 1;
        if arrived {
            self.runs[n].emails_sent += 1;
            self.step_done(n);
        } else {
            self.new_delivery(n, step, generation);
            assert!(self.apply(n, Event::Released));
        }
    }
}

fn waits() -> impl Strategy<Value = Wait> {
    prop_oneof![
        Just(Wait::IMMEDIATELY),
        (1..90_u32).prop_map(|n| wait(n, WaitUnit::Minutes)),
        (1..30_u32).prop_map(|n| wait(n, WaitUnit::Hours)),
        (1..4_u32).prop_map(|n| wait(n, WaitUnit::Days)),
        (1..4_u32).prop_map(|n| wait(n, WaitUnit::BusinessDays)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mode = prop_oneof![
        Just(None),
        Just(None),
        Just(None),
        Just(Some(TaskMode::Wait)),
        Just(Some(TaskMode::WaitUntilOverdue)),
        Just(Some(TaskMode::GoOn))
    ];
    prop::collection::vec((waits(), mode), 1..6).prop_map(|steps| {
        let step = |(n, (wait, mode)): (usize, (Wait, Option<TaskMode>))| match mode {
            None => email(n as u128 + 1, wait),
            Some(mode) => task(n as u128 + 1, wait, mode),
        };
        steps.into_iter().enumerate().map(step).collect()
    })
}

fn schedules() -> impl Strategy<Value = Option<Schedule>> {
    let minute = |n: u16| MinuteOfDay::new(n / 60, n % 60).unwrap();
    let windows = (
        0..1_380_u16,
        1..600_u16,
        prop_oneof![Just(WindowFor::All), Just(WindowFor::First), Just(WindowFor::FollowUp)],
    )
        .prop_map(move |(from, length, only)| Window {
            from: minute(from),
            to: minute((from + length).min(1_440)),
            only,
        });
    let days = prop::sample::subsequence(Day::ALL.to_vec(), 1..=7);
    let holidays = prop::collection::vec(0..30_i64, 0..4).prop_map(|days| {
        days.into_iter()
            .map(|n| at("2026-03-24T00:00[UTC]").plus_ms(n * DAY).zoned(&TimeZone::UTC).date().into())
            .collect()
    });
    let some = (days, prop::collection::vec(windows, 1..4), holidays)
        .prop_map(|(days, windows, holidays)| Some(Schedule { holidays, ..schedule(&days, windows) }));
    prop_oneof![1 => Just(None), 5 => some]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    use Happening as H;
    let answer = prop_oneof![
        Just(Answer::Accept),
        Just(Answer::Defer),
        Just(Answer::Refuse),
        any::<bool>().prop_map(Answer::Lose)
    ];
    let happening = prop_oneof![
        10 => (1..4 * DAY).prop_map(H::Pass),
        10 => (1..3 * HOUR).prop_map(H::Pass),
        6 => (1..2 * MINUTE).prop_map(H::Pass),
        1 => (10 * DAY..60 * DAY).prop_map(H::Pass),
        1 => (HOUR..20 * DAY).prop_map(H::Outage),
        1 => (0..9_usize).prop_map(H::Reply),
        1 => (0..9_usize).prop_map(H::Stop),
        2 => (0..9_usize, prop::option::of(1..5 * DAY)).prop_map(|(n, until)| H::Pause(n, until)),
        3 => (0..9_usize).prop_map(H::Resume),
        3 => (0..9_usize).prop_map(H::Retry),
        3 => (0..9_usize).prop_map(H::SendAgain),
        1 => (0..9_usize, 0..5 * DAY).prop_map(|(n, ms)| H::Reschedule(n, ms)),
        5 => (0..9_usize).prop_map(H::FinishTask),
        1 => (0..6_u32).prop_map(H::Quota),
        2 => (0..9_usize, any::<bool>()).prop_map(|(n, there)| H::Data(n, there)),
        1 => any::<bool>().prop_map(H::SequencePaused),
        1 => (0..6_u8).prop_map(H::Mailbox),
        3 => answer.prop_map(H::NextAnswer),
        1 => (0..9_usize).prop_map(H::RemoveStep),
        1 => (0..9_usize, 0..9_usize).prop_map(|(a, b)| H::SwapSteps(a, b)),
    ];
    prop::collection::vec(happening, 1..70)
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Europe/Lisbon",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Chatham",
        "UTC",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_breaks_a_promise(
        steps in steps(),
        schedule in schedules(),
        zone in zones(),
        people in 1..5_usize,
        quota in 1..6_u32,
        gap in prop_oneof![Just(0_u32), 1..3_600_u32],
        happenings in happenings(),
    ) {
        let mut model = Model::new(plan(steps, schedule), zone, people, quota, gap);
        model.turn();
        for happening in &happenings {
            model.happen(happening);
            model.turn();
        }
    }

    #[test]
    fn undisturbed_everyone_gets_every_email_once_and_is_done(
        steps in steps(),
        schedule in schedules(),
        zone in zones(),
        people in 1..4_usize,
        gap in 0..600_u32,
    ) {
        // With a schedule that never opens for one kind of email there is nothing to promise.
        prop_assume!(schedule.as_ref().is_none_or(|schedule| schedule.check().is_ok()));
        let emails = steps.iter().filter(|step| step.action.is_automated_email()).count();
        let mut model = Model::new(plan(steps, schedule), zone, people, 2, gap);
        for _ in 0..2_000 {
            model.turn();
            for n in 0..people {
                model.happen(&Happening::FinishTask(n));
            }
            if model.runs.iter().all(|run| !run.enrollment.state.is_ongoing()) {
                break;
            }
            model.now = model.next_wake();
        }
        for run in &model.runs {
            let done = matches!(run.enrollment.state, State::Finished { reason: FinishReason::Completed, .. });
            prop_assert!(done, "not done: {:?}", run.enrollment.state);
        }
        prop_assert_eq!(model.sends, emails * people);
    }
}

impl Model {
    /// The next instant at which a decision asked to be asked again: the clock needs no other hint.
    fn next_wake(&self) -> Timestamp {
        let wakes = (0..self.runs.len()).filter_map(|n| match decision(&self.facts(n)) {
            Decision::Wait { until, .. } => until,
            Decision::Block { resumes_at, .. } => resumes_at,
            Decision::Finish { .. } => None,
            Decision::Send | Decision::CreateTask | Decision::Skip { .. } => Some(self.now),
        });
        wakes.min().unwrap_or(self.now.plus_ms(HOUR))
    }
}
