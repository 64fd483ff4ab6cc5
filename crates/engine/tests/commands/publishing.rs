use super::*;
use relance_domain::{
    JobId,
    audit::Act,
    enrollment::{BlockReason, FinishReason, State},
    publishing::Enrolled,
    task::TaskState,
    time::{DAY, HOUR},
};
use relance_engine::commands::{
    bulk::BulkDone,
    impact::GoesOn,
    publish::{Published, Publishing},
    sequences::SequenceFields,
};
use relance_storage::audit::AuditFilter;

async fn rewrite(world: &World, sequence: SequenceId, steps: Vec<Step>) {
    let change = |fields: &mut SequenceFields| fields.plan.steps = steps;
    world.engine.edit_sequence(&world.actor, sequence, change).await.expect("edited");
}

async fn publish(world: &World, sequence: SequenceId, enrolled: Enrolled) -> Published {
    let how = Publishing { enrolled, draft_number: None };
    world.engine.publish_sequence(&world.actor, sequence, how).await.expect("published")
}

/// Publishes for everyone; the job and how many it moved and refused.
async fn move_all(world: &World, sequence: SequenceId) -> (JobId, usize, Vec<String>) {
    let (job, done) = publish(world, sequence, Enrolled::Move).await.moved.expect("people to move");
    let BulkDone::Rows(rows) = done else { panic!("done at once") };
    let refused: Vec<String> = rows.into_iter().filter_map(|row| row.refused.map(|refused| refused.code)).collect();
    let moved = rows_of(world, job).await - refused.len();
    (job, moved, refused)
}

async fn rows_of(world: &World, job: JobId) -> usize {
    let mut tx = world.engine.store.read().await.expect("a view");
    let job = storage::jobs::find(&mut tx, job).await.expect("read").expect("a job");
    usize::try_from(job.done_count + job.refused_count).expect("small")
}

fn three(world: &World) -> Vec<Step> {
    vec![
        email_step(world, 0, "One", "<p>1</p>"),
        email_step(world, 2, "Two", "<p>2</p>"),
        email_step(world, 4, "Three", "<p>3</p>"),
    ]
}

async fn subjects(world: &World, id: EnrollmentId) -> Vec<String> {
    deliveries(world, id)
        .await
        .into_iter()
        .filter(|delivery| matches!(delivery.state, DeliveryState::Sent { .. }))
        .map(|delivery| delivery.subject)
        .collect()
}

#[tokio::test]
async fn those_enrolled_are_moved_when_chosen_and_nobody_gets_a_step_twice() {
    let mut world = monday().await;
    let steps = three(&world);
    let sequence = world.sequence(plan(steps.clone())).await;
    let ada = world.enroll("ada@prospect.test").await;
    world.advance(DAY).await;
    let new = email_step(&world, 1, "New", "<p>new</p>");
    rewrite(&world, sequence, vec![steps[2].clone(), steps[0].clone(), new]).await;
    let impact = world.engine.impact(&world.actor, sequence, None).await.expect("judged");
    assert_eq!((impact.ongoing, impact.judged, impact.moves, impact.words), (1, 1, 1, 1));
    assert!(matches!(impact.rows[0].goes_on, GoesOn::Moves { to: 3 }));
    assert_eq!(impact.steps[0].position, None, "the step they wait for is gone");
    let (_, moved, refused) = move_all(&world, sequence).await;
    assert_eq!((moved, refused.len()), (1, 0));
    assert_eq!(stored(&world, ada).await.enrollment.state.due(), impact.rows[0].due_after, "as it was foretold");
    world.advance(9 * DAY).await;
    assert_eq!(subjects(&world, ada).await, ["One", "New"]);
}

#[tokio::test]
async fn new_people_only_is_the_default_and_those_enrolled_can_be_moved_later() {
    let mut world = monday().await;
    let steps = three(&world);
    let sequence = world.sequence(plan(steps.clone())).await;
    let ada = world.enroll("ada@prospect.test").await;
    rewrite(&world, sequence, vec![steps[0].clone(), email_step(&world, 2, "New", "<p>n</p>")]).await;
    let published = publish(&world, sequence, Enrolled::Keep).await;
    assert!(published.is_new && published.moved.is_none());
    assert_ne!(Some(stored(&world, ada).await.enrollment.version_id), published.sequence.version_id);
    let impact = world.engine.impact(&world.actor, sequence, None).await.expect("judged");
    assert_eq!((impact.is_new, impact.judged), (false, 1));
    let again = publish(&world, sequence, Enrolled::Move).await;
    assert_eq!((again.is_new, again.sequence.version), (false, published.sequence.version), "no version is made twice");
    assert_eq!(Some(stored(&world, ada).await.enrollment.version_id), again.sequence.version_id);
    let impact = world.engine.impact(&world.actor, sequence, None).await.expect("judged");
    assert_eq!((impact.ongoing, impact.judged), (1, 0), "everyone follows it");
}

