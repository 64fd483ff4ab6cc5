use crate::build::{at, email, id, local, mailbox, person, plan, step_id, task, wait};
use relance_domain::{
    EnrollmentId, SuppressionId, TeamId, Timestamp, UserId,
    calendar::LocalSchedule,
    enrolling::{Candidate, following, may_enroll, start},
    schedule::Schedule,
    sequence::{Plan, SequenceState, UsableBy},
    step::{TaskMode, Wait, WaitUnit},
    suppression::{Suppression, SuppressionReason},
    time::zone,
    user::{Actor, Role},
};

fn three() -> Plan {
    let day = wait(1, WaitUnit::BusinessDays);
    plan(vec![email(1, wait(2, WaitUnit::Hours)), email(2, day), email(3, day)], Some(Schedule::default()))
}

const FRIDAY: &str = "2026-11-27T15:00[Europe/Paris]";

fn paris(plan: &Plan) -> LocalSchedule<'_> {
    LocalSchedule::new(plan.schedule.as_ref(), zone("Europe/Paris").unwrap())
}

#[test]
fn the_first_wait_counts_from_the_start() {
    let plan = three();
    let begins = |step| start(&plan, step, at(FRIDAY), &paris(&plan));
    assert_eq!(begins(None), Some((step_id(1), at("2026-11-27T17:00[Europe/Paris]"))));
    assert_eq!(begins(Some(step_id(2))), Some((step_id(2), at("2026-11-30T15:00[Europe/Paris]"))));
    assert_eq!(begins(Some(step_id(9))), None);
    assert_eq!(start(&Plan::default(), None, at(FRIDAY), &paris(&plan)), None);
}

#[test]
fn the_next_wait_counts_from_when_the_step_was_really_done() {
    let plan = three();
    let next = following(&plan, step_id(1), &[step_id(1)], at(FRIDAY), &paris(&plan)).unwrap();
    assert_eq!((next.0, local(next.1, "Europe/Paris")), (step_id(2), "Mon 2026-11-30 15:00".into()));
    assert_eq!(following(&plan, step_id(3), &[step_id(1), step_id(2), step_id(3)], at(FRIDAY), &paris(&plan)), None);
}

#[test]
fn after_steps_moved_nobody_gets_one_twice_and_a_lost_step_keeps_its_place() {
    let mut plan = three();
    plan.steps.swap(0, 1);
    let after = |step, done: &[u128]| {
        let done: Vec<_> = done.iter().map(|n| step_id(*n)).collect();
        following(&plan, step_id(step), &done, at(FRIDAY), &paris(&plan)).map(|(id, _)| id)
    };
    assert_eq!(after(2, &[2]), Some(step_id(1)));
    assert_eq!(after(2, &[1, 2]), Some(step_id(3)));
    assert_eq!(after(1, &[1, 2]), Some(step_id(3)));
    assert_eq!(after(99, &[2, 1, 99]), Some(step_id(3)), "goes on after the last done step it knows");
    assert_eq!(after(99, &[99]), Some(step_id(2)));
}

struct Case {
    person: relance_domain::person::Person,
    plan: Plan,
    mailbox: Option<relance_domain::mailbox::Mailbox>,
    sequence: SequenceState,
    asked_by: Actor,
    actor: u128,
    may_use: bool,
    ongoing: Option<EnrollmentId>,
    suppressed: Option<SuppressionReason>,
    bounced_before: bool,
}

