//! Random worlds played forward: whatever the plans, zones, quotas and gaps, the promises of `engine.md` §2 hold.

use crate::build::{
    at, date, email, enrollment, id, mailbox, person, plan, schedule, spaced, step_id, task, wait, window, workspace,
};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, Timestamp,
    calendar::LocalSchedule,
    decision::{Facts, RuleKind},
    enrollment::{BlockReason, Enrollment, PausedBy, State},
    forecast::{Forecast, Prospect, forecast_all},
    mailbox::{Away, Mailbox},
    person::Person,
    quota,
    schedule::{Day, Schedule, WindowFor},
    sequence::Plan,
    step::{TaskMode, Wait, WaitUnit},
    time::{DAY, HOUR, MINUTE},
    workspace::Workspace,
};
use std::collections::BTreeMap;

/// Small numbers that look random and are the same for the same seed.
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

struct World {
    now: Timestamp,
    workspace: Workspace,
    mailboxes: Vec<(Mailbox, u32, Option<Timestamp>)>,
    plans: Vec<Plan>,
    rows: Vec<(Enrollment, Person, usize, usize, u32)>,
}

const ZONES: [&str; 5] = ["Europe/Lisbon", "America/New_York", "Asia/Tokyo", "Europe/Berlin", "Australia/Lord_Howe"];

fn random_schedule(dice: &mut Dice) -> Option<Schedule> {
    let windows = match dice.below(4) {
        0 => return None,
        1 => vec![window("09:00", "17:00", WindowFor::All)],
        2 => vec![window("09:00", "11:00", WindowFor::First), window("13:00", "17:00", WindowFor::FollowUp)],
        _ => vec![window("01:30", "03:30", WindowFor::All), window("20:00", "24:00", WindowFor::FollowUp)],
    };
    let days = if dice.below(2) == 0 { &Day::ALL[..5] } else { &Day::ALL[..] };
    let holidays = vec![date("2026-03-30").into(), date("2026-11-02").into()];
    Some(Schedule { holidays, ..schedule(days, windows) })
}

fn random_plan(dice: &mut Dice, number: u128) -> Plan {
    let mut steps = Vec::new();
    for n in 0..=dice.below(4) as u128 {
        let unit = dice.one(&[WaitUnit::Minutes, WaitUnit::Hours, WaitUnit::Days, WaitUnit::BusinessDays]);
        let wait = if dice.below(4) == 0 { Wait::IMMEDIATELY } else { wait(1 + dice.below(3) as u32, unit) };
        let id = number * 100 + n;
        let mode = dice.one(&[TaskMode::Wait, TaskMode::GoOn, TaskMode::WaitUntilOverdue]);
        steps.push(if dice.below(4) == 0 { task(id, wait, mode) } else { email(id, wait) });
    }
    plan(steps, random_schedule(dice))
}

fn random_world(seed: u64) -> World {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
    let dice = &mut dice;
    let starts =
        ["2026-03-27T10:00[Europe/Berlin]", "2026-10-23T16:59[Europe/Berlin]", "2026-11-23T23:50[Europe/Berlin]"];
    let now = at(dice.one(&starts));
    let mailboxes = (0..=dice.below(3) as u128).map(|n| {
        let quota = 1 + dice.below(5) as u32;
        let away = (dice.below(3) == 0)
            .then(|| Away { from: date("2026-11-25"), to: date("2026-11-26") })
            .into_iter()
            .collect();
        let mailbox = Mailbox {
            id: MailboxId::from_uuid(id(9_000 + n)),
            time_zone: dice.one(&ZONES).into(),
            daily_quota: quota,
            min_gap_seconds: dice.one(&[0, 60, 600, 7_200]),
            away,
            ..mailbox()
        };
        let last = (dice.below(2) == 0).then(|| now.plus_ms(-(dice.below(3_600_000) as i64)));
        (mailbox, dice.below(u64::from(quota) + 1) as u32, last)
    });
    let mailboxes: Vec<_> = mailboxes.collect();
    let plans: Vec<Plan> = (1..=1 + dice.below(4) as u128).map(|n| random_plan(dice, n)).collect();
    let rows = (0..1 + dice.below(25) as u128).map(|n| random_row(dice, n, now, &plans, mailboxes.len())).collect();
    World { now, workspace: workspace(), mailboxes, plans, rows }
}

