//! Where those who are enrolled go on when a changed plan is published.

use crate::build::{at, email, enrollment, person, plan, schedule, step_id, task, wait, window, workspace};
use relance_domain::{
    StepId, Timestamp,
    calendar::LocalSchedule,
    decision::Facts,
    enrolling,
    enrollment::{BlockReason, Enrollment, Event, FinishReason, PausedBy, State},
    forecast::forecast,
    publishing::{Circumstances, Move, moved},
    schedule::{Day, WindowFor},
    sequence::Plan,
    step::{Action, TaskMode, WaitUnit},
    time::{DAY, HOUR},
    workspace::Workspace,
};
use std::sync::LazyLock;

const DAYS: fn(u32) -> relance_domain::step::Wait = |days| wait(days, WaitUnit::Days);

fn now() -> Timestamp {
    at("2026-11-24T10:00[Europe/Lisbon]")
}

/// Someone who did `done` an hour ago and waits for `current` as its plan says.
fn standing(plan: &Plan, done: &[u128], current: u128) -> Enrollment {
    let last = now().plus_ms(-HOUR);
    let step = plan.step(step_id(current)).expect("a step");
    let due = local(plan).add_wait(last, step.wait);
    Enrollment {
        done_steps: done.iter().map(|n| step_id(*n)).collect(),
        last_step_at: Some(last),
        moved_by_hand: false,
        ..enrollment(State::Active { step: step.id, due })
    }
}

fn local(plan: &Plan) -> LocalSchedule<'_> {
    static WORKSPACE: LazyLock<Workspace> = LazyLock::new(workspace);
    LocalSchedule::of(plan.schedule.as_ref(), &person(), None, &WORKSPACE)
}

fn circumstances<'a>(old: &'a Plan, new: &'a Plan) -> Circumstances<'a> {
    Circumstances { now: now(), before: local(old), after: local(new), is_first_email: false, is_leaving: false }
}

fn follow(row: &Enrollment, old: &Plan, new: &Plan) -> Move {
    moved(row, old, new, &circumstances(old, new)).expect("it moves")
}

fn three() -> Plan {
    plan(vec![email(1, DAYS(0)), email(2, DAYS(2)), email(3, DAYS(4))], None)
}

#[test]
fn a_step_that_is_still_in_the_plan_stays_the_current_one_wherever_it_stands() {
    let old = three();
    let new = plan(vec![email(3, DAYS(4)), email(9, DAYS(1)), email(2, DAYS(2)), email(1, DAYS(0))], None);
    let row = standing(&old, &[1], 2);
    let after = follow(&row, &old, &new);
    assert_eq!((after.to, &after.state), (Some(step_id(2)), &row.state));
    assert!(!after.changes_words && !after.changes_date && !after.leaves_step());
}

#[test]
fn if_the_current_step_is_gone_the_next_in_the_new_order_follows_after_its_own_wait() {
    let old = three();
    let row = standing(&old, &[1], 2);
    let new = plan(vec![email(1, DAYS(0)), email(8, DAYS(5)), email(3, DAYS(4))], None);
    let after = follow(&row, &old, &new);
    let due = row.last_step_at.expect("a last step").plus_ms(5 * DAY);
    assert_eq!(after.state, State::Active { step: step_id(8), due });
    assert!(after.changes_words && after.changes_date && after.leaves_step());
    let only_done = plan(vec![email(1, DAYS(0))], None);
    let after = follow(&row, &old, &only_done);
    assert_eq!((after.to, after.state.word()), (None, "completed"));
}

#[test]
fn who_began_in_the_middle_gets_nothing_from_before_the_step_they_began_with() {
    let old = three();
    let row = Enrollment { last_step_at: None, enrolled_at: now(), ..standing(&old, &[], 2) };
    let new = plan(vec![email(1, DAYS(0)), email(3, DAYS(4))], None);
    assert_eq!(follow(&row, &old, &new).to, Some(step_id(3)));
}

