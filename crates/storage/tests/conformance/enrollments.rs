//! `enrollments.rs` and `enrollment_due.rs`.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{begin, delivery, made, step},
};
use relance_domain::{
    EnrollmentId,
    delivery::DeliveryState,
    enrollment::{BlockReason, FinishReason, PausedBy, State},
    quota::SlotOrder,
};
use relance_storage::{
    Tx, deliveries, enrollment_due,
    enrollments::{self, Change, Inserted, StoredEnrollment},
};

async fn find(tx: &mut Tx, id: EnrollmentId) -> StoredEnrollment {
    enrollments::find(tx, id).await.expect("read").expect("there")
}

fn every_state() -> Vec<State> {
    let (step, due) = (step(2), at(50));
    let blocked = |reason, resumes_at| State::Blocked { step, due, reason, resumes_at };
    let mut states = vec![
        State::Active { step, due },
        State::Paused { step, due, until: Some(at(90)), by: PausedBy::AutoReply },
        State::Paused { step, due, until: None, by: PausedBy::Person },
        State::Paused { step, due, until: None, by: PausedBy::Deactivated },
        blocked(BlockReason::MissingMergeData { tags: vec!["person.industry".to_owned()] }, None),
        blocked(BlockReason::NoRecipient, None),
        blocked(BlockReason::RecipientRefused { smtp: "550 5.1.1 no such user".to_owned() }, None),
        blocked(BlockReason::Bounced { dsn: "5.1.1".to_owned() }, None),
        blocked(BlockReason::DuplicateAddress, None),
        blocked(BlockReason::QuotaReached, Some(at(200))),
        blocked(BlockReason::MailboxDisconnected, None),
        blocked(BlockReason::AuthFailed, None),
        blocked(BlockReason::MailboxSettings { what: "No From".to_owned() }, None),
        blocked(BlockReason::DeliveryUncertain, None),
        blocked(BlockReason::TemplateError { what: "line 1".to_owned() }, None),
        blocked(BlockReason::LateStart, None),
        blocked(BlockReason::HeldForReview, None),
    ];
    let ends = [
        FinishReason::Completed,
        FinishReason::Replied,
        FinishReason::Converted,
        FinishReason::PersonDeleted,
        FinishReason::Stopped { by: Some(id(1)) },
        FinishReason::Stopped { by: None },
        FinishReason::Unsubscribed,
        FinishReason::Bounced,
        FinishReason::Complained,
        FinishReason::Suppressed,
        FinishReason::MeetingBooked,
        FinishReason::StatusChanged,
        FinishReason::SequenceArchived,
    ];
    states.extend(ends.into_iter().map(|reason| State::Finished { reason, at: at(60) }));
    states
}