fn random_row(
    dice: &mut Dice,
    n: u128,
    now: Timestamp,
    plans: &[Plan],
    mailboxes: usize,
) -> (Enrollment, Person, usize, usize, u32) {
    let which = dice.below(plans.len() as u64) as usize;
    let plan = &plans[which];
    let at_step = dice.below(plan.steps.len() as u64) as usize;
    let step = plan.steps[at_step].id;
    let due = now.plus_ms((dice.below(5 * 24 * 60) as i64 - 24 * 60) * MINUTE + dice.below(60_000) as i64);
    let state = match dice.below(8) {
        0 => State::Paused { step, due, until: Some(now.plus_ms(dice.below(72) as i64 * HOUR)), by: PausedBy::Person },
        1 => {
            let resumes_at = Some(now.plus_ms(dice.below(24) as i64 * HOUR));
            State::Blocked { step, due, reason: BlockReason::QuotaReached, resumes_at }
        }
        _ => State::Active { step, due },
    };
    let mut person = person();
    person.id = PersonId::from_uuid(id(100 + n));
    person.fields.time_zone = dice.one(&ZONES).into();
    let done = plan.steps[..at_step].iter().map(|step| step.id).collect::<Vec<_>>();
    let sent = plan.steps[..at_step].iter().filter(|step| step.action.is_automated_email()).count() as u32;
    let row = Enrollment {
        id: EnrollmentId::from_uuid(id(50_000 - n)),
        person_id: person.id,
        moved_by_hand: dice.below(8) == 0,
        enrolled_at: now.plus_ms(-(dice.below(10) as i64) * DAY),
        done_steps: done,
        ..enrollment(state)
    };
    (row, person, which, dice.below(mailboxes as u64) as usize, sent)
}

impl World {
    fn facts<'a>(&'a self, row: &'a (Enrollment, Person, usize, usize, u32)) -> Facts<'a> {
        let (enrollment, person, plan, desk, sent) = row;
        let (mailbox, used, last) = &self.mailboxes[*desk];
        Facts {
            mailbox: Some(mailbox),
            used_today: *used,
            last_slot_at: *last,
            emails_sent: *sent,
            ..Facts::new(self.now, enrollment, &self.plans[*plan], person, &self.workspace)
        }
    }

    fn play(&self) -> Forecast {
        let world: Vec<Prospect> =
            self.rows.iter().map(|row| Prospect { facts: self.facts(row), missing: &[], explains: false }).collect();
        forecast_all(&world, None)
    }

    fn local<'a>(&'a self, row: &'a (Enrollment, Person, usize, usize, u32)) -> LocalSchedule<'a> {
        LocalSchedule::of(self.plans[row.2].schedule.as_ref(), &row.1, None, &self.workspace)
    }
}

#[test]
fn every_step_has_its_date_and_no_wait_is_ever_shortened() {
    for seed in 0..400 {
        let world = random_world(seed);
        let found = world.play();
        for (row, steps) in world.rows.iter().zip(&found.steps) {
            let left = world.plans[row.2].steps.len() - row.0.done_steps.len();
            assert_eq!(steps.len(), left, "seed {seed}");
            for step in steps {
                let (due, planned) = (step.due_at.expect("due"), step.planned_at.expect("planned"));
                assert!(planned >= due && planned >= world.now, "seed {seed}: {step:?}");
            }
            let local = world.local(row);
            for pair in steps.windows(2).filter(|pair| pair[0].action == "automated_email") {
                let wait = world.plans[row.2].step(pair[1].step_id).expect("a step").wait;
                assert_eq!(pair[1].due_at, pair[0].planned_at.map(|at| local.add_wait(at, wait)), "seed {seed}");
            }
        }
        let emails = found.steps.iter().flatten().filter(|step| step.action == "automated_email").count();
        assert_eq!(found.emails.len(), emails, "seed {seed}");
    }
}

