//! What the engine does without faults is what the forecast said, to the millisecond, in random worlds.

use super::*;
use relance_domain::{
    MailboxId, Timestamp,
    enrollment::{Event, PausedBy, State},
    holidays::HolidayChoice,
    mailbox::{Away, Provider},
    schedule::{Day, MinuteOfDay, Schedule, ScheduleZone, Window, WindowFor},
    task::TaskState,
    time::{DAY, HOUR, MINUTE},
};
use relance_engine::commands::mailboxes::{NewMailbox, NewRampUp};
use std::collections::BTreeMap;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }
}

const ZONES: [&str; 4] = ["Europe/Lisbon", "America/New_York", "Asia/Tokyo", "Europe/Paris"];

fn minute(text: &str) -> MinuteOfDay {
    MinuteOfDay::parse(text).expect("a time of day")
}

fn random_schedule(dice: &mut Dice) -> Option<Schedule> {
    let window = |from: &str, to: &str, only| Window { from: minute(from), to: minute(to), only };
    let windows = match dice.below(4) {
        0 => return None,
        1 => vec![window("09:00", "17:00", WindowFor::All)],
        2 => vec![window("09:00", "10:30", WindowFor::First), window("13:00", "16:00", WindowFor::FollowUp)],
        _ => vec![window("01:30", "03:30", WindowFor::All), window("20:00", "24:00", WindowFor::FollowUp)],
    };
    let days = if dice.below(2) == 0 { Day::ALL[..5].to_vec() } else { Day::ALL.to_vec() };
    let time_zone = dice.one(&[ScheduleZone::Person, ScheduleZone::Actor, ScheduleZone::Named("Asia/Tokyo".into())]);
    Some(Schedule { days, windows, time_zone, holidays: vec![HolidayChoice::parse("2026-03-30")] })
}

fn random_steps(world: &World, dice: &mut Dice) -> Vec<Step> {
    let steps = (0..=1 + dice.below(3)).map(|n| {
        let unit = dice.one(&[WaitUnit::Minutes, WaitUnit::Hours, WaitUnit::Days, WaitUnit::BusinessDays]);
        let amount = if dice.below(3) == 0 { 0 } else { 1 + dice.below(2) as u32 };
        let id = world.engine.new_step_id();
        let wait = Wait { amount, unit };
        let email = EmailText {
            subject: format!("Step {n}"),
            body_text: if dice.below(10) == 0 { "For {{ person.industry }}" } else { "Hello" }.into(),
            ..EmailText::default()
        };
        let task = TaskText {
            kind: TaskKind::Call,
            content: "Call".into(),
            due_in_days: dice.below(2) as u32,
            mode: dice.one(&[TaskMode::Wait, TaskMode::GoOn, TaskMode::WaitUntilOverdue]),
            overdue_days: 1,
        };
        let action = match dice.below(7) {
            0 => Action::Task { task },
            // Who sends by hand has the data, or writes around it: the forecast takes it for sent when it is due.
            1 => Action::ManualEmail {
                email: EmailText { body_text: "Hello".into(), ..email },
                task: TaskText { mode: TaskMode::Wait, ..task },
            },
            _ => Action::AutomatedEmail { email },
        };
        Step { id, wait, action }
    });
    steps.collect()
}

/// Sometimes a day or two without sending, soon.
fn random_away(world: &World, dice: &mut Dice) -> Vec<Away> {
    let today = world.engine.now().zoned(&jiff::tz::TimeZone::UTC).date();
    let day = |days: u64| today.saturating_add(jiff::Span::new().days(i64::try_from(days).expect("a few")));
    let from = 1 + dice.below(4);
    let to = from + dice.below(2);
    (dice.below(2) == 0).then(|| Away { from: day(from), to: day(to) }).into_iter().collect()
}