#[test]
fn another_wait_counts_from_the_last_step_and_a_chosen_date_is_never_made_earlier() {
    let old = three();
    let sooner = plan(vec![email(1, DAYS(0)), email(2, DAYS(1)), email(3, DAYS(4))], None);
    let row = standing(&old, &[1], 2);
    let after = follow(&row, &old, &sooner);
    assert_eq!(after.state.due(), row.last_step_at.map(|last| last.plus_ms(DAY)));
    assert!(after.changes_date && !after.changes_words);
    let by_hand = Enrollment { moved_by_hand: true, ..row.clone() };
    assert_eq!(follow(&by_hand, &old, &sooner).state.due(), row.state.due());
    let late = now().plus_ms(9 * DAY);
    let held = Enrollment { state: State::Active { step: step_id(2), due: late }, ..row };
    assert_eq!(follow(&held, &old, &sooner).state.due(), Some(late), "a pause or a person had moved it");
}

#[test]
fn other_sending_times_change_the_date_and_other_words_the_email() {
    let old = three();
    let afternoons = schedule(&Day::ALL, vec![window("15:00", "16:00", WindowFor::All)]);
    let timed = Plan { schedule: Some(afternoons), ..three() };
    let row = standing(&old, &[1], 2);
    assert!(follow(&row, &old, &timed).changes_date);
    let mut reworded = three();
    let Action::AutomatedEmail { email } = &mut reworded.steps[1].action else { panic!("an email") };
    email.subject = "Other words".into();
    let after = follow(&row, &old, &reworded);
    assert!(after.changes_words && !after.changes_date);
    let far = standing(&old, &[1, 2], 3);
    assert!(!follow(&far, &old, &reworded).changes_words, "that email was sent already");
}

#[test]
fn pauses_and_blocks_outlive_a_move_unless_they_belonged_to_what_is_gone() {
    let old = three();
    let new = plan(vec![email(1, DAYS(0)), email(3, DAYS(4))], None);
    let row = standing(&old, &[1], 2);
    let due = row.state.due().expect("due");
    let at_two = |reason| Enrollment {
        state: State::Blocked { step: step_id(2), due, reason, resumes_at: None },
        ..row.clone()
    };
    let paused = State::Paused { step: step_id(2), due, until: None, by: PausedBy::Person };
    assert_eq!(follow(&Enrollment { state: paused, ..row.clone() }, &old, &new).state.word(), "paused");
    let missing = BlockReason::MissingMergeData { tags: vec!["person.industry".into()] };
    assert_eq!(follow(&at_two(missing.clone()), &old, &new).state.word(), "active");
    assert_eq!(follow(&at_two(missing), &old, &old).state.word(), "blocked", "nothing changed for it");
    assert_eq!(follow(&at_two(BlockReason::HeldForReview), &old, &new).state.word(), "blocked");
    assert_eq!(follow(&at_two(BlockReason::AuthFailed), &old, &new).state.word(), "blocked");
}

#[test]
fn what_may_be_leaving_keeps_its_step_or_its_version() {
    let old = three();
    let gone = plan(vec![email(1, DAYS(0)), email(3, DAYS(4))], None);
    let later = plan(vec![email(1, DAYS(0)), email(2, DAYS(9)), email(3, DAYS(4))], None);
    let row = standing(&old, &[1], 2);
    let leaving = Circumstances { is_leaving: true, ..circumstances(&old, &gone) };
    assert_eq!(moved(&row, &old, &gone, &leaving).expect_err("refused").code, "leaving");
    let leaving = Circumstances { is_leaving: true, ..circumstances(&old, &later) };
    assert_eq!(moved(&row, &old, &later, &leaving).expect("it moves").state, row.state);
    let due = row.state.due().expect("due");
    let uncertain = State::Blocked { step: step_id(2), due, reason: BlockReason::DeliveryUncertain, resumes_at: None };
    let row = Enrollment { state: uncertain, ..row };
    let refused = moved(&row, &old, &gone, &circumstances(&old, &gone)).expect_err("refused");
    assert_eq!(refused.code, "delivery_uncertain");
    assert_eq!(follow(&row, &old, &later).state, row.state);
}