#[test]
fn quota_gap_window_and_away_dates_hold_for_every_email() {
    for seed in 0..400 {
        let world = random_world(seed);
        let found = world.play();
        let mut sent: Vec<u32> = world.rows.iter().map(|row| row.4).collect();
        let mut last: Vec<Option<Timestamp>> = world.mailboxes.iter().map(|(_, _, last)| *last).collect();
        let mut days: BTreeMap<(usize, jiff::civil::Date), u32> = BTreeMap::new();
        for (n, (mailbox, used, _)) in world.mailboxes.iter().enumerate() {
            days.insert((n, quota::day_of(mailbox, world.now)), *used);
        }
        for leaving in &found.emails {
            let row = &world.rows[leaving.prospect];
            let mailbox = &world.mailboxes[row.3].0;
            let first = sent[leaving.prospect] == 0;
            assert_eq!(leaving.is_first, first, "seed {seed}");
            assert!(world.local(row).is_open(leaving.at, first), "seed {seed}: outside its window {leaving:?}");
            assert_eq!(mailbox.away_until(leaving.at), None, "seed {seed}: away");
            let gap = quota::gap_ms(mailbox, quota::jitter_seed(row.1.id, leaving.step_id));
            assert!(last[row.3].is_none_or(|last| leaving.at.since(last) >= gap), "seed {seed}: the gap");
            let used = days.entry((row.3, quota::day_of(mailbox, leaving.at))).or_default();
            *used += 1;
            assert!(*used <= mailbox.daily_quota, "seed {seed}: the quota");
            last[row.3] = Some(leaving.at);
            sent[leaving.prospect] += 1;
        }
    }
}

#[test]
fn of_two_that_may_leave_the_one_that_comes_first_in_the_order_of_slots_does() {
    for seed in 0..400 {
        let world = random_world(seed);
        let found = world.play();
        let mut steps: BTreeMap<_, _> = BTreeMap::new();
        for (prospect, planned) in found.steps.iter().enumerate() {
            for step in planned {
                steps.insert((prospect, step.step_id), step);
            }
        }
        for later in &found.emails {
            let step = steps[&(later.prospect, later.step_id)];
            let row = &world.rows[later.prospect];
            // What a quota or a pause held stands in the queue again only when it is released.
            if !matches!(step.moved_by, None | Some(RuleKind::Gap)) || later.is_first {
                continue;
            }
            let due = step.due_at.expect("due");
            for earlier in found.emails.iter().filter(|other| other.at < later.at && other.at > due) {
                let other = &world.rows[earlier.prospect];
                let same_desk = other.3 == row.3;
                let jumped = same_desk && earlier.is_first && !other.0.moved_by_hand;
                assert!(
                    !jumped,
                    "seed {seed}: a first email left before a follow-up that was due: {earlier:?} {later:?}"
                );
            }
        }
    }
}

#[test]
fn nobody_who_comes_later_moves_what_leaves_before_them() {
    for seed in 0..200 {
        let world = random_world(seed);
        let alone = world.play();
        let until = world.now.plus_ms(2 * DAY);
        let world_rows: Vec<Prospect> =
            world.rows.iter().map(|row| Prospect { facts: world.facts(row), missing: &[], explains: false }).collect();
        let part = forecast_all(&world_rows, Some(until));
        let expected: Vec<_> = alone.emails.iter().filter(|email| email.at <= until).collect();
        assert_eq!(part.emails.iter().collect::<Vec<_>>(), expected, "seed {seed}: the horizon changes nothing");
    }
}

#[test]
fn missing_data_holds_one_and_delays_nobody() {
    let mut world = random_world(1);
    world.mailboxes[0].0.min_gap_seconds = 600;
    world.mailboxes[0] = (world.mailboxes[0].0.clone(), 0, Some(world.now));
    world.mailboxes[0].0.daily_quota = 10;
    world.mailboxes[0].0.away.clear();
    world.plans = vec![plan(vec![email(1, Wait::IMMEDIATELY)], None)];
    world.rows = (0..2)
        .map(|n| {
            let mut person = person();
            person.id = PersonId::from_uuid(id(100 + n));
            let state = State::Active { step: step_id(1), due: world.now };
            let row = Enrollment { id: EnrollmentId::from_uuid(id(n)), person_id: person.id, ..enrollment(state) };
            (row, person, 0, 0, 0)
        })
        .collect();
    let missing = [(step_id(1), vec!["person.industry".to_owned()])];
    let both: Vec<Prospect> = world
        .rows
        .iter()
        .enumerate()
        .map(|(n, row)| Prospect {
            facts: world.facts(row),
            missing: if n == 0 { &missing } else { &[] },
            explains: false,
        })
        .collect();
    let found = forecast_all(&both, None);
    assert_eq!((found.steps[0][0].planned_at, found.steps[0][0].moved_by), (None, Some(RuleKind::MergeData)));
    let gap = quota::gap_ms(&spaced(600), quota::jitter_seed(world.rows[1].1.id, step_id(1)));
    assert_eq!(found.steps[1][0].planned_at, Some(world.now.plus_ms(gap)));
}