async fn random_mailbox(world: &World, dice: &mut Dice, n: usize) -> MailboxId {
    let new = NewMailbox {
        user_id: world.actor.user_id(),
        address: format!("rep{n}@world.test"),
        from_name: "Rep".to_owned(),
        provider: Provider::Sandbox,
        smtp: None,
        imap: None,
        aliases: Vec::new(),
        signature_html: String::new(),
        time_zone: dice.one(&ZONES).to_owned(),
        daily_quota: Some(1 + dice.below(4) as u32),
        min_gap_seconds: Some(dice.one(&[0, 60, 600, 5_400])),
        jitter_percent: Some(dice.one(&[0, 50, 100])),
        ramp_up: (dice.below(3) == 0).then_some(NewRampUp { first_day_quota: 1, daily_increase: 1, started_on: None }),
        watched_folders: Vec::new(),
        away: random_away(world, dice),
        check: false,
    };
    world.engine.connect_mailbox(&world.actor, new).await.expect("connected").id
}

/// What happened to one step: its email left, or its task was created.
type Happened = BTreeMap<(EnrollmentId, StepId), Timestamp>;

async fn forecast(world: &World, mailboxes: &[MailboxId]) -> Happened {
    let mut tx = world.engine.store.read().await.expect("a view");
    let future = world.engine.future(&mut tx, mailboxes, &[], 1_000).await.expect("loaded").expect("a workspace");
    let found = future.forecast(None, Vec::new());
    let mut planned = BTreeMap::new();
    for (place, steps) in found.steps.iter().enumerate() {
        let id = future.at(place).expect("an enrollment");
        for step in steps {
            if let Some(at) = step.planned_at {
                planned.insert((id, step.step_id), at);
            }
        }
    }
    planned
}

/// Tasks whose time has come are done; how many.
async fn do_due_tasks(world: &World, enrollments: &[EnrollmentId]) -> usize {
    let now = world.engine.now();
    let mut tx = world.engine.store.read().await.expect("a view");
    let tasks = storage::tasks::of_enrollments(&mut tx, enrollments).await.expect("tasks");
    drop(tx);
    let mut done = 0;
    for task in tasks.iter().filter(|task| task.state == TaskState::Open && task.due_at <= now) {
        world.engine.complete_task(&world.actor, task.id).await.expect("done");
        done += 1;
    }
    done
}

async fn next_task(world: &World, enrollments: &[EnrollmentId]) -> Option<Timestamp> {
    let mut tx = world.engine.store.read().await.expect("a view");
    let tasks = storage::tasks::of_enrollments(&mut tx, enrollments).await.expect("tasks");
    tasks.iter().filter(|task| task.state == TaskState::Open).map(|task| task.due_at).min()
}

/// Everything of this instant: what wakes up and what people do, then what is sent, until nothing is left.
async fn do_instant(world: &mut World, enrollments: &[EnrollmentId]) {
    loop {
        loop {
            let done = do_due_tasks(world, enrollments).await;
            if done + world.engine.wake_due().await.expect("woken") == 0 {
                break;
            }
        }
        world.run_due().await;
        if do_due_tasks(world, enrollments).await == 0 {
            break;
        }
    }
}

async fn live(world: &mut World, enrollments: &[EnrollmentId], until: Timestamp) {
    loop {
        do_instant(world, enrollments).await;
        let now = world.engine.now();
        let next = world.engine.next_due().await.expect("what is next");
        let task = next_task(world, enrollments).await.filter(|at| *at > now);
        let Some(next) = next.into_iter().chain(task).min().filter(|next| *next <= until) else { break };
        world.engine.clock.advance(next.since(now).max(1));
    }
}

async fn happened(world: &World, enrollments: &[EnrollmentId], since: Timestamp) -> Happened {
    let mut found = BTreeMap::new();
    let mut tx = world.engine.store.read().await.expect("a view");
    for id in enrollments {
        for delivery in storage::deliveries::of_enrollment(&mut tx, *id).await.expect("deliveries") {
            if let DeliveryState::Sent { at } = delivery.state {
                found.insert((*id, delivery.step_id), at);
            }
        }
    }
    // The email of a manual step is told of when its task is created, unless that was before.
    let tasks = storage::tasks::of_enrollments(&mut tx, enrollments).await.expect("tasks");
    for task in tasks.into_iter().filter(|task| task.created_at > since) {
        let id = task.enrollment_id.expect("of a sequence");
        found.insert((id, task.step_id.expect("of a step")), task.created_at);
    }
    found
}

