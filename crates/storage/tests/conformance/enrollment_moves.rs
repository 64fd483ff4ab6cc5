//! `enrollment_moves.rs` and `sequence_drafts.rs`.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{begin, delivery, made, step},
};
use relance_domain::{
    delivery::DeliveryState,
    enrollment::{BlockReason, FinishReason, PausedBy, State},
    sequence::Plan,
    task::TaskState,
};
use relance_storage::{
    deliveries,
    enrollment_moves::{self, Follow},
    enrollments,
    sequence_drafts::{self, StoredDraft},
    tasks,
};

#[tokio::test]
async fn whatever_a_move_leads_to_reads_back_and_raises_the_revision() {
    on_both("follow", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let (_, other) = fixtures::sequence(&mut tx, 4).await;
        let (due, step) = (at(50), step(2));
        let states = [
            State::Active { step, due },
            State::Paused { step, due, until: Some(at(60)), by: PausedBy::AutoReply },
            State::Blocked { step, due, reason: BlockReason::HeldForReview, resumes_at: None },
            State::Finished { reason: FinishReason::Completed, at: at(20) },
        ];
        let mut rows = Vec::new();
        for (n, state) in states.iter().enumerate() {
            let stored = made.enrolled(&mut tx, 10 + n as u128, at(10)).await;
            let ongoing = state.is_ongoing();
            rows.push(Follow {
                id: stored.enrollment.id,
                version_id: other,
                state: state.clone(),
                step_action: ongoing.then_some("task"),
                position: if ongoing { 2 } else { 0 },
                wake_at: enrollments::wake_of(state, false),
                moved_by_hand: false,
            });
        }
        let untouched = made.enrolled(&mut tx, 30, at(10)).await;
        assert!(enrollment_moves::follow(&mut tx, &rows, at(20)).await.expect("written") >= 4);
        for (row, state) in rows.iter().zip(&states) {
            let found = enrollments::find(&mut tx, row.id).await.expect("read").expect("there");
            assert_eq!((&found.enrollment.state, found.enrollment.version_id), (state, other));
            assert_eq!((found.enrollment.revision, found.wake_at, found.updated_at), (1, row.wake_at, at(20)));
        }
        let standing = enrollment_moves::standing(&mut tx, made.sequence).await.expect("read");
        let moved = standing.iter().find(|row| row.version_id == other).expect("three stand there");
        assert_eq!((moved.active, moved.paused, moved.blocked), (1, 1, 1));
        let same = enrollments::find(&mut tx, untouched.enrollment.id).await.expect("read").expect("there");
        assert_eq!(same, untouched);
        let people = enrollment_moves::people_on_other_versions(&mut tx, made.sequence, other).await.expect("read");
        assert_eq!(people, [untouched.enrollment.person_id]);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn those_enrolled_are_read_in_the_order_of_their_people_and_locked_by_them() {
    on_both("ongoing of a sequence", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let mut people = Vec::new();
        for n in [12, 10, 11] {
            people.push(made.enrolled(&mut tx, n, at(10)).await.enrollment.person_id);
        }
        people.sort();
        let first = enrollment_moves::ongoing(&mut tx, made.sequence, None, 2).await.expect("read");
        let found: Vec<_> = first.iter().map(|row| row.enrollment.person_id).collect();
        assert_eq!(found, people[..2]);
        let rest = enrollment_moves::ongoing(&mut tx, made.sequence, Some(people[1]), 2).await.expect("read");
        assert_eq!(rest.len(), 1);
        let locked = enrollment_moves::lock_of_people(&mut tx, made.sequence, &people[1..]).await.expect("read");
        assert_eq!(locked.len(), 2);
        assert!(enrollment_moves::lock_of_people(&mut tx, id(99), &people).await.expect("read").is_empty());
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn emails_and_tasks_of_a_step_that_is_left_can_be_taken_up_again() {
    on_both("left steps", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let (a, b) = (made.enrolled(&mut tx, 10, at(10)).await, made.enrolled(&mut tx, 11, at(10)).await);
        let leaving = DeliveryState::Leaving { epoch: 1, at: at(5) };
        deliveries::insert(&mut tx, &delivery(20, &a, step(1), DeliveryState::Claimed { epoch: 1 }))
            .await
            .expect("stored");
        deliveries::insert(&mut tx, &delivery(21, &b, step(1), leaving)).await.expect("stored");
        let ids = [a.enrollment.id, b.enrollment.id];
        assert_eq!(enrollment_moves::leaving(&mut tx, &ids).await.expect("read"), [ids[1]].into());
        let steps = [(ids[0], step(1)), (ids[1], step(1))];
        assert_eq!(enrollment_moves::give_back_emails(&mut tx, &steps, at(6)).await.expect("written"), 1);
        let found = deliveries::find(&mut tx, id(20)).await.expect("read").expect("there");
        assert_eq!(found.state, DeliveryState::Planned);
        let task = crate::made::task(30, made.user, Some((ids[0], a.enrollment.person_id, step(1))), at(9));
        assert!(tasks::insert(&mut tx, &task).await.expect("stored"));
        assert_eq!(enrollment_moves::cancel_tasks(&mut tx, &steps, at(6)).await.expect("written"), 1);
        assert_eq!(
            tasks::find(&mut tx, task.id).await.expect("read").map(|task| task.state),
            Some(TaskState::Cancelled)
        );
        assert_eq!(enrollment_moves::reopen_tasks(&mut tx, &steps).await.expect("written"), 1);
        assert_eq!(tasks::find(&mut tx, task.id).await.expect("read").map(|task| task.state), Some(TaskState::Open));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn drafts_are_kept_under_their_numbers_and_the_oldest_are_forgotten() {
    on_both("drafts", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let draft = |number| StoredDraft { number, plan: Plan::default(), saved_by: Some(made.user), saved_at: at(1) };
        for number in 0..120 {
            sequence_drafts::keep(&mut tx, made.sequence, &draft(number)).await.expect("kept");
        }
        sequence_drafts::keep(&mut tx, made.sequence, &draft(119)).await.expect("kept as it is");
        assert_eq!(sequence_drafts::find(&mut tx, made.sequence, 119).await.expect("read"), Some(draft(119)));
        assert_eq!(sequence_drafts::find(&mut tx, made.sequence, 3).await.expect("read"), None);
        let after = sequence_drafts::after(&mut tx, made.sequence, 117).await.expect("read");
        assert_eq!(after.iter().map(|draft| draft.number).collect::<Vec<_>>(), [118, 119]);
        tx.commit().await.expect("commit");
    })
    .await;
}
