use super::*;
use relance_domain::{
    TaskId,
    enrollment::{BlockReason, FinishReason, State},
    task::{Task, TaskState},
    time::{DAY, HOUR},
};
use relance_engine::commands::{
    bulk_tasks::TaskAct,
    tasks::{NewTask, TaskChange},
};

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

/// A step that emails without a wait before it.
fn at_once(world: &World, subject: &str) -> Step {
    email_step(world, 0, subject, "<p>Hi</p>")
}

#[tokio::test]
async fn a_sequence_that_does_not_wait_goes_on_from_the_creation_of_the_task() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, TaskMode::GoOn), email_step(&world, 2, "Hello", "<p>Hi</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    assert_eq!(task.state, TaskState::Open);
    assert_eq!(stored(&world, id).await.enrollment.state.due(), Some(task.created_at.plus_ms(2 * DAY)));
    assert_eq!(world.advance(2 * DAY).await, 1, "nobody did the task");
    assert!(!stored(&world, id).await.enrollment.state.is_ongoing());
    assert_eq!(find(&world, task.id).await.state, TaskState::Open, "the end of the sequence leaves it to its rep");
    world.engine.complete_task(&world.actor, task.id).await.expect("done later");
    world.check().await;
}

#[tokio::test]
async fn a_task_that_is_not_waited_for_may_be_the_last_step_and_stays() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, TaskMode::GoOn)];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let after = stored(&world, id).await.enrollment;
    assert!(matches!(after.state, State::Finished { reason: FinishReason::Completed, .. }));
    assert_eq!(task_of(&world, id).await.state, TaskState::Open);
    assert_eq!(kinds(&world, after.person_id).await.last(), Some(&ActivityKind::SequenceEnded));
    let task = task_of(&world, id).await;
    world.engine.stop(&world.actor, id).await.expect_err("it has ended");
    assert_eq!(find(&world, task.id).await.state, TaskState::Open);
}

#[tokio::test]
async fn an_overdue_task_is_skipped_after_business_days_of_its_rep() {
    // Thursday in New York; the task is due on Friday, so two business days later is Tuesday.
    let mut world = World::at("2026-11-26T10:00[America/New_York]", &[]).await;
    let steps = vec![task_step(&world, 0, TaskMode::WaitUntilOverdue), at_once(&world, "Hello")];
    world.sequence(plan(steps)).await;
    let fields = Fields { time_zone: "Asia/Tokyo".to_owned(), ..named("Ada", "Lovelace", "ada@prospect.test") };
    let person = lead(&world, fields).await.id;
    let id = world.enroll_person(person).await;
    let task = task_of(&world, id).await;
    assert_eq!(task.due_at, relance_testkit::world::time("2026-11-27T10:00[America/New_York]"));
    let gives_up = relance_testkit::world::time("2026-12-01T10:00[America/New_York]");
    assert_eq!(stored(&world, id).await.wake_at, Some(gives_up), "the days of the rep, not of the person");
    let until = gives_up.since(world.engine.now());
    assert_eq!(world.advance(until - 1).await, 0);
    assert_eq!(find(&world, task.id).await.state, TaskState::Open);
    assert_eq!(world.advance(1).await, 1);
    assert_eq!(find(&world, task.id).await.state, TaskState::Skipped);
}

#[tokio::test]
async fn a_manual_email_must_be_waited_for() {
    let world = monday().await;
    let mut step = manual_step(&world);
    if let relance_domain::step::Action::ManualEmail { task, .. } = &mut step.action {
        task.mode = TaskMode::GoOn;
    }
    let fields = relance_engine::commands::sequences::SequenceFields {
        name: "By hand".to_owned(),
        plan: plan(vec![step]),
        ..Default::default()
    };
    assert_eq!(codes(world.engine.create_sequence(&world.actor, fields).await), ["not_for_emails"]);
}

