//! Every kind of explanation in words: what is answered, what releases it, what the rule that holds compared.

use crate::{
    build::{at, date, email, enrollment, mailbox, open_task, person, plan, step_id, task, wait, workspace},
    decision::{NINE_48, active, delivery, suppression, two_emails, with, with_state},
};
use relance_domain::{
    decision::{Explained, Facts, Rule, Verdict},
    delivery::DeliveryState,
    enrollment::{BlockReason, FinishReason, PausedBy, State},
    forecast::{Foresight, Prospect, forecast_all},
    mailbox::{Away, Mailbox, MailboxState},
    person::Person,
    schedule::{Schedule, WindowFor},
    sequence::Plan,
    start_check::{StartCheck, Why},
    step::{TaskMode, Wait, WaitUnit},
    suppression::SuppressionReason,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use std::fmt::Write as _;

const DUE: &str = "2026-11-24T09:12[Europe/Lisbon]";

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn desk(change: impl FnOnce(&mut Mailbox)) -> Explained {
    let mut desk = mailbox();
    change(&mut desk);
    with(|facts| facts.mailbox = Some(kept(desk)))
}

fn in_state(state: MailboxState) -> Explained {
    desk(|desk| desk.state = state)
}

fn blocked(reason: BlockReason) -> Explained {
    with_state(State::Blocked { step: step_id(1), due: at(DUE), reason, resumes_at: None }, two_emails(), |_| {})
}

fn delivered(state: DeliveryState) -> Explained {
    with(|facts| facts.delivery = Some(kept(delivery(state))))
}

fn listed(reason: SuppressionReason) -> Explained {
    with(|facts| facts.suppressed = Some(kept(suppression(reason))))
}

fn on_task(mode: TaskMode, now: &str) -> Explained {
    let plan = plan(vec![task(1, Wait::IMMEDIATELY, mode)], Some(Schedule::default()));
    with_state(active(1, DUE), plan, |facts| {
        facts.open_task = Some(kept(open_task(step_id(1), at(DUE), at("2026-11-25T09:12[Europe/Lisbon]"))));
        facts.now = at(now);
    })
}

/// The kinds of holds, pauses and blocks that rules bring about, each with its name.
fn of_rules() -> Vec<(&'static str, Explained)> {
    let now = at(NINE_48);
    let windows = vec![crate::build::window("13:00", "17:00", WindowFor::All)];
    let schedule = |schedule: Schedule| {
        with_state(active(1, DUE), plan(vec![email(1, Wait::IMMEDIATELY)], Some(schedule)), |_| {})
    };
    let mut moved = enrollment(active(1, "2026-11-25T11:00[Europe/Lisbon]"));
    moved.moved_by_hand = true;
    let mut nobody = person();
    nobody.fields.email.clear();
    vec![
        ("leaves now", with(|_| ())),
        ("not due", with_state(active(1, "2026-11-25T11:00[Europe/Lisbon]"), two_emails(), |_| {})),
        ("moved by hand", with(|facts| facts.enrollment = kept(moved))),
        ("window", schedule(Schedule { windows, ..Schedule::default() })),
        ("holiday", schedule(Schedule { holidays: vec![date("2026-11-24").into()], ..Schedule::default() })),
        ("never opens", schedule(Schedule { days: Vec::new(), ..Schedule::default() })),
        ("away", desk(|desk| desk.away = vec![Away { from: date("2026-11-24"), to: date("2026-11-25") }])),
        ("quota", with(|facts| facts.used_today = 200)),
        ("no quota", desk(|desk| desk.daily_quota = 0)),
        ("gap", with(|facts| facts.last_slot_at = Some(now.plus_ms(-20 * SECOND)))),
        ("missing data", with(|facts| facts.missing_tags = kept(["person.industry".to_owned()]))),
        ("text", with(|facts| facts.template_error = Some("Line 1: unknown filter"))),
        ("no address", with(|facts| facts.person = kept(nobody))),
        ("listed", listed(SuppressionReason::Manual)),
        ("bounced before", listed(SuppressionReason::HardBounce)),
        (
            "late start",
            with(|facts| {
                facts.now = now.plus_ms(8 * DAY);
                facts.worked_since = Some(facts.now);
            }),
        ),
        ("task waited for", on_task(TaskMode::Wait, DUE)),
        ("task until overdue", on_task(TaskMode::WaitUntilOverdue, DUE)),
        ("task gone on", on_task(TaskMode::GoOn, DUE)),
        ("step gone", with_state(active(99, DUE), two_emails(), |_| {})),
        ("ended", with_state(State::Finished { reason: FinishReason::Replied, at: now }, two_emails(), |_| {})),
    ]
}

/// Those that a mailbox, a delivery, a person or someone from above brings about.
fn of_states() -> Vec<(&'static str, Explained)> {
    let now = at(NINE_48);
    let message = "Connection refused.".to_owned();
    let mut stopped = workspace();
    stopped.paused_at = Some(now);
    let check = StartCheck { why: Why::Outage, data_until: now.plus_ms(-6 * DAY), started_at: now, done_at: None };
    let deferred = |until, since| delivered(DeliveryState::Deferred { until, attempts: 2, since });
    let paused = |until| {
        let state = State::Paused { step: step_id(1), due: at(DUE), until, by: PausedBy::Person };
        with_state(state, two_emails(), |_| {})
    };
    let since = now.plus_ms(-10 * MINUTE);
    vec![
        ("paused", paused(None)),
        ("paused until", paused(Some(at("2026-11-30T09:00[Europe/Lisbon]")))),
        ("sequence paused", with(|facts| facts.sequence_paused = true)),
        ("rep deactivated", with(|facts| facts.actor_active = false)),
        ("all sending stopped", with(|facts| facts.workspace = kept(stopped))),
        ("mailbox paused", in_state(MailboxState::Paused)),
        ("no mailbox", with(|facts| facts.mailbox = None)),
        ("mailbox unreachable", in_state(MailboxState::Unreachable { since, message: message.clone() })),
        (
            "mailbox disconnected",
            in_state(MailboxState::Unreachable { since: now.plus_ms(-2 * HOUR), message: message.clone() }),
        ),
        ("password refused", in_state(MailboxState::AuthFailed { since, message: message.clone() })),
        ("mailbox settings", in_state(MailboxState::Misconfigured { since, message })),
        ("being compared", with(|facts| facts.comparing = Some(kept(check)))),
        ("deferred", deferred(now.plus_ms(MINUTE), since)),
        ("deferred too long", deferred(now.plus_ms(MINUTE), now.plus_ms(-2 * DAY))),
        ("refused", delivered(DeliveryState::Refused)),
        ("leaving", delivered(DeliveryState::Leaving { epoch: 1, at: now })),
        ("uncertain", delivered(DeliveryState::Uncertain { at: now })),
        ("proven not sent", delivered(DeliveryState::NotSent)),
        ("cancelled", delivered(DeliveryState::Cancelled)),
        ("bounced", blocked(BlockReason::Bounced { dsn: "5.1.1 no such user".into() })),
        ("duplicate address", blocked(BlockReason::DuplicateAddress)),
        ("held for review", blocked(BlockReason::HeldForReview)),
    ]
}

fn told(explained: &Explained) -> String {
    let held = explained.rules.iter().filter(|rule| rule.verdict != Verdict::Allows);
    let compared: Vec<String> = held.map(|Rule { kind, compared, .. }| format!("{kind:?}: {compared}")).collect();
    format!("  {}\n  -> {}\n  {}\n", explained.sentence(), explained.releases(), compared.join(" | "))
}

#[test]
fn every_kind_of_hold_has_words_values_and_what_releases_it() {
    let mut text = String::new();
    for (name, explained) in of_rules().into_iter().chain(of_states()) {
        let _ = write!(text, "{name}\n{}", told(&explained));
    }
    insta::assert_snapshot!("explanations", text);
}

fn foreseen(plan: &Plan, change: impl FnOnce(&mut Mailbox, &mut Person), missing: &[&str]) -> Vec<String> {
    let (mut mailbox, mut person, workspace) = (mailbox(), person(), workspace());
    change(&mut mailbox, &mut person);
    let enrollment = enrollment(State::Active { step: step_id(1), due: at(NINE_48) });
    let facts = Facts { mailbox: Some(&mailbox), ..Facts::new(at(NINE_48), &enrollment, plan, &person, &workspace) };
    let missing: Vec<_> = vec![(step_id(2), missing.iter().map(|tag| (*tag).to_owned()).collect())];
    let world = [Prospect { facts, missing: &missing, explains: true }];
    let steps = forecast_all(&world, None).steps.pop().unwrap();
    assert!(steps[0].foresight.is_none() && steps[0].explained.is_some(), "the current step has its own explanation");
    steps[1..]
        .iter()
        .map(|step| step.foresight.as_ref().unwrap())
        .map(|foresight: &Foresight| format!("{} -> {}", foresight.sentence(), foresight.releases()))
        .collect()
}

#[test]
fn a_later_step_is_explained_by_the_rules_as_they_will_be() {
    let days = |n| wait(n, WaitUnit::Days);
    let plan = plan(
        vec![
            email(1, Wait::IMMEDIATELY),
            email(2, days(1)),
            email(3, days(3)),
            task(4, days(1), TaskMode::Wait),
            email(5, days(1)),
        ],
        Some(Schedule { holidays: vec![date("2026-11-30").into()], ..Schedule::default() }),
    );
    let told = foreseen(&plan, |_, _| (), &[]);
    assert_eq!(
        told,
        [
            "It leaves at about Wed 25 Nov, 09:48 in Lisbon: it is due then, and nothing is expected to hold it. -> \
             The clock. You do not need to do anything.",
            "It is due Sat 28 Nov, 09:48 and waits for the next sending day: 30 November is a holiday of this sequence. \
             It leaves at about Tue 1 Dec, 09:00 in Lisbon. -> The clock. You do not need to do anything.",
            "It is created at Wed 2 Dec, 09:00 in Lisbon: it is due then, and nothing is expected to hold it. -> The \
             clock. You do not need to do anything.",
            "It leaves at about Fri 4 Dec, 09:00 in Lisbon: it is due then, and nothing is expected to hold it. The \
             date holds if the task before it is done when it is due. -> The task before it, once it is done or \
             skipped.",
        ]
    );
}

#[test]
fn a_later_step_names_the_holiday_that_its_wait_leaves_out() {
    let plan = plan(
        vec![email(1, Wait::IMMEDIATELY), email(2, wait(4, WaitUnit::BusinessDays))],
        Some(Schedule { holidays: vec![date("2026-11-26").into()], ..Schedule::default() }),
    );
    assert_eq!(
        foreseen(&plan, |_, _| (), &[]),
        [
            "It leaves at about Tue 1 Dec, 09:48 in Lisbon: it is due then, and nothing is expected to hold it. Its wait \
          leaves out a holiday: 26 November is a holiday of this sequence. -> The clock. You do not need to do anything."
        ]
    );
}

#[test]
fn a_later_step_that_will_lack_a_value_says_so_and_those_after_it_name_it() {
    let days = |n| wait(n, WaitUnit::Days);
    let plan = plan(vec![email(1, Wait::IMMEDIATELY), email(2, days(1)), email(3, days(3))], None);
    let told = foreseen(&plan, |_, _| (), &["person.industry"]);
    assert_eq!(
        told,
        [
            "The email needs a value for industry. -> It leaves by itself once the value is there.",
            "It has no date yet: it comes 3 days after step 2, which has none. -> What step 2 waits for.",
        ]
    );
}

#[test]
fn what_is_not_asked_for_is_not_foreseen() {
    let (mailbox, person, workspace, plan) = (mailbox(), person(), workspace(), two_emails());
    let enrollment = enrollment(active(1, DUE));
    let facts = Facts { mailbox: Some(&mailbox), ..Facts::new(at(NINE_48), &enrollment, &plan, &person, &workspace) };
    let world = [Prospect { facts, missing: &[], explains: false }];
    assert!(forecast_all(&world, None).steps[0].iter().all(|step| step.foresight.is_none()));
}