async fn random_world(seed: u64) -> (World, Vec<MailboxId>, Vec<EnrollmentId>) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
    let dice = &mut dice;
    let starts = ["2026-03-27T10:00[Europe/Paris]", "2026-10-23T16:59[Europe/Paris]", "2026-11-23T23:50[Europe/Paris]"];
    let mut world = World::at(dice.one(&starts), &[]).await;
    let mut mailboxes = Vec::new();
    for n in 0..=dice.below(2) as usize {
        mailboxes.push(random_mailbox(&world, dice, n).await);
    }
    let mut sequences = Vec::new();
    for _ in 0..=dice.below(3) {
        let steps = random_steps(&world, dice);
        let plan = Plan { steps, schedule: random_schedule(dice), ..Plan::default() };
        sequences.push(world.sequence(plan).await);
    }
    let mut enrollments = Vec::new();
    for n in 0..6 + dice.below(14) {
        let fields = Fields {
            last_name: format!("Person {n}"),
            email: format!("p{n}@prospect.test"),
            time_zone: dice.one(&ZONES).into(),
            industry: if dice.below(2) == 0 { "Cold" } else { "" }.into(),
            ..Fields::default()
        };
        let person = lead(&world, fields).await;
        let request = EnrollRequest {
            mailbox_id: Some(dice.one(&mailboxes)),
            start_at: Some(world.engine.now().plus_ms(dice.below(3 * 24 * 60) as i64 * MINUTE)),
            ..EnrollRequest::new(dice.one(&sequences), vec![person.id])
        };
        let enrollment = world.engine.enroll(&world.actor, &request).await.expect("enrolled");
        enrollments.push(enrollment.id);
        if dice.below(6) == 0 {
            let until = world.engine.now().plus_ms((1 + dice.below(48) as i64) * HOUR);
            world.engine.pause(&world.actor, enrollment.id, Some(until)).await.expect("paused");
        }
    }
    (world, mailboxes, enrollments)
}

async fn the_engine_does_what_was_forecast(seed: u64) {
    let (mut world, mailboxes, enrollments) = random_world(seed).await;
    let start = world.engine.now();
    let mut dice = Dice(seed ^ 0xabcdef);
    // From the first instant, and again from the middle of it all.
    for days in [0, 1 + dice.below(4) as i64] {
        live(&mut world, &enrollments, start.plus_ms(days * DAY)).await;
        let now = world.engine.now();
        let planned = forecast(&world, &mailboxes).await;
        let expected: Happened = planned.iter().filter(|(_, at)| **at > now).map(|(key, at)| (*key, *at)).collect();
        if days == 0 {
            continue;
        }
        live(&mut world, &enrollments, start.plus_ms(120 * DAY)).await;
        let found = happened(&world, &enrollments, now).await;
        // A task that is open now is told of when it was created; the email it sends is not told of twice.
        let is_new = |key: &(EnrollmentId, StepId)| planned.get(key).is_none_or(|at| *at > now);
        let after: Happened = found.into_iter().filter(|(key, at)| *at > now && is_new(key)).collect();
        for (key, at) in &expected {
            assert_eq!(after.get(key), Some(at), "seed {seed}: {key:?} was forecast for {}", at.rfc3339());
        }
        assert_eq!(after.len(), expected.len(), "seed {seed}: something happened that was not forecast");
    }
}

#[tokio::test]
async fn in_random_worlds_everything_happens_when_it_was_forecast() {
    for seed in 0..8 {
        the_engine_does_what_was_forecast(seed).await;
    }
}

