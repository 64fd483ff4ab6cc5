//! `enrollment_sets.rs`: what a statement does to many rows is what `State::after` does to each.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{Made, begin, delivery, made, step},
};
use relance_domain::{
    EnrollmentId, Timestamp,
    delivery::DeliveryState,
    enrollment::{BlockReason, Event, FinishReason, PausedBy, State},
    quota::QuotaSlot,
};
use relance_storage::{
    Tx, deliveries,
    enrollment_sets::{self, End, Pause, Touched},
    enrollments::{self, Change, StoredEnrollment},
};

async fn find(tx: &mut Tx, id: EnrollmentId) -> StoredEnrollment {
    enrollments::find(tx, id).await.expect("read").expect("there")
}

/// One enrollment of one person per state, each in a sequence of its own.
async fn in_states(tx: &mut Tx, made: &Made, person: u128, states: &[State]) -> Vec<StoredEnrollment> {
    let person = fixtures::person(tx, person).await;
    let mut all = Vec::new();
    for (n, state) in (500..).zip(states) {
        let (sequence, version) = fixtures::sequence(tx, n).await;
        let mut stored = made.enrollment(n, person, at(10));
        (stored.enrollment.sequence_id, stored.enrollment.version_id) = (sequence, version);
        made.store(tx, &stored).await;
        let change = Change { raise_revision: false, ..Change::of(&stored, state) };
        assert!(enrollments::save(tx, change, at(1)).await.expect("saved"));
        all.push(find(tx, stored.enrollment.id).await);
    }
    all
}

fn all_states() -> Vec<State> {
    let (step, due) = (step(1), at(10));
    let blocked = |reason, resumes_at| State::Blocked { step, due, reason, resumes_at };
    vec![
        State::Active { step, due },
        State::Active { step, due: at(10_000) },
        State::Paused { step, due, until: Some(at(90)), by: PausedBy::AutoReply },
        State::Paused { step, due, until: None, by: PausedBy::Person },
        blocked(BlockReason::MissingMergeData { tags: vec!["person.industry".to_owned()] }, None),
        blocked(BlockReason::NoRecipient, None),
        blocked(BlockReason::QuotaReached, Some(at(200))),
        blocked(BlockReason::AuthFailed, None),
        blocked(BlockReason::DeliveryUncertain, None),
        blocked(BlockReason::HeldForReview, None),
        State::Finished { reason: FinishReason::Replied, at: at(5) },
    ]
}

/// Every row that was touched went where `event` leads it; every other stayed as it was.
async fn assert_follows(
    tx: &mut Tx,
    before: &[StoredEnrollment],
    touched: &[Touched],
    event: &Event,
    raised: i64,
    now: Timestamp,
) {
    for old in before {
        let new = find(tx, old.enrollment.id).await;
        if touched.iter().any(|touched| touched.id == old.enrollment.id) {
            let expected = old.enrollment.state.clone().after(event.clone(), now).expect("allowed");
            assert_eq!(new.enrollment.state, expected, "from {:?}", old.enrollment.state);
            assert_eq!(new.wake_at, enrollments::wake_of(&expected, false), "from {:?}", old.enrollment.state);
            assert_eq!((new.enrollment.revision, new.updated_at), (old.enrollment.revision + raised, now));
        } else {
            assert_eq!(&new, old);
        }
    }
}

