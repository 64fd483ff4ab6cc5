//! `tasks.rs`.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{begin, made, step, task},
};
use relance_domain::{
    TaskId,
    step::TaskKind,
    task::{Task, TaskState},
};
use relance_storage::tasks::{self, TaskFilter, TaskView};

fn ids(views: &[TaskView]) -> Vec<TaskId> {
    views.iter().map(|view| view.task.id).collect()
}

#[tokio::test]
async fn a_step_of_an_enrollment_makes_one_task_and_hand_made_ones_are_free() {
    on_both("task once", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let of = Some((stored.enrollment.id, stored.enrollment.person_id, step(1)));
        let first = task(20, made.user, of, at(5));
        assert!(tasks::insert(&mut tx, &first).await.expect("stored"));
        assert!(!tasks::insert(&mut tx, &task(21, made.user, of, at(5))).await.expect("asked"));
        let free = [task(22, made.user, None, at(5)), task(23, made.user, None, at(5)), task(24, made.user, of, at(5))];
        let mut stored_ids = tasks::insert_many(&mut tx, &free).await.expect("stored");
        stored_ids.sort();
        assert_eq!(stored_ids, [id(22), id(23)]);
        assert_eq!(tasks::find(&mut tx, first.id).await.expect("read"), Some(first.clone()));
        assert_eq!(
            tasks::find_of_step(&mut tx, stored.enrollment.id, step(1)).await.expect("read"),
            Some(first.clone())
        );
        assert_eq!(tasks::find_of_step(&mut tx, stored.enrollment.id, step(2)).await.expect("read"), None);
        assert_eq!(tasks::of_enrollments(&mut tx, &[stored.enrollment.id]).await.expect("read"), [first]);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_task_is_closed_once_and_only_an_open_one_changes() {
    on_both("task close", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let other = fixtures::user(&mut tx, 7).await;
        let first = task(20, made.user, None, at(5));
        tasks::insert(&mut tx, &first).await.expect("stored");
        assert!(tasks::snooze(&mut tx, first.id, at(50)).await.expect("snoozed"));
        let changed =
            Task { owner_id: other, kind: TaskKind::Linkedin, content: "Write".to_owned(), due_at: at(51), ..first };
        assert!(tasks::update(&mut tx, &changed).await.expect("updated"));
        assert_eq!(tasks::find(&mut tx, changed.id).await.expect("read"), Some(changed.clone()));
        assert_eq!(tasks::open_count(&mut tx, other).await.expect("read"), 1);
        assert!(tasks::close(&mut tx, changed.id, TaskState::Done, at(60)).await.expect("closed"));
        assert!(!tasks::close(&mut tx, changed.id, TaskState::Skipped, at(61)).await.expect("asked"));
        assert!(!tasks::snooze(&mut tx, changed.id, at(70)).await.expect("asked"));
        assert!(!tasks::update(&mut tx, &changed).await.expect("asked"));
        let found = tasks::find(&mut tx, changed.id).await.expect("read").expect("there");
        assert_eq!((found.state, found.closed_at), (TaskState::Done, Some(at(60))));
        assert_eq!(tasks::open_count(&mut tx, other).await.expect("read"), 0);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn an_open_task_of_no_enrollment_is_closed_once_with_the_email_that_was_written_in_it() {
    on_both("task email", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let (email, of) =
            ((stored.enrollment.id, step(3)), (stored.enrollment.id, stored.enrollment.person_id, step(1)));
        let all = [task(20, made.user, None, at(5)), task(21, made.user, Some(of), at(5))];
        tasks::insert_many(&mut tx, &all).await.expect("stored");
        assert!(tasks::close_with_email(&mut tx, id(20), email, at(6)).await.expect("closed"));
        assert!(!tasks::close_with_email(&mut tx, id(20), email, at(7)).await.expect("asked"));
        assert!(!tasks::close_with_email(&mut tx, id(21), email, at(7)).await.expect("asked"), "it has its own");
        let found = tasks::find(&mut tx, id(20)).await.expect("read").expect("there");
        assert_eq!((found.state, found.closed_at, found.enrollment_id), (TaskState::Done, Some(at(6)), Some(email.0)));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_stop_cancels_the_open_tasks_of_its_enrollments_and_no_others() {
    on_both("task cancel", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let of = |n| Some((stored.enrollment.id, stored.enrollment.person_id, step(n)));
        let all =
            [task(20, made.user, of(1), at(5)), task(21, made.user, of(2), at(5)), task(22, made.user, None, at(5))];
        tasks::insert_many(&mut tx, &all).await.expect("stored");
        tasks::close(&mut tx, id(20), TaskState::Done, at(6)).await.expect("closed");
        let cancelled = tasks::cancel_open_of_enrollments(&mut tx, &[stored.enrollment.id], at(7)).await;
        assert_eq!(cancelled.expect("cancelled"), [id(21)]);
        assert_eq!(tasks::find(&mut tx, id(22)).await.expect("read").map(|t| t.state), Some(TaskState::Open));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn tasks_are_listed_by_due_time_and_closed_ones_latest_first() {
    on_both("task list", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let other = fixtures::user(&mut tx, 7).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let of = Some((stored.enrollment.id, stored.enrollment.person_id, step(1)));
        let all = [
            task(20, made.user, of, at(5)),
            task(21, made.user, None, at(5)),
            task(22, made.user, None, at(3)),
            task(23, other, None, at(9)),
        ];
        tasks::insert_many(&mut tx, &all).await.expect("stored");
        for n in [24, 25] {
            tasks::insert(&mut tx, &task(n, made.user, None, at(i64::try_from(n).expect("small"))))
                .await
                .expect("stored");
            tasks::close(&mut tx, id(n), TaskState::Skipped, at(90)).await.expect("closed");
        }
        let open = TaskFilter { open: Some(true), ..TaskFilter::default() };
        let first = tasks::page(&mut tx, open, None, 2).await.expect("read");
        assert_eq!(ids(&first), [id(22), id(20)]);
        let view = &first[1];
        assert_eq!(view.person_name.as_deref(), Some("Person number 10"));
        assert_eq!((view.sequence_name.as_deref(), view.owner_name.as_str()), (Some("Sequence 3"), "User 1"));
        assert_eq!((first[0].person_name.as_deref(), first[0].sequence_name.as_deref()), (None, None));
        let rest = tasks::page(&mut tx, open, Some((at(5), id(20))), 9).await.expect("read");
        assert_eq!(ids(&rest), [id(21), id(23)]);
        let closed = TaskFilter { open: Some(false), ..TaskFilter::default() };
        assert_eq!(ids(&tasks::page(&mut tx, closed, None, 1).await.expect("read")), [id(25)]);
        assert_eq!(ids(&tasks::page(&mut tx, closed, Some((at(25), id(25))), 9).await.expect("read")), [id(24)]);
        let owners = [other];
        let filters = [
            (TaskFilter { owners: &owners, ..open }, vec![23]),
            (TaskFilter { due_before: Some(at(5)), ..open }, vec![22]),
            (TaskFilter { due_from: Some(at(5)), due_before: Some(at(9)), ..open }, vec![20, 21]),
            (TaskFilter { person: Some(stored.enrollment.person_id), ..TaskFilter::default() }, vec![20]),
        ];
        for (filter, expected) in filters {
            let expected: Vec<TaskId> = expected.into_iter().map(id).collect();
            assert_eq!(ids(&tasks::page(&mut tx, filter, None, 9).await.expect("read")), expected, "{filter:?}");
            assert_eq!(tasks::count(&mut tx, filter).await.expect("read") as usize, expected.len(), "{filter:?}");
        }
        tx.commit().await.expect("commit");
    })
    .await;
}
