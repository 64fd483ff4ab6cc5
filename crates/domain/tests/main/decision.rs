use crate::build::{
    at, date, email, enrollment, id, local, mailbox, open_task, person, plan, schedule, step_id, task, wait, window,
    workspace,
};
use relance_domain::{
    DeliveryId, EnrollmentId, MailboxId, PersonId, SuppressionId, Timestamp,
    decision::{Decision, Explained, Facts, RuleKind, Verdict, decide, decision, task_overdue_at},
    delivery::{Delivery, DeliveryState},
    enrollment::{BlockReason, FinishReason, PausedBy, State},
    mailbox::{Away, MailboxState},
    schedule::{Day, Schedule, WindowFor},
    sequence::{OnBounce, Plan},
    start_check::{StartCheck, Why},
    step::{TaskMode, Wait, WaitUnit},
    suppression::{Suppression, SuppressionReason},
    time::{DAY, HOUR, MINUTE, SECOND},
};

pub const NINE_48: &str = "2026-11-24T09:48:07[Europe/Lisbon]";

pub fn two_emails() -> Plan {
    plan(vec![email(1, Wait::IMMEDIATELY), email(2, wait(1, WaitUnit::BusinessDays))], Some(Schedule::default()))
}

pub fn active(step: u128, due: &str) -> State {
    State::Active { step: step_id(step), due: at(due) }
}

pub fn suppression(reason: SuppressionReason) -> Suppression {
    Suppression {
        id: SuppressionId::from_uuid(id(6)),
        entry: "portocold.example".into(),
        reason,
        note: String::new(),
        added_by: None,
        created_at: Timestamp::from_ms(0),
    }
}

pub fn delivery(state: DeliveryState) -> Delivery {
    Delivery {
        id: DeliveryId::from_uuid(id(4)),
        enrollment_id: EnrollmentId::from_uuid(id(1)),
        person_id: PersonId::from_uuid(id(7)),
        step_id: step_id(1),
        generation: 1,
        mailbox_id: MailboxId::from_uuid(id(8)),
        state,
        message_id: "x@halden.example".into(),
        recipient: "rui.almeida@portocold.example".into(),
        subject: String::new(),
        html: String::new(),
        text: String::new(),
        attachments: Vec::new(),
        in_reply_to: None,
        references: Vec::new(),
        smtp_reply: Some("550 5.1.1 no such user".into()),
        attempts: 1,
        created_at: Timestamp::from_ms(0),
    }
}