#[tokio::test]
async fn an_end_reaches_every_unfinished_enrollment_of_the_person_and_nobody_elses() {
    on_both("end all", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let before = in_states(&mut tx, &made, 10, &all_states()).await;
        let other = made.enrolled(&mut tx, 11, at(10)).await;
        let person = before[0].enrollment.person_id;
        let end = End { reason: &FinishReason::Replied, by: Some(made.user), at: at(20) };
        let ended = enrollment_sets::end_all_of_person(&mut tx, person, end).await.expect("ended");
        assert_eq!(ended.len(), before.len() - 1);
        assert_follows(&mut tx, &before, &ended, &Event::Ended { reason: FinishReason::Replied }, 1, at(20)).await;
        let first = find(&mut tx, before[0].enrollment.id).await;
        assert_eq!((first.finished_by, first.position, first.step_action), (Some(made.user), 0, None));
        assert_eq!(find(&mut tx, other.enrollment.id).await, other);
        assert_eq!(enrollment_sets::end_all_of_person(&mut tx, person, end).await.expect("ended"), []);
        let reason = FinishReason::Stopped { by: Some(made.user) };
        let end = End { reason: &reason, by: None, at: at(21) };
        let wanted = [other.enrollment.id, first.enrollment.id];
        let ended = enrollment_sets::end_many(&mut tx, &wanted, end).await.expect("ended");
        let expected = Touched {
            id: other.enrollment.id,
            person_id: other.enrollment.person_id,
            sequence_id: made.sequence,
            mailbox_id: Some(made.mailbox),
            actor_id: made.user,
        };
        assert_eq!(ended, [expected]);
        let state = find(&mut tx, other.enrollment.id).await.enrollment.state;
        assert_eq!(state, State::Finished { reason: reason.clone(), at: at(21) });
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn many_people_and_a_whole_sequence_are_ended_in_bounded_statements() {
    on_both("end many", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let mut people = Vec::new();
        for n in 10..20 {
            people.push(made.enrolled(&mut tx, n, at(10)).await.enrollment.person_id);
        }
        let end = End { reason: &FinishReason::SequenceArchived, by: None, at: at(20) };
        let ended = enrollment_sets::end_all_of_people(&mut tx, &people[..2], end).await.expect("ended");
        assert_eq!(ended.len(), 2);
        let mut batches = Vec::new();
        loop {
            let ended = enrollment_sets::end_some_of_sequence(&mut tx, made.sequence, 3, end).await.expect("ended");
            batches.push(ended.len());
            if ended.len() < 3 {
                break;
            }
        }
        assert_eq!(batches, [3, 3, 2]);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_that_cannot_send_blocks_what_is_due_and_releases_it_again() {
    on_both("block mailbox", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let before = in_states(&mut tx, &made, 10, &all_states()).await;
        let leaving = made.enrolled(&mut tx, 11, at(10)).await;
        let state = DeliveryState::Leaving { epoch: 1, at: at(11) };
        deliveries::insert(&mut tx, &delivery(30, &leaving, step(1), state)).await.expect("stored");
        let reason = BlockReason::MailboxSettings { what: "No \"From\"".to_owned() };
        let blocked = enrollment_sets::block_mailbox(&mut tx, made.mailbox, &reason, at(20)).await.expect("blocked");
        assert_eq!(blocked.iter().map(|t| t.id).collect::<Vec<_>>(), [before[0].enrollment.id]);
        let event = Event::Blocked { reason, resumes_at: None };
        assert_follows(&mut tx, &before, &blocked, &event, 1, at(20)).await;
        assert_eq!(find(&mut tx, leaving.enrollment.id).await, leaving, "what is leaving is not held");
        let mut now = Vec::new();
        for old in &before {
            now.push(find(&mut tx, old.enrollment.id).await);
        }
        let codes = ["mailbox_settings", "auth_failed"];
        let released = enrollment_sets::release_mailbox(&mut tx, made.mailbox, &codes, at(30)).await.expect("released");
        assert_eq!(released.len(), 2);
        assert_follows(&mut tx, &now, &released, &Event::Released, 0, at(30)).await;
        let none = enrollment_sets::release_mailbox(&mut tx, made.mailbox, &[], at(30)).await.expect("released");
        assert_eq!(none, []);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn data_that_arrives_releases_what_waited_for_it() {
    on_both("release data", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let before = in_states(&mut tx, &made, 10, &all_states()).await;
        let person = before[0].enrollment.person_id;
        let released = enrollment_sets::release_missing_merge(&mut tx, person, at(30)).await.expect("released");
        assert_eq!(released.len(), 2);
        assert_follows(&mut tx, &before, &released, &Event::Released, 0, at(30)).await;
        let none = enrollment_sets::release_person(&mut tx, person, &[], at(31)).await.expect("released");
        assert_eq!(none, []);
        let held = enrollment_sets::release_person(&mut tx, person, &["held_for_review"], at(31)).await;
        assert_eq!(held.expect("released").len(), 1);
        let some = enrollment_sets::release_some(&mut tx, "auth_failed", 9, at(32)).await.expect("released");
        assert_eq!(some.len(), 1);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_pause_reaches_what_is_active_or_blocked_and_an_actors_come_back_together() {
    on_both("pauses", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let before = in_states(&mut tx, &made, 10, &all_states()).await;
        let pause = Pause { by: PausedBy::AutoReply, until: Some(at(500)) };
        let event = Event::Paused { until: Some(at(500)), by: PausedBy::AutoReply };
        let person = before[0].enrollment.person_id;
        let paused = enrollment_sets::pause_person(&mut tx, person, pause, at(20)).await.expect("paused");
        assert_eq!(paused.len(), 7, "an automatic answer makes the pause of an earlier one longer");
        assert_follows(&mut tx, &before, &paused, &event, 1, at(20)).await;
        for until in [at(400), at(500)] {
            let again = Pause { by: PausedBy::AutoReply, until: Some(until) };
            let none = enrollment_sets::pause_person(&mut tx, person, again, at(20)).await.expect("asked");
            assert!(none.is_empty(), "and never shorter: {none:?}");
        }
        for n in 20..23 {
            made.enrolled(&mut tx, n, at(10)).await;
        }
        let pause = Pause { by: PausedBy::Deactivated, until: None };
        let some = enrollment_sets::pause_some_of_actor(&mut tx, made.user, pause, 2, at(21)).await.expect("paused");
        let rest = enrollment_sets::pause_some_of_actor(&mut tx, made.user, pause, 2, at(21)).await.expect("paused");
        assert_eq!((some.len(), rest.len()), (2, 1));
        let by = PausedBy::Deactivated;
        let back = enrollment_sets::resume_some_of_actor(&mut tx, made.user, by, 9, at(40)).await.expect("resumed");
        assert_eq!(back.len(), 3);
        let found = find(&mut tx, id(20)).await;
        assert_eq!(found.enrollment.state, State::Active { step: step(1), due: at(40) });
        assert_eq!(found.wake_at, Some(at(40)));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_quota_holds_the_last_in_the_order_of_slots_each_until_its_own() {
    on_both("hold quota", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        for n in 10..16 {
            let person = fixtures::person(&mut tx, n).await;
            let mut row = made.enrollment(n, person, at(16 - i64::try_from(n).expect("small")));
            row.emails_sent = u32::from(n == 10);
            made.store(&mut tx, &row).await;
        }
        made.enrolled(&mut tx, 16, at(100)).await;
        // In slot order: 10 (a follow-up), then 15, 14, 13, 12, 11 by due time.
        let slots = [
            QuotaSlot { first: 3, last: 4, resumes_at: at(1000) },
            QuotaSlot { first: 5, last: 99, resumes_at: at(2000) },
        ];
        let held = enrollment_sets::hold_quota(&mut tx, made.mailbox, &slots, at(20)).await.expect("held");
        assert_eq!(held, 4);
        assert_eq!(enrollment_sets::hold_quota(&mut tx, made.mailbox, &[], at(20)).await.expect("held"), 0);
        let expected = [
            (10, None),
            (15, None),
            (14, Some(1000)),
            (13, Some(1000)),
            (12, Some(2000)),
            (11, Some(2000)),
            (16, None),
        ];
        for (n, resumes) in expected {
            let found = find(&mut tx, id(n)).await;
            match (found.enrollment.state, resumes) {
                (State::Active { .. }, None) => assert_eq!(found.enrollment.revision, 0),
                (State::Blocked { reason: BlockReason::QuotaReached, resumes_at, .. }, Some(resumes)) => {
                    assert_eq!((resumes_at, found.wake_at), (Some(at(resumes)), Some(at(resumes))));
                    assert_eq!(found.enrollment.revision, 1);
                }
                (state, _) => panic!("{n} is {state:?}"),
            }
        }
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn revisions_rise_for_what_is_claimed() {
    on_both("raise", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let claimed = made.enrolled(&mut tx, 10, at(10)).await;
        let idle = made.enrolled(&mut tx, 11, at(10)).await;
        let state = DeliveryState::Claimed { epoch: 1 };
        deliveries::insert(&mut tx, &delivery(30, &claimed, step(1), state)).await.expect("stored");
        let raised = enrollment_sets::raise_by_mailbox(&mut tx, made.mailbox).await.expect("raised");
        assert_eq!(raised.iter().map(|t| t.id).collect::<Vec<_>>(), [claimed.enrollment.id]);
        assert_eq!(enrollment_sets::raise_by_mailbox(&mut tx, id(99)).await.expect("raised"), []);
        assert_eq!(enrollment_sets::raise_all(&mut tx, 9).await.expect("raised").len(), 1);
        let wanted = [claimed.enrollment.id, idle.enrollment.id];
        assert_eq!(enrollment_sets::raise_many(&mut tx, &wanted).await.expect("raised"), 2);
        assert_eq!(find(&mut tx, claimed.enrollment.id).await.enrollment.revision, 3);
        assert_eq!(find(&mut tx, idle.enrollment.id).await.enrollment.revision, 1);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_quota_lets_go_in_batches_once_its_time_has_come() {
    on_both("release quota", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        for n in 20..23 {
            made.enrolled(&mut tx, n, at(10)).await;
        }
        let slots = [QuotaSlot { first: 1, last: 99, resumes_at: at(1000) }];
        assert_eq!(enrollment_sets::hold_quota(&mut tx, made.mailbox, &slots, at(20)).await.expect("held"), 3);
        let early = enrollment_sets::release_quota(&mut tx, 9, at(999)).await.expect("asked");
        assert_eq!(early, (0, vec![]));
        for (now, released) in [(1000, (2, vec![made.mailbox])), (1001, (1, vec![made.mailbox])), (1002, (0, vec![]))] {
            assert_eq!(enrollment_sets::release_quota(&mut tx, 2, at(now)).await.expect("released"), released);
        }
        for n in 20..23 {
            let found = find(&mut tx, id(n)).await;
            assert!(matches!(found.enrollment.state, State::Active { .. }), "{:?}", found.enrollment.state);
            assert_eq!(found.enrollment.revision, 2, "held and released");
        }
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn those_named_are_released_from_one_reason_and_no_other() {
    on_both("release many", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let before = in_states(&mut tx, &made, 10, &all_states()).await;
        let all: Vec<EnrollmentId> = before.iter().map(|stored| stored.enrollment.id).collect();
        let released = enrollment_sets::release_many(&mut tx, &all, "auth_failed", at(30)).await.expect("released");
        assert_eq!(released.len(), 1);
        assert_follows(&mut tx, &before, &released, &Event::Released, 1, at(30)).await;
        let again = enrollment_sets::release_many(&mut tx, &all, "auth_failed", at(31)).await.expect("asked");
        assert_eq!(again, []);
        let nobody = enrollment_sets::release_many(&mut tx, &[], "no_recipient", at(31)).await.expect("asked");
        assert_eq!(nobody, []);
        tx.commit().await.expect("commit");
    })
    .await;
}
