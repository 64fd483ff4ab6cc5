use super::*;
use relance_domain::{
    TaskId,
    enrollment::{FinishReason, State},
    task::{Task, TaskState},
    time::{DAY, HOUR},
};
use relance_engine::commands::tasks::{NewTask, TaskChange};

async fn task_of(world: &World, id: EnrollmentId) -> Task {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::tasks::of_enrollments(&mut tx, &[id]).await.expect("readable").pop().expect("a task")
}

async fn find(world: &World, id: TaskId) -> Task {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::tasks::find(&mut tx, id).await.expect("readable").expect("a task")
}

#[tokio::test]
async fn the_next_wait_starts_when_the_task_is_done() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, TaskMode::Wait), email_step(&world, 2, "Hello", "<p>Hi</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    assert_eq!(task.content, "Call ada@prospect.test");
    assert_eq!(world.advance(10 * DAY).await, 0, "it waits for the task");
    let done = world.engine.complete_task(&world.actor, task.id).await.expect("done");
    assert_eq!(done.state, TaskState::Done);
    let after = stored(&world, id).await;
    assert_eq!(after.enrollment.state.due(), Some(world.engine.now().plus_ms(2 * DAY)));
    assert_eq!(after.step_action.as_deref(), Some("automated_email"));
    assert_eq!(codes(world.engine.complete_task(&world.actor, task.id).await), ["closed"]);
    assert_eq!(world.advance(2 * DAY).await, 1);
    world.check().await;
}

#[tokio::test]
async fn skipping_the_last_task_completes_the_sequence() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, TaskMode::Wait)];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    world.engine.skip_task(&world.actor, task.id).await.expect("skipped");
    let after = stored(&world, id).await.enrollment;
    assert!(matches!(after.state, State::Finished { reason: FinishReason::Completed, .. }));
    let kinds = kinds(&world, after.person_id).await;
    assert!(kinds.ends_with(&[ActivityKind::TaskSkipped, ActivityKind::SequenceEnded]), "{kinds:?}");
}

#[tokio::test]
async fn a_manual_email_leaves_when_its_rep_presses_send_and_not_before() {
    let mut world = monday().await;
    let steps = vec![manual_step(&world), email_step(&world, 1, "Next", "<p>Next</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    assert_eq!(world.advance(3 * DAY).await, 0);
    world.engine.complete_task(&world.actor, task.id).await.expect("sent by hand");
    assert_eq!(stored(&world, id).await.step_action.as_deref(), Some("automated_email"));
    assert_eq!(world.run_due().await, 1);
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    world.advance(DAY + HOUR).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);
    world.check().await;
}

#[tokio::test]
async fn a_manual_email_of_a_paused_sequence_is_not_sent_and_its_task_stays_open() {
    let mut world = monday().await;
    let steps = vec![manual_step(&world)];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    world.engine.pause(&world.actor, id, None).await.expect("paused");
    assert_eq!(codes(world.engine.complete_task(&world.actor, task.id).await), ["paused"]);
    assert_eq!(find(&world, task.id).await.state, TaskState::Open, "nothing was half done");
}

#[tokio::test]
async fn a_task_made_by_hand_is_edited_snoozed_done_and_only_by_its_owner() {
    let world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let person = lead(&world, named("Ada", "Lovelace", "")).await.id;
    let new = NewTask {
        person_id: Some(person),
        owner_id: None,
        kind: TaskKind::Call,
        content: " Call her ".to_owned(),
        due_at: None,
    };
    let task = world.engine.create_task(&world.actor, new.clone()).await.expect("created");
    assert_eq!((task.content.as_str(), task.due_at), ("Call her", world.engine.now()));
    assert!(matches!(world.engine.complete_task(&rep, task.id).await, Err(EngineError::Forbidden(_))));
    let for_other = NewTask { owner_id: world.actor.user_id(), ..new.clone() };
    assert!(matches!(world.engine.create_task(&rep, for_other).await, Err(EngineError::Forbidden(_))));
    assert_eq!(codes(world.engine.create_task(&rep, NewTask { content: " ".to_owned(), ..new }).await), ["required"]);
    let later = world.engine.now().plus_ms(DAY);
    assert_eq!(world.engine.snooze_task(&world.actor, task.id, later).await.expect("snoozed").due_at, later);
    let change = TaskChange { owner_id: rep.user_id(), content: Some("Call him".to_owned()), ..TaskChange::default() };
    world.engine.edit_task(&world.actor, task.id, change).await.expect("edited");
    let done = world.engine.complete_task(&rep, task.id).await.expect("it is theirs now");
    assert_eq!((done.state, done.closed_at), (TaskState::Done, Some(world.engine.now())));
    assert_eq!(
        kinds(&world, person).await,
        [
            ActivityKind::PersonCreated,
            ActivityKind::TaskCreated,
            ActivityKind::TaskChanged,
            ActivityKind::TaskChanged,
            ActivityKind::TaskDone
        ]
    );
}

#[tokio::test]
async fn a_task_of_a_sequence_is_skipped_not_deleted() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, TaskMode::Wait)];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    assert_eq!(codes(world.engine.delete_task(&world.actor, task.id).await), ["of_sequence"]);
    let new =
        NewTask { person_id: None, owner_id: None, kind: TaskKind::Other, content: "Own".to_owned(), due_at: None };
    let own = world.engine.create_task(&world.actor, new).await.expect("created");
    world.engine.delete_task(&world.actor, own.id).await.expect("taken back");
    assert_eq!(find(&world, own.id).await.state, TaskState::Cancelled);
}

#[tokio::test]
async fn an_overdue_task_is_not_waited_for_and_a_snooze_moves_that_time() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, TaskMode::WaitUntilOverdue), email_step(&world, 0, "Hello", "<p>Hi</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    world.engine.snooze_task(&world.actor, task.id, task.due_at.plus_ms(7 * DAY)).await.expect("snoozed");
    assert_eq!(world.advance(7 * DAY).await, 0, "the snooze moved the time it is given up");
    assert_eq!(world.advance(7 * DAY).await, 1);
    assert_eq!(find(&world, task.id).await.state, TaskState::Skipped);
}