#[tokio::test]
async fn in_other_random_worlds_everything_happens_when_it_was_forecast() {
    for seed in 100..107 {
        the_engine_does_what_was_forecast(seed).await;
    }
}

#[tokio::test]
async fn what_is_forecast_before_enrolling_is_what_happens_after_it() {
    for seed in [201, 202, 203] {
        let (mut world, mailboxes, mut enrollments) = random_world(seed).await;
        let steps = random_steps(&world, &mut Dice(seed));
        let sequence = world.sequence(plan(steps)).await;
        let mut people = Vec::new();
        for n in 0..9 {
            people.push(lead(&world, named("", &format!("New {n}"), &format!("new{n}@prospect.test"))).await.id);
        }
        let request = EnrollRequest { mailbox_id: Some(mailboxes[0]), ..EnrollRequest::new(sequence, people) };
        let (rows, days) = world
            .engine
            .preflight_rows(&world.actor, &request, relance_engine::commands::enroll::OnMissing::Start)
            .await
            .expect("judged");
        let mut enrolled = BTreeMap::new();
        for person in &request.person_ids {
            let one = EnrollRequest { person_ids: vec![*person], ..request.clone() };
            let id = world.engine.enroll(&world.actor, &one).await.expect("enrolled").id;
            enrolled.insert(*person, id);
            enrollments.push(id);
        }
        let end = world.engine.now().plus_ms(120 * DAY);
        live(&mut world, &enrollments, end).await;
        let found = happened(&world, &enrollments, Timestamp::from_ms(0)).await;
        for row in &rows {
            let id = enrolled[&row.person_id];
            let first = found.iter().filter(|((of, _), _)| *of == id).map(|(_, at)| *at).min();
            assert_eq!(row.first_at, first, "seed {seed}");
        }
        assert!(
            days.days.iter().all(|day| day.planned + day.first + day.follow_up <= days.quota),
            "seed {seed}: {days:?}"
        );
    }
}

#[tokio::test]
async fn the_dates_of_a_pause_are_told_before_it_and_come_true() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[0, 3, 2]).await;
    let id = world.enroll("ada@prospect.test").await;
    let until = world.engine.now().plus_ms(10 * DAY);
    let event = Event::Paused { until: Some(until), by: PausedBy::Person };
    let told = world.engine.forecast_if(&world.actor, id, event).await.expect("told");
    assert_eq!(
        told.iter().map(|step| step.planned_at).collect::<Vec<_>>(),
        [Some(until), Some(until.plus_ms(2 * DAY))]
    );
    assert!(matches!(world.enrollment(id).await.state, State::Active { .. }), "nothing is stored");
    world.engine.pause(&world.actor, id, Some(until)).await.expect("paused");
    world.advance(20 * DAY).await;
    let sent: Vec<Option<Timestamp>> = world
        .deliveries(id)
        .await
        .iter()
        .map(|delivery| match delivery.state {
            DeliveryState::Sent { at } => Some(at),
            _ => None,
        })
        .collect();
    assert_eq!(sent[1..], [Some(until), Some(until.plus_ms(2 * DAY))]);
}

#[tokio::test]
async fn a_list_says_when_the_next_email_leaves_or_what_holds_it() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[2]).await;
    let ada = world.enroll("ada@prospect.test").await;
    let bob = world.enroll("bob@prospect.test").await;
    world.engine.pause(&world.actor, bob, None).await.expect("paused");
    let said = async |world: &World| {
        let mut tx = world.engine.store.read().await.expect("a view");
        world.engine.next_steps(&mut tx, &[ada, bob]).await.expect("said")
    };
    let next = said(&world).await;
    assert_eq!(next[&ada].next_email_at, Some(world.engine.now().plus_ms(2 * DAY)));
    assert_eq!((next[&bob].next_email_at, next[&bob].held.as_deref()), (None, Some("paused")));
    world.engine.pause_workspace(&world.actor).await.expect("stopped");
    assert_eq!(said(&world).await[&ada].held.as_deref(), Some("all sending is stopped"));
}