fn refusal(change: impl FnOnce(&mut Case)) -> Option<String> {
    let mut case = Case {
        person: person(),
        plan: three(),
        mailbox: Some(mailbox()),
        sequence: SequenceState::Active,
        asked_by: Actor::User { id: UserId::from_uuid(id(9)), role: Role::Rep },
        actor: 9,
        may_use: true,
        ongoing: None,
        suppressed: None,
        bounced_before: false,
    };
    change(&mut case);
    let entry = case.suppressed.map(|reason| Suppression {
        id: SuppressionId::from_uuid(id(6)),
        entry: "portocold.example".into(),
        reason,
        note: String::new(),
        added_by: None,
        created_at: Timestamp::from_ms(0),
    });
    let candidate = Candidate {
        person: &case.person,
        sequence: case.sequence,
        plan: &case.plan,
        mailbox: case.mailbox.as_ref(),
        asked_by: &case.asked_by,
        actor_id: UserId::from_uuid(id(case.actor)),
        may_use: case.may_use,
        ongoing: case.ongoing,
        suppressed: entry.as_ref(),
        bounced_before: case.bounced_before,
    };
    may_enroll(&candidate).err().map(|refused| {
        assert!(refused.message.ends_with('.'), "{}", refused.message);
        refused.code
    })
}

#[test]
fn every_refusal_has_its_code_and_a_sentence() {
    assert_eq!(refusal(|_| {}), None);
    let code = |change: fn(&mut Case)| refusal(change).unwrap();
    assert_eq!(code(|case| case.sequence = SequenceState::Draft), "sequence_not_active");
    assert_eq!(code(|case| case.sequence = SequenceState::Archived), "sequence_not_active");
    assert_eq!(code(|case| case.actor = 10), "not_permitted");
    assert_eq!(code(|case| case.may_use = false), "not_permitted");
    assert_eq!(code(|case| case.mailbox.as_mut().unwrap().user_id = UserId::from_uuid(id(10))), "not_permitted");
    assert_eq!(code(|case| case.ongoing = Some(EnrollmentId::from_uuid(id(1)))), "already_active");
    assert_eq!(code(|case| case.mailbox = None), "no_mailbox");
    assert_eq!(code(|case| case.person.fields.email.clear()), "no_email");
    assert_eq!(code(|case| case.person.fields.email = "rui@".into()), "invalid_email");
    assert_eq!(code(|case| case.suppressed = Some(SuppressionReason::Manual)), "suppressed");
    assert_eq!(code(|case| case.suppressed = Some(SuppressionReason::HardBounce)), "bounced_before");
    assert_eq!(code(|case| case.bounced_before = true), "bounced_before");
}

#[test]
fn a_sequence_without_emails_needs_neither_address_nor_mailbox() {
    let tasks_only = |case: &mut Case| {
        case.plan = plan(vec![task(1, Wait::IMMEDIATELY, TaskMode::Wait)], None);
        case.person.fields.email.clear();
        case.mailbox = None;
        case.suppressed = Some(SuppressionReason::Manual);
    };
    assert_eq!(refusal(tasks_only), None);
}

#[test]
fn managers_enroll_on_behalf_of_others() {
    let by_manager =
        |case: &mut Case| case.asked_by = Actor::User { id: UserId::from_uuid(id(10)), role: Role::Manager };
    assert_eq!(refusal(by_manager), None);
    assert_eq!(refusal(|case| case.asked_by = Actor::System), None);
}

#[test]
fn a_sequence_may_be_kept_for_some_teams_and_users_and_admins_always_may() {
    let (rita, south) = (UserId::from_uuid(id(9)), TeamId::from_uuid(id(3)));
    let as_role = |role| Actor::User { id: rita, role };
    let rep = as_role(Role::Rep);
    assert!(UsableBy::Everyone.allows(&rep, None));
    let some = |teams: &[TeamId], users: &[UserId]| UsableBy::Some { teams: teams.to_vec(), users: users.to_vec() };
    assert!(some(&[], &[rita]).allows(&rep, None) && some(&[south], &[]).allows(&rep, Some(south)));
    assert!(!some(&[south], &[]).allows(&rep, None) && !some(&[], &[]).allows(&as_role(Role::Manager), Some(south)));
    assert!(some(&[], &[]).allows(&as_role(Role::Admin), None) && some(&[], &[]).allows(&Actor::System, None));
}