#[tokio::test]
async fn what_would_leave_today_is_what_leaves_after_the_move() {
    let mut world = monday().await;
    let steps = three(&world);
    let sequence = world.sequence(plan(steps.clone())).await;
    for name in ["ada", "bob", "cy"] {
        world.enroll(&format!("{name}@prospect.test")).await;
    }
    world.advance(DAY).await;
    let sooner = vec![steps[0].clone(), email_step(&world, 0, "Now", "<p>n</p>"), steps[1].clone(), steps[2].clone()];
    rewrite(&world, sequence, sooner).await;
    let impact = world.engine.impact(&world.actor, sequence, None).await.expect("judged");
    assert_eq!((impact.moves, impact.today_after), (0, 0), "what stands before their step is not theirs");
    let mut early = steps[1].clone();
    early.wait = Wait { amount: 1, unit: WaitUnit::Days };
    rewrite(&world, sequence, vec![steps[0].clone(), early, steps[2].clone()]).await;
    let impact = world.engine.impact(&world.actor, sequence, None).await.expect("judged");
    assert_eq!((impact.dates, impact.today_before, impact.today_after), (3, 0, 3));
    move_all(&world, sequence).await;
    world.advance(6 * HOUR).await;
    let mut left = 0;
    for name in ["ada", "bob", "cy"] {
        left += world.sent_to(&format!("{name}@prospect.test")).await.len() - 1;
    }
    assert_eq!(left, 3);
}

#[tokio::test]
async fn a_move_is_taken_back_where_nothing_was_sent_since() {
    let mut world = monday().await;
    let steps = three(&world);
    let sequence = world.sequence(plan(steps.clone())).await;
    let ada = world.enroll("ada@prospect.test").await;
    let bob = world.enroll("bob@prospect.test").await;
    let before = stored(&world, ada).await.enrollment;
    rewrite(&world, sequence, vec![steps[0].clone()]).await;
    let (job, moved, _) = move_all(&world, sequence).await;
    assert_eq!(moved, 2);
    assert!(matches!(
        stored(&world, ada).await.enrollment.state,
        State::Finished { reason: FinishReason::Completed, .. }
    ));
    world.enroll_person(stored(&world, bob).await.enrollment.person_id).await;
    let (_, done) = world.engine.undo_bulk(&world.actor, job).await.expect("taken back");
    let BulkDone::Rows(rows) = done else { panic!("done at once") };
    let refused: Vec<_> = rows.iter().filter_map(|row| row.refused.as_ref()).map(|refused| &refused.code).collect();
    assert_eq!(refused, ["changed_since"], "who was enrolled anew stays");
    let after = stored(&world, ada).await.enrollment;
    assert_eq!((after.version_id, &after.state), (before.version_id, &before.state));
    world.advance(7 * DAY).await;
    assert_eq!(subjects(&world, ada).await, ["One", "Two", "Three"]);
}

#[tokio::test]
async fn an_email_that_is_leaving_keeps_its_step_and_goes_on_under_the_new_version() {
    let mut world = monday().await;
    let steps = three(&world);
    let sequence = world.sequence(plan(steps.clone())).await;
    let ada = world.enroll("ada@prospect.test").await;
    let at = world.engine.now();
    put_delivery(&world, ada, DeliveryState::Leaving { epoch: 1, at }).await;
    rewrite(&world, sequence, vec![steps[0].clone(), steps[2].clone()]).await;
    let (_, _, refused) = move_all(&world, sequence).await;
    assert_eq!(refused, ["leaving"]);
    rewrite(&world, sequence, vec![steps[0].clone(), steps[1].clone()]).await;
    let (_, moved, _) = move_all(&world, sequence).await;
    assert_eq!(moved, 1);
    assert_eq!(stored(&world, ada).await.enrollment.state.step(), Some(steps[1].id));
}

#[tokio::test]
async fn what_was_claimed_before_a_move_does_not_leave_and_can_be_taken_up_again() {
    let mut world = monday().await;
    let steps = three(&world);
    let sequence = world.sequence(plan(steps.clone())).await;
    let ada = world.enroll("ada@prospect.test").await;
    let before = stored(&world, ada).await.enrollment.revision;
    let delivery = put_delivery(&world, ada, DeliveryState::Claimed { epoch: 1 }).await;
    rewrite(&world, sequence, vec![steps[0].clone(), steps[2].clone()]).await;
    let (job, ..) = move_all(&world, sequence).await;
    assert!(stored(&world, ada).await.enrollment.revision > before, "the point of no return compares it");
    let state = |all: Vec<Delivery>| all.into_iter().find(|found| found.id == delivery).map(|found| found.state);
    assert_eq!(state(deliveries(&world, ada).await), Some(DeliveryState::Planned));
    world.engine.undo_bulk(&world.actor, job).await.expect("taken back");
    world.advance(3 * DAY).await;
    assert!(matches!(state(deliveries(&world, ada).await), Some(DeliveryState::Sent { .. })));
}