#[tokio::test]
async fn a_task_that_was_done_by_mistake_is_opened_again_and_its_sequence_comes_back_to_it() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, TaskMode::Wait), email_step(&world, 2, "Hello", "<p>Hi</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    world.engine.complete_task(&world.actor, task.id).await.expect("done");
    world.engine.clock.advance(DAY);
    world.engine.reopen_task(&world.actor, task.id).await.expect("open again");
    let back = stored(&world, id).await;
    assert_eq!((back.enrollment.state.step(), back.step_action.as_deref()), (task.step_id, Some("task")));
    assert!(back.enrollment.done_steps.is_empty());
    assert_eq!(world.advance(10 * DAY).await, 0, "it waits again");
    world.engine.complete_task(&world.actor, task.id).await.expect("done");
    assert_eq!(world.advance(2 * DAY).await, 1);
    assert_eq!(codes(world.engine.reopen_task(&world.actor, task.id).await), ["too_late"]);
    assert_eq!(world.sent_to("ada@prospect.test").await, [1]);
    world.check().await;
}

#[tokio::test]
async fn the_last_task_of_a_sequence_is_opened_again_unless_the_person_is_in_it_anew() {
    let mut world = monday().await;
    let steps = vec![email_step(&world, 0, "Hello", "<p>Hi</p>"), task_step(&world, 0, TaskMode::Wait)];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    world.run_due().await;
    let task = task_of(&world, id).await;
    world.engine.complete_task(&world.actor, task.id).await.expect("done");
    assert!(!stored(&world, id).await.enrollment.state.is_ongoing());
    world.engine.reopen_task(&world.actor, task.id).await.expect("open again");
    let back = stored(&world, id).await;
    assert_eq!((back.enrollment.state.step(), back.step_action.as_deref()), (task.step_id, Some("task")));
    assert_eq!(world.advance(10 * DAY).await, 0, "it waits again");
    world.engine.skip_task(&world.actor, task.id).await.expect("skipped");
    assert!(!stored(&world, id).await.enrollment.state.is_ongoing());
    world.enroll("ada@prospect.test").await;
    assert_eq!(codes(world.engine.reopen_task(&world.actor, task.id).await), ["too_late"]);
    assert!(!stored(&world, id).await.enrollment.state.is_ongoing());
    world.check().await;
}

#[tokio::test]
async fn a_sent_draft_is_taken_back_before_it_leaves_and_not_after() {
    let mut world = monday().await;
    world.sequence(plan(vec![manual_step(&world), email_step(&world, 1, "Next", "<p>Next</p>")])).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    world.engine.complete_task(&world.actor, task.id).await.expect("sent by hand");
    world.engine.reopen_task(&world.actor, task.id).await.expect("taken back");
    assert_eq!(stored(&world, id).await.step_action.as_deref(), Some("manual_email"));
    assert_eq!(world.advance(3 * DAY).await, 0, "nothing leaves without its rep");
    world.engine.complete_task(&world.actor, task.id).await.expect("sent by hand");
    assert_eq!(world.run_due().await, 1);
    assert_eq!(codes(world.engine.reopen_task(&world.actor, task.id).await), ["too_late"]);
    world.check().await;
}

#[tokio::test]
async fn a_draft_that_lacks_a_value_is_not_sent_and_an_edit_or_the_value_cures_it() {
    let mut world = monday().await;
    let mut step = manual_step(&world);
    if let relance_domain::step::Action::ManualEmail { email, .. } = &mut step.action {
        email.body_html = "<p>{{ person.last_name }} in {{ person.industry }}</p>".to_owned();
    }
    let step_id = step.id;
    world.sequence(plan(vec![step])).await;
    let id = world.enroll("ada@prospect.test").await;
    let task = task_of(&world, id).await;
    assert_eq!(codes(world.engine.complete_task(&world.actor, task.id).await), ["missing_merge_data"]);
    assert_eq!(find(&world, task.id).await.state, TaskState::Open);
    let draft = world.engine.email_to_edit(&world.actor, id, step_id).await.expect("a draft").words;
    assert_eq!(draft.body_html, "<p>ada@prospect.test in {{ person.industry }}</p>", "values stand in it");
    let person = stored(&world, id).await.enrollment.person_id;
    let fill = |fields: &mut Fields| "Ferries".clone_into(&mut fields.industry);
    world.engine.edit_person(&world.actor, person, fill).await.expect("filled in");
    world.engine.edit_email(&world.actor, id, step_id, &draft).await.expect("edited");
    world.engine.complete_task(&world.actor, task.id).await.expect("sent by hand");
    assert_eq!(world.run_due().await, 1);
    let sent = deliveries(&world, id).await;
    assert!(sent[0].html.contains("ada@prospect.test in Ferries"), "{}", sent[0].html);
    world.check().await;
}