#[test]
fn what_has_ended_keeps_the_version_it_followed_and_a_move_taken_back_reopens_what_it_completed() {
    let old = three();
    let ended = |reason| State::Finished { reason, at: now() };
    let row = Enrollment { state: ended(FinishReason::Replied), ..standing(&old, &[1], 2) };
    assert_eq!(moved(&row, &old, &old, &circumstances(&old, &old)).expect_err("refused").code, "ended");
    let back = Event::Moved { to: Some((step_id(2), now())) };
    let reopened = ended(FinishReason::Completed).after(back.clone(), now()).expect("it is reopened");
    assert_eq!(reopened, State::Active { step: step_id(2), due: now() });
    assert!(ended(FinishReason::Replied).after(back, now()).is_err());
}

/// Small numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// Some of the steps 1 to 8 in any order, emails and tasks, at any time or in office hours.
    fn plan(&mut self) -> Plan {
        let mut numbers: Vec<u128> = (1..=8).filter(|_| self.below(3) > 0).collect();
        for place in (1..numbers.len()).rev() {
            numbers.swap(place, self.below(place as u64 + 1) as usize);
        }
        numbers.truncate(6);
        if numbers.is_empty() {
            numbers.push(1);
        }
        let steps = numbers.into_iter().map(|n| {
            let unit = [WaitUnit::Hours, WaitUnit::Days, WaitUnit::BusinessDays][self.below(3) as usize];
            let wait = wait(self.below(4) as u32, unit);
            if n % 4 == 0 { task(n, wait, TaskMode::GoOn) } else { email(n, wait) }
        });
        let steps = steps.collect();
        let office = schedule(&Day::ALL[..5], vec![window("09:00", "17:00", WindowFor::All)]);
        plan(steps, (self.below(2) == 0).then_some(office))
    }
}

#[test]
fn whatever_the_plans_nobody_gets_a_step_twice_and_the_forecast_is_what_follows() {
    let (person, workspace) = (person(), workspace());
    for seed in 0..2_000 {
        let mut dice = Dice(seed * 7 + 1);
        let (old, new) = (dice.plan(), dice.plan());
        let place = dice.below(old.steps.len() as u64) as usize;
        let done: Vec<StepId> = old.steps[..place].iter().map(|step| step.id).collect();
        let step = &old.steps[place];
        let last = now().plus_ms(-(dice.below(48) as i64) * HOUR);
        let due = local(&old).add_wait(last, step.wait);
        let row = Enrollment {
            done_steps: done.clone(),
            last_step_at: Some(last),
            moved_by_hand: dice.below(5) == 0,
            ..enrollment(State::Active { step: step.id, due })
        };
        let after = follow(&row, &old, &new);
        let Some(to) = after.to else {
            let left = new
                .steps
                .iter()
                .any(|step| new.position(step.id) > old_anchor(&old, &new, place) && !done.contains(&step.id));
            assert!(new.step(step.id).is_none() && !left, "seed {seed}: something was left");
            continue;
        };
        assert!(!done.contains(&to), "seed {seed}: {to} twice");
        assert!(new.step(step.id).is_none() || to == step.id, "seed {seed}: the current step was passed over");
        let wait = new.step(to).expect("a step").wait;
        let new_due = after.state.due().expect("due");
        assert!(row.moved_by_hand || new_due >= local(&new).add_wait(last, wait), "seed {seed}: nearer than its wait");
        // What the forecast says of the moved row is what playing its steps one after the other gives.
        let moved_row = Enrollment { state: after.state.clone(), ..row.clone() };
        let planned: Vec<StepId> = forecast(&Facts::new(now(), &moved_row, &new, &person, &workspace))
            .into_iter()
            .map(|planned| planned.step_id)
            .collect();
        let (mut played, mut done, mut current) = (vec![to], done, to);
        while let Some((next, _)) = enrolling::following(&new, current, &done, now(), &local(&new)) {
            done.push(current);
            played.push(next);
            current = next;
        }
        assert_eq!(planned, played, "seed {seed}");
        let mut once = played.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), played.len(), "seed {seed}: a step twice");
    }
}

/// Where the nearest step before stands in the new order.
fn old_anchor(old: &Plan, new: &Plan, place: usize) -> Option<usize> {
    old.steps[..place].iter().rev().find_map(|step| new.position(step.id)).or(Some(0))
}
