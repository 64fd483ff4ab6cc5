use crate::build::{
    at, email, enrollment, local, mailbox, open_task, person, plan, spaced, step_id, task, wait, window, workspace,
};
use proptest::prelude::*;
use relance_domain::{
    PersonId,
    decision::{Facts, RuleKind},
    enrollment::{BlockReason, PausedBy, State},
    forecast::{NewEnrollment, PlannedStep, Prospect, forecast, forecast_all, forecast_new},
    person::Person,
    quota::{gap_ms, jitter_seed},
    schedule::{Schedule, WindowFor},
    sequence::Plan,
    step::{TaskMode, Wait, WaitUnit},
};

const ZONE: &str = "Europe/Lisbon";
const MONDAY: &str = "2026-11-23T16:59[Europe/Lisbon]";

fn five() -> Plan {
    let day = wait(1, WaitUnit::BusinessDays);
    let steps = vec![
        email(1, Wait::IMMEDIATELY),
        task(2, day, TaskMode::Wait),
        email(3, day),
        task(4, wait(5, WaitUnit::BusinessDays), TaskMode::GoOn),
        email(5, wait(2, WaitUnit::Days)),
    ];
    plan(steps, Some(Schedule::default()))
}

fn times(steps: &[PlannedStep]) -> Vec<String> {
    steps.iter().map(|step| step.planned_at.map_or_else(|| "-".into(), |at| local(at, ZONE))).collect()
}