/// Decides a first email that is due at 09:12 and could leave at 09:48, after `change`.
pub fn with(change: impl FnOnce(&mut Facts<'_>)) -> Explained {
    with_state(active(1, "2026-11-24T09:12[Europe/Lisbon]"), two_emails(), change)
}

pub fn with_state(state: State, plan: Plan, change: impl FnOnce(&mut Facts<'_>)) -> Explained {
    let (enrollment, person, workspace, mailbox) = (enrollment(state), person(), workspace(), mailbox());
    let mut facts =
        Facts { mailbox: Some(&mailbox), ..Facts::new(at(NINE_48), &enrollment, &plan, &person, &workspace) };
    change(&mut facts);
    let explained = decide(&facts);
    assert_eq!(decision(&facts), explained.decision, "the answer with words and without is the same");
    explained
}

fn row(explained: &Explained, kind: RuleKind) -> (&str, Verdict) {
    explained.rules.iter().find(|rule| rule.kind == kind).map(|rule| (rule.compared.as_str(), rule.verdict)).unwrap()
}

fn wait_of(explained: &Explained) -> (RuleKind, Option<Timestamp>) {
    match &explained.decision {
        Decision::Wait { until, because } => (*because, *until),
        other => panic!("expected a wait, got {other:?}"),
    }
}

fn block_of(explained: &Explained) -> (&'static str, Option<Timestamp>) {
    match &explained.decision {
        Decision::Block { reason, resumes_at } => (reason.code(), *resumes_at),
        other => panic!("expected a block, got {other:?}"),
    }
}

#[test]
fn nothing_against_it_means_it_leaves_now() {
    let explained = with(|_| {});
    assert_eq!(explained.decision, Decision::Send);
    assert_eq!(explained.leaves_at, Some(at(NINE_48)));
    assert_eq!(explained.sentence(), "Nothing holds it: it leaves now.");
    assert!(explained.rules.iter().all(|rule| rule.verdict == Verdict::Allows));
    let kinds: Vec<RuleKind> = explained.rules.iter().map(|rule| rule.kind).collect();
    use RuleKind as R;
    assert_eq!(kinds, [R::Due, R::Stopped, R::Reply, R::Window, R::SendingDay, R::Quota, R::Gap, R::MergeData]);
}

#[test]
fn the_explanation_of_a_follow_up_that_waits_for_its_window_reads_as_designed() {
    let windows = vec![window("09:00", "12:00", WindowFor::First), window("13:00", "17:00", WindowFor::FollowUp)];
    let plan =
        plan(vec![email(1, Wait::IMMEDIATELY), email(2, Wait::IMMEDIATELY)], Some(schedule(&Day::ALL[..5], windows)));
    let mut proved = mailbox();
    proved.proved_at = Some(at(NINE_48).plus_ms(-12 * SECOND));
    let explained = with_state(active(2, "2026-11-24T09:12[Europe/Lisbon]"), plan, |facts| {
        facts.emails_sent = 1;
        facts.used_today = 41;
        facts.mailbox = Some(Box::leak(Box::new(proved)));
        facts.last_slot_at = Some(at("2026-11-24T13:00:30[Europe/Lisbon]"));
    });
    let opens = at("2026-11-24T13:00[Europe/Lisbon]");
    assert_eq!(wait_of(&explained), (RuleKind::Window, Some(opens)));
    assert_eq!(row(&explained, RuleKind::Due).0, "09:12, and it is 09:48");
    assert_eq!(row(&explained, RuleKind::Stopped).0, "All active, nobody has stopped them");
    assert_eq!(row(&explained, RuleKind::Reply).0, "Inbox checked 12 s ago; limit 45 s");
    let holds = Verdict::Holds { until: Some(opens) };
    assert_eq!(row(&explained, RuleKind::Window), ("Follow-ups leave 13:00–17:00 Lisbon, and it is 09:48", holds));
    assert_eq!(row(&explained, RuleKind::SendingDay).0, "Tuesday; no holiday");
    assert_eq!(row(&explained, RuleKind::Quota).0, "41 of 200 sent today");
    assert_eq!(row(&explained, RuleKind::MergeData).0, "All tags have values");
    let leaves = explained.leaves_at.unwrap();
    assert!((61..=121).contains(&(leaves.since(opens) / SECOND)), "{leaves}");
    let minute = local(leaves, "Europe/Lisbon");
    assert_eq!(
        explained.sentence(),
        format!(
            "It waits for the follow-up window, which opens at 13:00 in Lisbon. It leaves at about {}.",
            &minute[minute.len() - 5..]
        )
    );
    assert_eq!(explained.releases(), "The clock, at 13:00 in Lisbon. You do not need to do anything.");
    assert!(Explained::would_stop("Rui").starts_with("A reply from Rui, a stop"));
}

#[test]
fn an_inbox_that_was_not_checked_lately_never_makes_a_decision_wait() {
    let explained = with(|facts| facts.emails_sent = 1);
    assert_eq!(explained.decision, Decision::Send);
    assert_eq!(row(&explained, RuleKind::Reply).0, "The inbox will be checked just before it leaves");
    let mut stale = mailbox();
    stale.proved_at = Some(at(NINE_48).plus_ms(-5 * MINUTE));
    let explained = with(|facts| {
        facts.emails_sent = 1;
        facts.mailbox = Some(Box::leak(Box::new(stale)));
    });
    assert_eq!(explained.decision, Decision::Send);
    assert_eq!(row(&explained, RuleKind::Reply).0, "Inbox checked 5 min ago; it will be checked just before it leaves");
}

#[test]
fn it_waits_until_it_is_due_and_says_when_it_leaves() {
    let explained = with_state(active(1, "2026-11-28T10:00[Europe/Lisbon]"), two_emails(), |_| {});
    assert_eq!(wait_of(&explained), (RuleKind::Due, Some(at("2026-11-28T10:00[Europe/Lisbon]"))));
    assert_eq!(local(explained.leaves_at.unwrap(), "Europe/Lisbon"), "Mon 2026-11-30 09:00");
    assert_eq!(
        explained.sentence(),
        "It is not due before Sat 28 Nov, 10:00 in Lisbon. It leaves at about Mon 30 Nov, 09:00."
    );
}

#[test]
fn on_a_day_without_sending_or_a_holiday_it_waits_for_the_next_sending_day() {
    let saturday = at("2026-11-28T10:00[Europe/Lisbon]");
    let explained = with(|facts| facts.now = saturday);
    assert_eq!(wait_of(&explained), (RuleKind::SendingDay, Some(at("2026-11-30T09:00[Europe/Lisbon]"))));
    assert_eq!(row(&explained, RuleKind::SendingDay).0, "Saturday is not a sending day");
    let mut plan = two_emails();
    plan.schedule = Some(Schedule { holidays: vec![date("2026-11-24").into()], ..Schedule::default() });
    let explained = with_state(active(1, "2026-11-24T09:12[Europe/Lisbon]"), plan, |_| {});
    assert_eq!(wait_of(&explained), (RuleKind::SendingDay, Some(at("2026-11-25T09:00[Europe/Lisbon]"))));
    assert_eq!(row(&explained, RuleKind::SendingDay).0, "24 November is a holiday of this sequence");
}

#[test]
fn without_a_schedule_it_leaves_at_any_time() {
    let mut plan = two_emails();
    plan.schedule = None;
    let explained = with_state(active(1, "2026-11-22T03:00[Europe/Lisbon]"), plan, |facts| {
        facts.now = at("2026-11-22T03:00[Europe/Lisbon]");
    });
    assert_eq!(explained.decision, Decision::Send);
}

#[test]
fn held_only_by_the_quota_it_is_blocked_with_its_slot() {
    let explained = with(|facts| facts.used_today = 200);
    let slot = at("2026-11-25T09:00[Europe/Lisbon]");
    assert_eq!(block_of(&explained), ("quota_reached", Some(slot)));
    assert_eq!(row(&explained, RuleKind::Quota), ("200 of 200 sent today", Verdict::Holds { until: Some(slot) }));
    assert_eq!(explained.leaves_at, Some(slot));
    let night = with(|facts| {
        facts.used_today = 200;
        facts.now = at("2026-11-24T20:00[Europe/Lisbon]");
    });
    assert_eq!(wait_of(&night).0, RuleKind::Window, "the window holds it too, so it waits");
}

#[test]
fn a_blocked_email_keeps_a_later_slot_and_leaves_once_the_quota_allows() {
    let planned = at("2026-11-26T09:00[Europe/Lisbon]");
    let blocked = || State::Blocked {
        step: step_id(1),
        due: at("2026-11-23T09:12[Europe/Lisbon]"),
        reason: BlockReason::QuotaReached,
        resumes_at: Some(planned),
    };
    let still = with_state(blocked(), two_emails(), |facts| facts.used_today = 200);
    assert_eq!(block_of(&still), ("quota_reached", Some(planned)));
    assert_eq!(with_state(blocked(), two_emails(), |_| {}).decision, Decision::Send);
}

#[test]
fn the_gap_adds_at_most_one_and_a_half_of_itself() {
    let last = at(NINE_48).plus_ms(-10 * SECOND);
    let explained = with(|facts| facts.last_slot_at = Some(last));
    let (because, until) = wait_of(&explained);
    assert_eq!(because, RuleKind::Gap);
    assert!((60_000..=90_000).contains(&until.unwrap().since(last)));
    assert!(matches!(row(&explained, RuleKind::Gap).1, Verdict::AddsMs { ms } if ms <= 80_000));
    let free = with(|facts| facts.last_slot_at = Some(last.plus_ms(-80 * SECOND)));
    assert_eq!(free.decision, Decision::Send);
}

#[test]
fn a_missing_value_blocks_the_email_until_it_is_there() {
    let tags = vec!["person.industry".to_owned(), "person.first_name".to_owned()];
    let blocked = State::Blocked {
        step: step_id(1),
        due: at("2026-11-24T09:12[Europe/Lisbon]"),
        reason: BlockReason::MissingMergeData { tags: tags.clone() },
        resumes_at: None,
    };
    let explained = with(|facts| facts.missing_tags = Box::leak(tags.into_boxed_slice()));
    assert_eq!(block_of(&explained), ("missing_merge_data", None));
    assert_eq!(explained.sentence(), "The email needs a value for industry and first name.");
    assert_eq!(with_state(blocked, two_emails(), |_| {}).decision, Decision::Send);
    assert_eq!(block_of(&with(|facts| facts.template_error = Some("Line 1: no"))).0, "template_error");
}

#[test]
fn reasons_that_need_a_person_or_an_event_hold_until_then() {
    let reasons = [
        BlockReason::RecipientRefused { smtp: "550".into() },
        BlockReason::Bounced { dsn: "5.1.1".into() },
        BlockReason::DuplicateAddress,
        BlockReason::DeliveryUncertain,
        BlockReason::TemplateError { what: "x".into() },
        BlockReason::LateStart,
        BlockReason::HeldForReview,
    ];
    for reason in reasons {
        let state = State::Blocked {
            step: step_id(1),
            due: at("2026-11-24T09:12[Europe/Lisbon]"),
            reason: reason.clone(),
            resumes_at: None,
        };
        let explained = with_state(state, two_emails(), |_| {});
        assert_eq!(explained.decision, Decision::Block { reason: reason.clone(), resumes_at: None });
        assert!(!explained.releases().is_empty());
        assert_eq!(explained.sentence(), reason.sentence());
    }
}

#[test]
fn pauses_of_any_kind_hold_without_an_end_of_their_own() {
    let mut paused = workspace();
    paused.paused_at = Some(at("2026-11-24T09:00[Europe/Lisbon]"));
    let mut resting = mailbox();
    resting.state = MailboxState::Paused;
    let (paused, resting) = (&*Box::leak(Box::new(paused)), &*Box::leak(Box::new(resting)));
    type Change = Box<dyn Fn(&mut Facts<'_>)>;
    let held: [(&str, Change); 4] = [
        ("The sequence is paused", Box::new(|facts| facts.sequence_paused = true)),
        ("The rep who enrolled is deactivated", Box::new(|facts| facts.actor_active = false)),
        ("All sending is stopped", Box::new(|facts| facts.workspace = paused)),
        ("The mailbox is paused", Box::new(|facts| facts.mailbox = Some(resting))),
    ];
    for (words, change) in held {
        let explained = with(|facts| change(facts));
        assert_eq!(wait_of(&explained), (RuleKind::Stopped, None));
        assert_eq!(explained.sentence(), format!("It waits. {words}."));
        assert!(explained.releases().contains(", by re"), "{}", explained.releases());
        assert_eq!(explained.leaves_at, None);
    }
    let until = Some(at("2026-11-30T09:00[Europe/Lisbon]"));
    let state =
        State::Paused { step: step_id(1), due: at("2026-11-24T09:12[Europe/Lisbon]"), until, by: PausedBy::AutoReply };
    let explained = with_state(state, two_emails(), |_| {});
    assert_eq!(wait_of(&explained), (RuleKind::Stopped, until));
    assert_eq!(explained.sentence(), "It is paused until Mon 30 Nov, 09:00. It leaves at about Mon 30 Nov, 09:00.");
}

#[test]
fn an_end_prevails_over_everything_else() {
    let ended = with(|facts| {
        facts.person_deleted = true;
        facts.sequence_paused = true;
        facts.used_today = 999;
    });
    assert_eq!(ended.decision, Decision::Finish { reason: FinishReason::PersonDeleted });
    let archived = with(|facts| facts.sequence_archived = true);
    assert_eq!(archived.decision, Decision::Finish { reason: FinishReason::SequenceArchived });
    let finished = State::Finished { reason: FinishReason::Replied, at: at(NINE_48) };
    let explained = with_state(finished, two_emails(), |_| {});
    assert_eq!(explained.decision, Decision::Finish { reason: FinishReason::Replied });
    assert_eq!(explained.sentence(), "The sequence ended because the person replied.");
}

#[test]
fn a_listed_address_ends_a_sequence_that_has_emails() {
    let decided = |reason, plan: Plan| {
        let entry = suppression(reason);
        with_state(active(1, "2026-11-24T09:12[Europe/Lisbon]"), plan, |facts| {
            facts.suppressed = Some(Box::leak(Box::new(entry)));
        })
        .decision
    };
    use SuppressionReason as S;
    assert_eq!(decided(S::Manual, two_emails()), Decision::Finish { reason: FinishReason::Suppressed });
    assert_eq!(decided(S::Unsubscribed, two_emails()), Decision::Finish { reason: FinishReason::Unsubscribed });
    assert_eq!(decided(S::Complained, two_emails()), Decision::Finish { reason: FinishReason::Complained });
    let Decision::Block { reason, .. } = decided(S::HardBounce, two_emails()) else { panic!("not blocked") };
    assert_eq!(reason.code(), "bounced");
    let mut finishes = two_emails();
    finishes.exit.on_bounce = OnBounce::Finish;
    assert_eq!(decided(S::HardBounce, finishes), Decision::Finish { reason: FinishReason::Bounced });
    let tasks_only = plan(vec![task(1, Wait::IMMEDIATELY, TaskMode::Wait)], None);
    assert_eq!(decided(S::Manual, tasks_only), Decision::CreateTask);
}

#[test]
fn a_mailbox_that_cannot_send_holds_its_emails_and_marks_nobody() {
    let decided = |state| {
        let mut broken = mailbox();
        broken.state = state;
        with(|facts| facts.mailbox = Some(Box::leak(Box::new(broken))))
    };
    let (message, now) = (String::from("The server asks for STARTTLS."), at(NINE_48));
    let fresh = decided(MailboxState::Unreachable { since: now.plus_ms(-10 * MINUTE), message: message.clone() });
    assert_eq!(wait_of(&fresh), (RuleKind::Mailbox, Some(now.plus_ms(50 * MINUTE))));
    let long = decided(MailboxState::Unreachable { since: now.plus_ms(-HOUR), message: message.clone() });
    assert_eq!(block_of(&long), ("mailbox_disconnected", None));
    let refused = decided(MailboxState::AuthFailed { since: now, message: message.clone() });
    assert_eq!(block_of(&refused), ("auth_failed", None));
    let wrong = decided(MailboxState::Misconfigured { since: now, message });
    assert_eq!(block_of(&wrong), ("mailbox_settings", None));
    assert_eq!(wrong.sentence(), "The mailbox cannot send: The server asks for STARTTLS.");
    assert_eq!(block_of(&with(|facts| facts.mailbox = None)).0, "mailbox_settings");
}

#[test]
fn an_away_mailbox_waits_for_the_day_after() {
    let mut away = mailbox();
    away.away = vec![Away { from: date("2026-11-24"), to: date("2026-11-25") }];
    let explained = with(|facts| facts.mailbox = Some(Box::leak(Box::new(away))));
    assert_eq!(wait_of(&explained), (RuleKind::Away, Some(at("2026-11-26T00:00[Europe/Berlin]"))));
    assert_eq!(explained.leaves_at, Some(at("2026-11-26T09:00[Europe/Lisbon]")));
}

#[test]
fn someone_without_a_usable_address_is_blocked() {
    let mut nobody = person();
    nobody.fields.email.clear();
    let nobody = &*Box::leak(Box::new(nobody));
    assert_eq!(block_of(&with(|facts| facts.person = nobody)), ("no_recipient", None));
    let mut wrong = person();
    wrong.fields.email = "rui at portocold".into();
    let wrong = &*Box::leak(Box::new(wrong));
    assert_eq!(block_of(&with(|facts| facts.person = wrong)), ("no_recipient", None));
}

#[test]
fn what_became_of_the_email_decides_whether_it_may_leave() {
    let now = at(NINE_48);
    let decided = |state| {
        let delivery = delivery(state);
        with(|facts| facts.delivery = Some(Box::leak(Box::new(delivery))))
    };
    use DeliveryState as S;
    assert_eq!(decided(S::Planned).decision, Decision::Send);
    assert_eq!(decided(S::Claimed { epoch: 1 }).decision, Decision::Send);
    assert_eq!(wait_of(&decided(S::NotSent)), (RuleKind::Delivery, None), "sending it again is a new generation");
    assert_eq!(wait_of(&decided(S::Leaving { epoch: 1, at: now })), (RuleKind::Delivery, None));
    assert_eq!(wait_of(&decided(S::Sent { at: now })), (RuleKind::Delivery, None));
    assert_eq!(wait_of(&decided(S::Cancelled)), (RuleKind::Delivery, None));
    assert_eq!(block_of(&decided(S::Uncertain { at: now })).0, "delivery_uncertain");
    assert_eq!(block_of(&decided(S::Refused)).0, "recipient_refused");
    let later = now.plus_ms(MINUTE);
    let deferred = |until, since| S::Deferred { until, attempts: 3, since };
    let waits = decided(deferred(later, now.plus_ms(-HOUR)));
    assert_eq!(wait_of(&waits), (RuleKind::Delivery, Some(later)));
    assert_eq!(
        waits.sentence(),
        "The mail server refused it for now; it is tried again at 09:49. It leaves at about 09:49."
    );
    assert_eq!(decided(deferred(now, now.plus_ms(-HOUR))).decision, Decision::Send);
    assert_eq!(block_of(&decided(deferred(later, now.plus_ms(-2 * DAY)))).0, "recipient_refused");
}

#[test]
fn a_mailbox_that_is_compared_after_a_start_says_what_happened_and_what_releases_it() {
    let check = StartCheck {
        why: Why::Outage,
        data_until: at(NINE_48).plus_ms(-6 * DAY),
        started_at: at(NINE_48),
        done_at: None,
    };
    let held = with(|facts| facts.comparing = Some(Box::leak(Box::new(check))));
    assert_eq!(wait_of(&held), (RuleKind::StartCheck, None));
    assert_eq!(
        held.sentence(),
        "It waits. Relance did not run for 6 days; the inbox must be read and the Sent folder compared first."
    );
    assert!(held.releases().starts_with("The mailbox, by itself"), "{}", held.releases());
    assert!(with(|_| ()).compared(RuleKind::StartCheck).is_none(), "nothing is said where nothing is to be compared");
}

#[test]
fn after_an_outage_of_more_than_seven_days_a_first_email_is_given_up_and_a_follow_up_never() {
    let late = |emails_sent, days: i64| {
        with(|facts| {
            facts.emails_sent = emails_sent;
            facts.now = at(NINE_48).plus_ms(days * DAY);
            facts.worked_since = Some(facts.now);
        })
    };
    assert_eq!(late(0, 1).decision, Decision::Send);
    assert_eq!(late(0, 7 - 1).decision, Decision::Send);
    assert_eq!(block_of(&late(0, 8)).0, "late_start");
    let follow_up = late(1, 30);
    assert_eq!(follow_up.decision, Decision::Send);
    assert_eq!(row(&follow_up, RuleKind::Lateness).0, "30 days late after an outage; later steps move with it");
    let resumed = with(|facts| {
        facts.now = at(NINE_48).plus_ms(14 * DAY);
        (facts.resumed_at, facts.worked_since) = (Some(facts.now), Some(facts.now));
    });
    assert_eq!(resumed.decision, Decision::Send, "a pause that ended is not lateness");
    let queued = with(|facts| facts.now = at(NINE_48).plus_ms(14 * DAY));
    assert_eq!(queued.decision, Decision::Send, "neither is waiting in the queue of the mailbox");
}

#[test]
fn closed_days_and_away_dates_are_not_lateness() {
    let mut plan = two_emails();
    let holidays =
        (24..=30).map(|day| date(&format!("2026-11-{day}"))).chain((1..=4).map(|d| date(&format!("2026-12-0{d}"))));
    plan.schedule = Some(Schedule { holidays: holidays.map(Into::into).collect(), ..Schedule::default() });
    let explained = with_state(active(1, "2026-11-24T09:12[Europe/Lisbon]"), plan, |facts| {
        facts.now = at("2026-12-07T09:00[Europe/Lisbon]");
        facts.worked_since = Some(facts.now);
    });
    assert_eq!(explained.decision, Decision::Send);
}

#[test]
fn a_task_is_created_when_due_and_waited_for_as_its_step_says() {
    let made = at("2026-11-23T10:00[Europe/Lisbon]");
    let due = at("2026-11-24T10:00[Europe/Lisbon]");
    let decided = |mode, open: bool, now: Timestamp| {
        let plan = plan(vec![task(1, Wait::IMMEDIATELY, mode)], Some(Schedule::default()));
        let task = open_task(step_id(1), made, due);
        let task = &*Box::leak(Box::new(task));
        with_state(State::Active { step: step_id(1), due: made }, plan, |facts| {
            facts.open_task = open.then_some(task);
            facts.now = now;
        })
    };
    assert_eq!(decided(TaskMode::Wait, false, made).decision, Decision::CreateTask);
    assert_eq!(wait_of(&decided(TaskMode::Wait, true, due)), (RuleKind::Task, None));
    let overdue = at("2026-11-26T10:00[Europe/Lisbon]");
    let waits = decided(TaskMode::WaitUntilOverdue, true, due);
    assert_eq!(wait_of(&waits), (RuleKind::Task, Some(overdue)));
    assert_eq!(waits.sentence(), "It waits for the open task, until Thu 26 Nov, 10:00 at the latest.");
    let skip = Decision::Skip { because: RuleKind::Task };
    assert_eq!(decided(TaskMode::WaitUntilOverdue, true, overdue).decision, skip);
    assert_eq!(decided(TaskMode::GoOn, true, due).decision, skip);
    let night = at("2026-11-28T03:00[Europe/Lisbon]");
    assert_eq!(decided(TaskMode::Wait, false, night).decision, Decision::CreateTask, "windows are for emails");
}

#[test]
fn only_wait_until_overdue_has_an_end_of_its_own() {
    let local = relance_domain::calendar::LocalSchedule::new(None, jiff::tz::TimeZone::UTC);
    let open = open_task(step_id(1), at(NINE_48), at(NINE_48));
    assert_eq!(task_overdue_at(&open, &task(1, Wait::IMMEDIATELY, TaskMode::Wait), &local), None);
    assert_eq!(task_overdue_at(&open, &task(1, Wait::IMMEDIATELY, TaskMode::GoOn), &local), None);
    let end = task_overdue_at(&open, &task(1, Wait::IMMEDIATELY, TaskMode::WaitUntilOverdue), &local);
    assert_eq!(end, Some(at(NINE_48).plus_ms(2 * DAY)));
}

#[test]
fn a_manual_email_is_a_task_until_someone_presses_send() {
    let relance_domain::step::Action::AutomatedEmail { email: text } = email(1, Wait::IMMEDIATELY).action else {
        panic!()
    };
    let relance_domain::step::Action::Task { task } = task(1, Wait::IMMEDIATELY, TaskMode::Wait).action else {
        panic!()
    };
    let step = relance_domain::step::Step {
        id: step_id(1),
        wait: Wait::IMMEDIATELY,
        action: relance_domain::step::Action::ManualEmail { email: text, task },
    };
    let decided = |pressed: bool, open: bool, used: u32| {
        let task = &*Box::leak(Box::new(open_task(step_id(1), at(NINE_48), at(NINE_48))));
        with_state(active(1, NINE_48), plan(vec![step.clone()], Some(Schedule::default())), |facts| {
            facts.pressed_send = pressed;
            facts.open_task = open.then_some(task);
            facts.used_today = used;
            facts.now = at("2026-11-28T20:00[Europe/Lisbon]");
        })
        .decision
    };
    assert_eq!(decided(false, false, 0), Decision::CreateTask);
    assert!(matches!(decided(false, true, 0), Decision::Wait { because: RuleKind::Task, .. }));
    assert_eq!(decided(true, true, 0), Decision::Send, "whoever presses send chose the time");
    assert!(matches!(decided(true, true, 200), Decision::Block { .. }), "manual emails count");
}

#[test]
fn a_step_that_was_done_or_is_gone_is_skipped() {
    let mut done = enrollment(active(1, "2026-11-24T09:12[Europe/Lisbon]"));
    done.done_steps = vec![step_id(1)];
    let (plan, person, workspace, mailbox) = (two_emails(), person(), workspace(), mailbox());
    let facts = Facts { mailbox: Some(&mailbox), ..Facts::new(at(NINE_48), &done, &plan, &person, &workspace) };
    assert_eq!(decide(&facts).decision, Decision::Skip { because: RuleKind::Step });
    let gone = with_state(active(99, "2026-11-24T09:12[Europe/Lisbon]"), two_emails(), |_| {});
    assert_eq!(gone.decision, Decision::Skip { because: RuleKind::Step });
}

#[test]
fn an_explanation_is_plain_json() {
    let json = serde_json::to_value(with(|facts| facts.used_today = 200)).unwrap();
    assert_eq!(json["decision"]["decision"], "block");
    assert_eq!(json["decision"]["reason"]["code"], "quota_reached");
    assert_eq!(json["place"], "Lisbon");
    let quota = json["rules"].as_array().unwrap().iter().find(|rule| rule["kind"] == "quota").unwrap();
    assert_eq!(quota["verdict"], "holds");
    assert_eq!(quota["until"], "2026-11-25T09:00:00Z");
}