#[tokio::test]
async fn every_state_reads_back_as_it_was_saved() {
    on_both("enrollment states", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        for (n, state) in (10..).zip(every_state()) {
            let stored = made.enrolled(&mut tx, n, at(10)).await;
            assert_eq!(find(&mut tx, stored.enrollment.id).await, stored);
            let done = [step(1)];
            let change = Change {
                done_steps: &done,
                emails_sent_delta: 1,
                last_step_at: Some(at(40)),
                moved_by_hand: true,
                position: 2,
                ..Change::of(&stored, &state)
            };
            assert!(enrollments::save(&mut tx, change, at(60)).await.expect("saved"), "{state:?}");
            let found = find(&mut tx, stored.enrollment.id).await;
            let ongoing = state.is_ongoing();
            assert_eq!(found.wake_at, enrollments::wake_of(&state, false));
            assert_eq!(found.position, if ongoing { 2 } else { 0 });
            assert_eq!((found.emails_sent, found.updated_at, found.enrollment.revision), (1, at(60), 1));
            assert_eq!((found.enrollment.done_steps, found.enrollment.last_step_at), (done.to_vec(), Some(at(40))));
            assert_eq!((found.enrollment.moved_by_hand, found.step_action.is_some()), (ongoing, ongoing));
            assert_eq!(found.enrollment.state, state);
        }
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_change_made_on_an_older_revision_is_not_saved() {
    on_both("revision", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(10)).await;
        let state = State::Active { step: step(2), due: at(99) };
        assert!(enrollments::save(&mut tx, Change::of(&stored, &state), at(1)).await.expect("saved"));
        assert!(!enrollments::save(&mut tx, Change::of(&stored, &state), at(2)).await.expect("asked"));
        let anyway = Change { expected_revision: None, raise_revision: false, ..Change::of(&stored, &state) };
        assert!(enrollments::save(&mut tx, anyway, at(3)).await.expect("saved"));
        assert_eq!(find(&mut tx, stored.enrollment.id).await.enrollment.revision, 1);
        assert!(!enrollments::set_wake(&mut tx, stored.enrollment.id, 0, None).await.expect("asked"));
        assert!(enrollments::set_wake(&mut tx, stored.enrollment.id, 1, Some(at(7))).await.expect("set"));
        assert_eq!(find(&mut tx, stored.enrollment.id).await.wake_at, Some(at(7)));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_person_and_an_address_are_in_a_sequence_once_until_the_end() {
    on_both("once per sequence", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let first = made.enrolled(&mut tx, 10, at(10)).await;
        let person = first.enrollment.person_id;
        let again = made.enrollment(11, person, at(10));
        let outcome = enrollments::insert(&mut tx, &again).await.expect("asked");
        assert_eq!(outcome, Inserted::PersonAlready(first.enrollment.id));
        let twin = fixtures::person(&mut tx, 12).await;
        let mut same_address = made.enrollment(12, twin, at(10));
        same_address.enrollment.address_key = first.enrollment.address_key.clone();
        let outcome = enrollments::insert(&mut tx, &same_address).await.expect("asked");
        assert_eq!(outcome, Inserted::AddressAlready(first.enrollment.id));
        let fresh = fixtures::person(&mut tx, 13).await;
        let fresh = made.enrollment(13, fresh, at(10));
        let many = [again.clone(), same_address.clone(), fresh.clone(), fresh.clone()];
        assert_eq!(enrollments::insert_many(&mut tx, &many).await.expect("stored"), [fresh.enrollment.id]);
        let state = State::Finished { reason: FinishReason::Replied, at: at(1) };
        assert!(enrollments::save(&mut tx, Change::of(&first, &state), at(1)).await.expect("saved"));
        assert_eq!(enrollments::insert(&mut tx, &again).await.expect("asked"), Inserted::Yes);
        let key = again.enrollment.address_key.as_deref();
        let holder = enrollments::set_address_key(&mut tx, fresh.enrollment.id, key).await.expect("asked");
        assert_eq!(holder, Some(again.enrollment.id));
        let holder = enrollments::set_address_key(&mut tx, fresh.enrollment.id, Some("new@x.example")).await;
        assert_eq!(holder.expect("asked"), None);
        let found = find(&mut tx, fresh.enrollment.id).await.enrollment;
        assert_eq!((found.address_key.as_deref(), found.revision), (Some("new@x.example"), 1));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn the_unfinished_enrollments_of_people_and_addresses_are_found() {
    on_both("ongoing", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let (sequence, version) = fixtures::sequence(&mut tx, 5).await;
        let first = made.enrolled(&mut tx, 10, at(10)).await;
        let person = first.enrollment.person_id;
        let mut second = made.enrollment(11, person, at(10));
        (second.enrollment.sequence_id, second.enrollment.version_id) = (sequence, version);
        made.store(&mut tx, &second).await;
        let over = made.enrolled(&mut tx, 12, at(10)).await;
        let state = State::Finished { reason: FinishReason::Replied, at: at(1) };
        assert!(enrollments::save(&mut tx, Change::of(&over, &state), at(1)).await.expect("saved"));
        for lock in [true, false] {
            let found = enrollments::ongoing_of_person(&mut tx, person, lock).await.expect("read");
            assert_eq!(found, [first.clone(), second.clone()]);
        }
        let found = enrollments::ongoing_of_person(&mut tx, over.enrollment.person_id, false).await.expect("read");
        assert_eq!(found, []);
        assert_eq!(enrollments::of_person(&mut tx, over.enrollment.person_id).await.expect("read").len(), 1);
        let keys: Vec<String> =
            [&first, &second, &over].iter().filter_map(|s| s.enrollment.address_key.clone()).collect();
        let found = enrollments::ongoing_by_address_keys(&mut tx, made.sequence, &keys).await.expect("read");
        assert_eq!(found, std::slice::from_ref(&first));
        let people = [person, over.enrollment.person_id];
        let found = enrollments::ongoing_of_people(&mut tx, sequence, &people).await.expect("read");
        assert_eq!(found, [second.clone()]);
        let wanted = [second.enrollment.id, first.enrollment.id, id(99)];
        assert_eq!(enrollments::find_many(&mut tx, &wanted, true).await.expect("read"), [first.clone(), second]);
        assert_eq!(enrollments::find_for_update(&mut tx, first.enrollment.id).await.expect("read"), Some(first));
        assert_eq!(enrollments::ongoing_of_mailbox(&mut tx, made.mailbox, 9).await.expect("read").len(), 2);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn due_emails_come_in_the_order_of_slots_without_those_that_are_leaving() {
    on_both("due emails", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let mut rows = Vec::new();
        // (moved by hand, emails sent, position, due, enrolled)
        let shapes = [
            (false, 0, 1, 5, 0),
            (false, 1, 2, 9, 0),
            (false, 1, 3, 9, 0),
            (true, 0, 1, 9, 0),
            (false, 0, 1, 4, 2),
            (false, 0, 1, 4, 1),
        ];
        for (n, (moved, sent, position, due, enrolled)) in (10..).zip(shapes) {
            let person = fixtures::person(&mut tx, n).await;
            let mut row = made.enrollment(n, person, at(due));
            row.enrollment.moved_by_hand = moved;
            row.enrollment.enrolled_at = at(enrolled);
            (row.emails_sent, row.position) = (sent, position);
            made.store(&mut tx, &row).await;
            rows.push(row);
        }
        made.enrolled(&mut tx, 20, at(11)).await;
        let ids = |rows: &[StoredEnrollment]| rows.iter().map(|row| row.enrollment.id).collect::<Vec<_>>();
        rows.sort_by_key(|row| {
            let e = &row.enrollment;
            let due = e.state.due().expect("due");
            SlotOrder::new(e.moved_by_hand, row.emails_sent == 0, row.position, due, e.enrolled_at, e.person_id, e.id)
        });
        for lock in [true, false] {
            let found = enrollment_due::due_emails(&mut tx, made.mailbox, at(10), 9, lock).await.expect("read");
            assert_eq!(ids(&found), ids(&rows));
            let found = enrollment_due::due_emails(&mut tx, made.mailbox, at(10), 2, lock).await.expect("read");
            assert_eq!(ids(&found), ids(&rows[..2]));
        }
        assert_eq!(enrollment_due::count_due(&mut tx, made.mailbox, at(10)).await.expect("read"), 6);
        assert_eq!(enrollment_due::next_wake(&mut tx, made.mailbox).await.expect("read"), Some(at(4)));
        for (n, row) in (30..).zip(&rows) {
            let leaving = DeliveryState::Leaving { epoch: 1, at: at(9) };
            deliveries::insert(&mut tx, &delivery(n, row, step(1), leaving)).await.expect("stored");
        }
        assert_eq!(enrollment_due::due_emails(&mut tx, made.mailbox, at(10), 9, true).await.expect("read"), []);
        assert_eq!(enrollment_due::count_due(&mut tx, made.mailbox, at(10)).await.expect("read"), 0);
        assert_eq!(enrollment_due::next_wake(&mut tx, made.mailbox).await.expect("read"), Some(at(11)));
        assert_eq!(enrollment_due::next_wake(&mut tx, id(99)).await.expect("read"), None);
        let upcoming = enrollment_due::upcoming_emails(&mut tx, made.mailbox, at(12), 99).await.expect("read");
        assert_eq!(upcoming.last().map(|row| row.enrollment.id), Some(id(20)));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn everything_but_emails_is_woken_when_its_time_comes_and_not_while_an_event_moves_it() {
    on_both("due to wake", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let (step, due) = (step(1), at(1));
        let states = [
            (State::Paused { step, due, until: Some(at(8)), by: PausedBy::Person }, None),
            (State::Blocked { step, due, reason: BlockReason::QuotaReached, resumes_at: Some(at(6)) }, None),
            (State::Active { step, due: at(7) }, Some("task")),
            (State::Active { step, due }, Some("manual_email")),
            (State::Paused { step, due, until: None, by: PausedBy::Person }, None),
            (State::Blocked { step, due, reason: BlockReason::NoRecipient, resumes_at: None }, None),
            (State::Active { step, due }, None),
        ];
        assert_eq!(enrollment_due::next_other_wake(&mut tx).await.expect("read"), None);
        for (n, (state, action)) in (10..).zip(&states) {
            let stored = made.enrolled(&mut tx, n, due).await;
            let mut change = Change::of(&stored, state);
            change.step_action = action.or(change.step_action);
            if *action == Some("manual_email") {
                change.wake_at = None;
            }
            assert!(enrollments::save(&mut tx, change, at(2)).await.expect("saved"));
        }
        for lock in [true, false] {
            let found = enrollment_due::due_to_wake(&mut tx, at(8), 9, lock).await.expect("read");
            assert_eq!(found.iter().map(|row| row.enrollment.id).collect::<Vec<_>>(), [id(11), id(12), id(10)]);
            assert_eq!(enrollment_due::due_to_wake(&mut tx, at(6), 9, lock).await.expect("read").len(), 1);
        }
        assert_eq!(enrollment_due::next_other_wake(&mut tx).await.expect("read"), Some(at(6)));
        tx.commit().await.expect("commit");
    })
    .await;
}