fn of_new(plan: &Plan, change: impl FnOnce(&mut NewEnrollment<'_>)) -> Vec<PlannedStep> {
    let (person, workspace, mailbox) = (person(), workspace(), mailbox());
    let mut new = NewEnrollment {
        now: at(MONDAY),
        plan,
        person: &person,
        mailbox: Some(&mailbox),
        workspace: &workspace,
        actor_zone: None,
        start_at: None,
        start_step: None,
        used_today: 0,
        last_slot_at: None,
        suppressed: None,
        missing_tags: &[],
    };
    change(&mut new);
    forecast_new(&new)
}

#[test]
fn before_enrolling_every_step_has_its_date() {
    let steps = of_new(&five(), |_| {});
    let expected = [
        "Mon 2026-11-23 16:59",
        "Tue 2026-11-24 16:59",
        "Thu 2026-11-26 16:59",
        "Thu 2026-12-03 16:59",
        "Mon 2026-12-07 09:00",
    ];
    assert_eq!(times(&steps), expected);
    assert_eq!(steps.iter().map(|step| step.after_task).collect::<Vec<_>>(), [false, false, true, true, true]);
    assert_eq!(steps.iter().map(|step| step.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(steps[4].moved_by, Some(RuleKind::SendingDay));
    assert_eq!(steps[4].due_at.map(|due| local(due, ZONE)).as_deref(), Some("Sat 2026-12-05 16:59"));
    assert!(steps[0].explained.is_some() && steps[1].explained.is_none());
}

#[test]
fn a_later_start_another_step_and_a_full_day_move_the_whole_plan() {
    let plan = five();
    let later = of_new(&plan, |new| new.start_at = Some(at("2026-11-28T10:00[Europe/Lisbon]")));
    assert_eq!(times(&later)[..2], ["Mon 2026-11-30 09:00", "Tue 2026-12-01 09:00"]);
    let third = of_new(&plan, |new| new.start_step = Some(step_id(3)));
    assert_eq!(times(&third), ["Tue 2026-11-24 16:59", "Tue 2026-12-01 16:59", "Thu 2026-12-03 16:59"]);
    let full = of_new(&plan, |new| new.used_today = 200);
    assert_eq!(times(&full)[..2], ["Tue 2026-11-24 09:00", "Wed 2026-11-25 09:00"]);
    assert_eq!(full[0].moved_by, Some(RuleKind::Quota));
    assert_eq!(of_new(&plan, |new| new.start_step = Some(step_id(99))), []);
}

#[test]
fn what_waits_for_an_event_has_no_date_and_neither_has_what_follows() {
    let plan = five();
    let missing = of_new(&plan, |new| new.missing_tags = Box::leak(Box::new(["person.industry".to_owned()])));
    assert_eq!(times(&missing), ["-", "-", "-", "-", "-"]);
    assert_eq!(missing[0].moved_by, Some(RuleKind::MergeData));
    let due = at(MONDAY);
    let paused = |until| State::Paused { step: step_id(1), due, until, by: PausedBy::Person };
    assert_eq!(times(&of_state(&plan, paused(None))), ["-", "-", "-", "-", "-"]);
    let dated = of_state(&plan, paused(Some(at("2026-11-25T10:00[Europe/Lisbon]"))));
    assert_eq!(times(&dated)[..2], ["Wed 2026-11-25 10:00", "Thu 2026-11-26 10:00"]);
    let held = State::Blocked { step: step_id(1), due, reason: BlockReason::HeldForReview, resumes_at: None };
    assert_eq!(times(&of_state(&plan, held)), ["-", "-", "-", "-", "-"]);
    let finished = State::Finished { reason: relance_domain::enrollment::FinishReason::Replied, at: due };
    assert_eq!(of_state(&plan, finished), []);
}

fn of_state(plan: &Plan, state: State) -> Vec<PlannedStep> {
    let (enrollment, person, workspace, mailbox) = (enrollment(state), person(), workspace(), mailbox());
    forecast(&Facts { mailbox: Some(&mailbox), ..Facts::new(at(MONDAY), &enrollment, plan, &person, &workspace) })
}

#[test]
fn an_open_task_is_taken_as_done_when_it_is_due() {
    let plan = five();
    let (created, due) = (at("2026-11-23T10:00[Europe/Lisbon]"), at("2026-11-25T10:00[Europe/Lisbon]"));
    let mut enrollment = enrollment(State::Active { step: step_id(2), due: created });
    enrollment.done_steps = vec![step_id(1)];
    let (person, workspace, mailbox, open) = (person(), workspace(), mailbox(), open_task(step_id(2), created, due));
    let facts = |now: &str, sequence_paused| {
        let facts = Facts::new(at(now), &enrollment, &plan, &person, &workspace);
        let facts = Facts { mailbox: Some(&mailbox), open_task: Some(&open), emails_sent: 1, sequence_paused, ..facts };
        times(&forecast(&facts))
    };
    let expected = ["Mon 2026-11-23 10:00", "Thu 2026-11-26 10:00", "Thu 2026-12-03 10:00", "Mon 2026-12-07 09:00"];
    assert_eq!(facts(MONDAY, false), expected);
    assert_eq!(facts("2026-11-30T12:00[Europe/Lisbon]", false)[1], "Tue 2026-12-01 12:00", "late: as if done now");
    assert_eq!(facts(MONDAY, true), ["Mon 2026-11-23 10:00", "-", "-", "-"]);
}

#[test]
fn forecasts_of_one_mailbox_keep_quota_and_gap_together() {
    let (person, workspace, mut mailbox) = (person(), workspace(), mailbox());
    mailbox.daily_quota = 2;
    let plan = plan(vec![email(1, Wait::IMMEDIATELY), email(2, wait(1, WaitUnit::Days))], Some(Schedule::default()));
    let now = at("2026-11-23T10:00[Europe/Lisbon]");
    let new = NewEnrollment {
        now,
        plan: &plan,
        person: &person,
        mailbox: Some(&mailbox),
        workspace: &workspace,
        actor_zone: None,
        start_at: None,
        start_step: None,
        used_today: 1,
        last_slot_at: None,
        suppressed: None,
        missing_tags: &[],
    };
    let rows: Vec<_> = (0..4).map(|number| new.enrollment(number).unwrap()).collect();
    let world: Vec<Prospect> =
        rows.iter().map(|row| Prospect { facts: new.facts(row), missing: &[], explains: false }).collect();
    let found = forecast_all(&world, None);
    assert!(found.steps.iter().all(|steps| steps.len() == 2 && steps.iter().all(|step| step.planned_at.is_some())));
    let per_day: Vec<u32> = found.per_day(&mailbox, |_| true).into_values().collect();
    assert_eq!(per_day.iter().sum::<u32>(), 8);
    assert!(per_day[0] == 1 && per_day.iter().all(|used| *used <= 2), "{per_day:?}");
}

/// A person behind the one of `after` whose first email waits this part of the gap (in percent) longer than the gap.
fn with_jitter(after: u128, percent: std::ops::Range<i64>) -> Person {
    const GAP_SECONDS: u32 = 100_000;
    let longer =
        |id| (gap_ms(&spaced(GAP_SECONDS), jitter_seed(id, step_id(1))) - i64::from(GAP_SECONDS) * 1_000) / 1_000_000;
    let ids = (1..).map(|n| PersonId::from_uuid(uuid::Uuid::from_u128(after + n)));
    Person { id: ids.into_iter().find(|id| percent.contains(&longer(*id))).unwrap(), ..person() }
}

#[test]
fn after_a_departure_the_next_is_chosen_when_the_least_gap_ends() {
    let (workspace, mut mailbox) = (workspace(), mailbox());
    mailbox.min_gap_seconds = 90 * 60;
    let people = [with_jitter(0, 0..50), with_jitter(1 << 64, 40..50), with_jitter(2 << 64, 0..10)];
    let steps = vec![email(1, Wait::IMMEDIATELY)];
    let wide = plan(steps.clone(), Some(Schedule::default()));
    let morning = vec![window("09:00", "11:00", WindowFor::All)];
    let closes = plan(steps, Some(Schedule { windows: morning, ..Schedule::default() }));
    let new: Vec<NewEnrollment<'_>> = people
        .iter()
        .zip([&wide, &closes, &wide])
        .map(|(person, plan)| NewEnrollment {
            now: at("2026-11-23T10:00[Europe/Lisbon]"),
            plan,
            person,
            mailbox: Some(&mailbox),
            workspace: &workspace,
            actor_zone: None,
            start_at: None,
            start_step: None,
            used_today: 0,
            last_slot_at: None,
            suppressed: None,
            missing_tags: &[],
        })
        .collect();
    let rows: Vec<_> = new.iter().zip(0..).map(|(new, number)| new.enrollment(number).unwrap()).collect();
    let world: Vec<Prospect> = new
        .iter()
        .zip(&rows)
        .map(|(new, row)| Prospect { facts: new.facts(row), missing: &[], explains: false })
        .collect();
    let found = forecast_all(&world, None);
    let times: Vec<String> = found.steps.iter().flat_map(|steps| times(steps)).collect();
    assert_eq!(times[..2], ["Mon 2026-11-23 10:00", "Tue 2026-11-24 09:00"]);
    let gap = gap_ms(&spaced(90 * 60), jitter_seed(people[2].id, step_id(1)));
    let expected = local(at("2026-11-23T10:00[Europe/Lisbon]").plus_ms(gap), ZONE);
    assert_eq!(times[2], expected, "it does not wait for one whose window has closed meanwhile");
}

#[test]
fn a_mailbox_without_a_quota_or_a_schedule_that_never_opens_has_no_date() {
    let mut never = five();
    never.schedule = Some(Schedule { days: Vec::new(), ..Schedule::default() });
    assert_eq!(times(&of_new(&never, |_| {}))[0], "-");
    let mut closed = mailbox();
    closed.daily_quota = 0;
    let plan = five();
    let (person, workspace) = (person(), workspace());
    let enrollment = enrollment(State::Active { step: step_id(1), due: at(MONDAY) });
    let facts = Facts { mailbox: Some(&closed), ..Facts::new(at(MONDAY), &enrollment, &plan, &person, &workspace) };
    assert_eq!(times(&forecast(&facts)), ["-", "-", "-", "-", "-"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_forecast_is_what_the_decision_says_when_its_time_has_come(
        minutes in 0..20_000_i64, used in 0..3_u32, last in prop::option::of(0..90_i64), quota in 1..3_u32,
    ) {
        let (person, workspace, mut mailbox) = (person(), workspace(), mailbox());
        mailbox.daily_quota = quota;
        let plan = five();
        let now = at(MONDAY).plus_ms(minutes * 60_000);
        let enrollment = enrollment(State::Active { step: step_id(1), due: now });
        let facts = Facts {
            mailbox: Some(&mailbox),
            used_today: used,
            last_slot_at: last.map(|seconds| now.plus_ms(-seconds * 1_000)),
            ..Facts::new(now, &enrollment, &plan, &person, &workspace)
        };
        let planned = forecast(&facts)[0].planned_at.unwrap();
        let same_day = relance_domain::quota::day_of(&mailbox, now) == relance_domain::quota::day_of(&mailbox, planned);
        let then = Facts { now: planned, used_today: if same_day { used } else { 0 }, ..facts.clone() };
        prop_assert_eq!(relance_domain::decision::decision(&then), relance_domain::decision::Decision::Send);
        if planned > now {
            let used_today = if relance_domain::quota::day_of(&mailbox, planned.plus_ms(-1)) == relance_domain::quota::day_of(&mailbox, now) { used } else { 0 };
            let before = Facts { now: planned.plus_ms(-1), used_today, ..facts };
            prop_assert_ne!(relance_domain::decision::decision(&before), relance_domain::decision::Decision::Send);
        }
    }
}