#[tokio::test]
async fn the_task_of_a_step_that_is_gone_is_cancelled_and_open_again_when_the_move_is_taken_back() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, TaskMode::Wait), email_step(&world, 1, "After", "<p>x</p>")];
    let sequence = world.sequence(plan(steps.clone())).await;
    let ada = world.enroll("ada@prospect.test").await;
    rewrite(&world, sequence, vec![steps[1].clone()]).await;
    let (job, ..) = move_all(&world, sequence).await;
    let task = async |world: &World| {
        let mut tx = world.engine.store.read().await.expect("a view");
        storage::tasks::find_of_step(&mut tx, ada, steps[0].id).await.expect("read").expect("a task").state
    };
    assert_eq!(task(&world).await, TaskState::Cancelled);
    world.engine.undo_bulk(&world.actor, job).await.expect("taken back");
    world.advance(HOUR).await;
    assert_eq!(task(&world).await, TaskState::Open);
    assert_eq!(stored(&world, ada).await.enrollment.state.word(), "active");
    assert!(world.sent_to("ada@prospect.test").await.is_empty(), "the task is waited for again");
}

#[tokio::test]
async fn corrected_words_release_those_whom_they_had_held() {
    let mut world = monday().await;
    let missing = email_step(&world, 0, "About {{ person.industry }}", "<p>x</p>");
    let sequence = world.sequence(plan(vec![missing.clone()])).await;
    let ada = world.enroll("ada@prospect.test").await;
    assert!(matches!(
        stored(&world, ada).await.enrollment.state,
        State::Blocked { reason: BlockReason::MissingMergeData { .. }, .. }
    ));
    let Action::AutomatedEmail { mut email } = missing.action.clone() else { panic!("an email") };
    email.subject = "About {{ person.industry | default('your work') }}".to_owned();
    rewrite(&world, sequence, vec![Step { action: Action::AutomatedEmail { email }, ..missing }]).await;
    move_all(&world, sequence).await;
    world.run_due().await;
    assert_eq!(subjects(&world, ada).await, ["About your work"]);
}

#[tokio::test]
async fn a_draft_that_was_changed_since_it_was_reviewed_is_not_published() {
    let world = monday().await;
    let fields = SequenceFields { name: "New".to_owned(), plan: plan(three(&world)), ..SequenceFields::default() };
    let draft = world.engine.create_sequence(&world.actor, fields).await.expect("a draft");
    let reviewed = world.engine.impact(&world.actor, draft.id, None).await.expect("judged").draft_number;
    rewrite(&world, draft.id, three(&world)).await;
    let how = Publishing { enrolled: Enrolled::Keep, draft_number: Some(reviewed) };
    assert_eq!(codes(world.engine.publish_sequence(&world.actor, draft.id, how).await), ["changed_meanwhile"]);
}

#[tokio::test]
async fn only_admins_publish_and_see_what_it_would_do() {
    let world = monday().await;
    let fields = SequenceFields { name: "New".to_owned(), plan: plan(three(&world)), ..SequenceFields::default() };
    let draft = world.engine.create_sequence(&world.actor, fields).await.expect("a draft");
    let manager = user(&world, "mara@world.test", Role::Manager).await;
    assert!(matches!(world.engine.impact(&manager, draft.id, None).await, Err(EngineError::Forbidden(_))));
    let published = world.engine.publish_sequence(&manager, draft.id, Publishing::default()).await;
    assert!(matches!(published, Err(EngineError::Forbidden(_))));
}

#[tokio::test]
async fn the_log_says_which_version_was_published_by_whom_and_for_how_many() {
    let mut world = monday().await;
    let steps = three(&world);
    let sequence = world.sequence(plan(steps.clone())).await;
    world.enroll("ada@prospect.test").await;
    rewrite(&world, sequence, steps[..2].to_vec()).await;
    publish(&world, sequence, Enrolled::Keep).await;
    publish(&world, sequence, Enrolled::Keep).await;
    rewrite(&world, sequence, steps).await;
    move_all(&world, sequence).await;
    let mut tx = world.engine.store.read().await.expect("a view");
    let filter =
        AuditFilter { act: Some(Act::SequenceActivated), object_id: sequence.to_string(), ..AuditFilter::default() };
    let lines = storage::audit::page(&mut tx, &filter, None, 10).await.expect("read");
    let told: Vec<_> = lines.iter().rev().map(|line| line.detail.as_str()).collect();
    assert_eq!(told, ["Version 1.", "Version 2.", "Again version 2.", "Version 3, also for 1 enrolled."]);
    assert!(lines.iter().all(|line| line.actor_id == world.actor.user_id()));
}