#[tokio::test]
async fn a_draft_of_a_mailbox_whose_quota_is_used_waits_until_it_is_raised_and_leaves_once() {
    let mut world = monday().await;
    world.sequence(plan(vec![manual_step(&world)])).await;
    let id = world.enroll("ada@prospect.test").await;
    let change = relance_engine::commands::mailboxes::MailboxChange { daily_quota: Some(0), ..Default::default() };
    world.engine.edit_mailbox(&world.actor, world.mailbox, change).await.expect("edited");
    let task = task_of(&world, id).await;
    world.engine.complete_task(&world.actor, task.id).await.expect("sent by hand");
    assert_eq!(codes(world.engine.complete_task(&world.actor, task.id).await), ["closed"], "a second click");
    assert_eq!(world.run_due().await, 0);
    let state = stored(&world, id).await.enrollment.state;
    let quota = BlockReason::QuotaReached;
    assert!(matches!(&state, State::Blocked { reason, resumes_at: None, .. } if *reason == quota), "{state:?}");
    assert_eq!(world.advance(2 * DAY).await, 0, "no day has a slot");
    let change = relance_engine::commands::mailboxes::MailboxChange { daily_quota: Some(5), ..Default::default() };
    world.engine.edit_mailbox(&world.actor, world.mailbox, change).await.expect("edited");
    world.run_due().await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0], "the raised quota lets it go at once");
    world.check().await;
}

#[tokio::test]
async fn several_tasks_are_done_each_for_itself_and_taken_back_together() {
    let mut world = monday().await;
    world.sequence(plan(vec![manual_step(&world)])).await;
    let id = world.enroll("ada@prospect.test").await;
    let draft = task_of(&world, id).await.id;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let mut own = Vec::new();
    for number in 0..3 {
        let new = NewTask {
            person_id: None,
            owner_id: None,
            kind: TaskKind::Call,
            content: format!("Call {number}"),
            due_at: None,
        };
        own.push(world.engine.create_task(&world.actor, new).await.expect("created").id);
    }
    let all: Vec<TaskId> = own.iter().copied().chain([draft]).collect();
    let job = world.engine.new_job_id();
    let done = world.engine.bulk_tasks(&world.actor, job, &all, TaskAct::Complete).await.expect("done");
    assert_eq!(done.done, 3);
    assert!(done.refused[0].1.starts_with("“Send it”: This email is read"), "{:?}", done.refused);
    let again = world.engine.bulk_tasks(&world.actor, job, &all, TaskAct::Complete).await.expect("the same answer");
    assert_eq!(again, done, "asked twice, done once");
    world.engine.undo_bulk(&world.actor, job).await.expect("taken back");
    assert_eq!(find(&world, own[0]).await.state, TaskState::Open);

    let until = world.engine.now().plus_ms(DAY);
    let job = world.engine.new_job_id();
    world.engine.bulk_tasks(&world.actor, job, &own, TaskAct::Snooze { until }).await.expect("put off");
    assert_eq!(find(&world, own[1]).await.due_at, until);
    world.engine.undo_bulk(&world.actor, job).await.expect("taken back");
    assert!(find(&world, own[1]).await.due_at < until);

    let job = world.engine.new_job_id();
    let give = TaskAct::Assign { owner_id: rep.user_id().expect("a user") };
    world.engine.bulk_tasks(&world.actor, job, &own[..2], give).await.expect("given");
    let change = TaskChange { owner_id: world.actor.user_id(), ..TaskChange::default() };
    world.engine.edit_task(&world.actor, own[0], change).await.expect("taken");
    world.engine.undo_bulk(&world.actor, job).await.expect("taken back");
    assert_eq!(find(&world, own[1]).await.owner_id, world.actor.user_id().expect("a user"));
    let refused = world.engine.bulk_tasks(&rep, world.engine.new_job_id(), &own, TaskAct::Skip).await.expect("tried");
    assert_eq!((refused.done, refused.refused.len()), (0, 3));
    let none = world.engine.bulk_tasks(&rep, world.engine.new_job_id(), &[], TaskAct::Skip).await;
    assert_eq!(codes(none), ["required"]);
}
