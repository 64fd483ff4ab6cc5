use super::*;
use relance_domain::{
    enrollment::{BlockReason, FinishReason, PausedBy, State},
    time::DAY,
};

#[tokio::test]
async fn a_stop_raises_the_revision_cancels_what_is_claimed_and_names_what_is_leaving() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[5]).await;
    let claimed = world.enroll("ada@prospect.test").await;
    put_delivery(&world, claimed, DeliveryState::Claimed { epoch: 1 }).await;
    let before = stored(&world, claimed).await.enrollment.revision;
    let stopped = world.engine.stop(&world.actor, claimed).await.expect("stopped");
    assert!(stopped.enrollment.revision > before);
    assert_eq!((stopped.cancelled_emails, stopped.leaving.len()), (1, 0));
    assert_eq!(deliveries(&world, claimed).await[0].state, DeliveryState::Cancelled);
    let by = world.actor.user_id();
    assert!(
        matches!(stopped.enrollment.state, State::Finished { reason: FinishReason::Stopped { by: stopper }, .. } if stopper == by)
    );

    let leaving = world.enroll("grace@prospect.test").await;
    let now = world.engine.now();
    let email = put_delivery(&world, leaving, DeliveryState::Leaving { epoch: 1, at: now }).await;
    let stopped = world.engine.stop(&world.actor, leaving).await.expect("stopped");
    assert_eq!(stopped.leaving.iter().map(|email| email.delivery_id).collect::<Vec<_>>(), [email]);
    assert_eq!(stopped.cancelled_emails, 0);
    assert!(matches!(deliveries(&world, leaving).await[0].state, DeliveryState::Leaving { .. }));
    assert_eq!(codes(world.engine.stop(&world.actor, leaving).await), ["not_allowed"]);
}

#[tokio::test]
async fn a_stop_cancels_open_tasks_and_nothing_follows() {
    let mut world = monday().await;
    let steps =
        vec![task_step(&world, 0, relance_domain::step::TaskMode::Wait), email_step(&world, 1, "Hello", "<p>Hi</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let stopped = world.engine.stop(&world.actor, id).await.expect("stopped");
    assert_eq!(stopped.cancelled_tasks, 1);
    assert_eq!(world.advance(20 * DAY).await, 0);
    let person = stopped.enrollment.person_id;
    let last = history(&world, person).await.pop().expect("an event");
    assert_eq!((last.kind, last.actor_id), (ActivityKind::SequenceEnded, world.actor.user_id()));
    assert_eq!(last.detail["reason"], "stopped");
}

#[tokio::test]
async fn many_are_stopped_at_once_and_those_that_ended_stay_as_they_are() {
    let mut world = monday().await;
    let (one, two) = (world.enroll("a@prospect.test").await, world.enroll("b@prospect.test").await);
    world.engine.stop(&world.actor, one).await.expect("stopped");
    let ended = world.engine.stop_many(&world.actor, &[one, two]).await.expect("stopped");
    assert_eq!(ended.enrollments, 1);
    let ids: Vec<EnrollmentId> = (0..1_001).map(|_| world.engine.new_enrollment_id()).collect();
    assert_eq!(codes(world.engine.stop_many(&world.actor, &ids).await), ["too_many"]);
}

#[tokio::test]
async fn a_rep_touches_own_enrollments_and_those_of_own_people_only() {
    let mut world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let id = world.enroll("ada@prospect.test").await;
    assert!(matches!(world.engine.stop(&rep, id).await, Err(EngineError::Forbidden(_))));
    assert!(matches!(world.engine.stop_many(&rep, &[id]).await, Err(EngineError::Forbidden(_))));
    let person = stored(&world, id).await.enrollment.person_id;
    world
        .engine
        .edit_person(&world.actor, person, |fields| fields.owner_id = rep.user_id())
        .await
        .expect("given to the rep");
    world.engine.stop(&rep, id).await.expect("the person is theirs");
}

#[tokio::test]
async fn a_pause_holds_until_its_date_and_then_goes_on_by_itself() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    let until = world.engine.now().plus_ms(10 * DAY);
    let paused = world.engine.pause(&world.actor, id, Some(until)).await.expect("paused");
    assert!(matches!(paused.enrollment.state, State::Paused { by: PausedBy::Person, .. }));
    world.advance(9 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    world.advance(2 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);
    assert_eq!(codes(world.engine.pause(&world.actor, id, Some(world.engine.now())).await), ["in_the_past"]);
    world.check().await;
}

#[tokio::test]
async fn resuming_makes_a_late_step_due_now_and_wakes_its_mailbox() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    world.engine.pause(&world.actor, id, None).await.expect("paused");
    world.advance(20 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    let resumed = world.engine.resume(&world.actor, id).await.expect("resumed");
    assert_eq!(resumed.state.due(), Some(world.engine.now()));
    world.run_due().await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);
    assert_eq!(codes(world.engine.resume(&world.actor, id).await), ["not_allowed"]);
}

#[tokio::test]
async fn what_is_uncertain_cannot_be_hidden_behind_a_pause_and_not_retried() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[5]).await;
    let id = world.enroll("ada@prospect.test").await;
    block(&world, id, BlockReason::DeliveryUncertain).await;
    assert_eq!(codes(world.engine.pause(&world.actor, id, None).await), ["not_allowed"]);
    assert_eq!(codes(world.engine.retry(&world.actor, id).await), ["delivery_uncertain"]);
    let step = stored(&world, id).await.enrollment.state.step().expect("a step");
    assert_eq!(codes(world.engine.skip_step(&world.actor, id, step).await), ["delivery_uncertain"]);
    world.engine.stop(&world.actor, id).await.expect("a stop always works");
}

#[tokio::test]
async fn a_refused_email_is_retried_as_a_new_generation_once() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[5]).await;
    let id = world.enroll("ada@prospect.test").await;
    put_delivery(&world, id, DeliveryState::Refused).await;
    block(&world, id, BlockReason::RecipientRefused { smtp: "550".to_owned() }).await;
    world.engine.retry(&world.actor, id).await.expect("retried");
    assert_eq!(codes(world.engine.retry(&world.actor, id).await), ["not_allowed"]);
    assert_eq!(deliveries(&world, id).await.iter().map(|d| d.generation).collect::<Vec<_>>(), [1, 2]);
    world.advance(6 * DAY).await;
    let all = deliveries(&world, id).await;
    assert_eq!(all.iter().map(|d| d.state.as_str()).collect::<Vec<_>>(), ["refused", "sent"]);
    world.check().await;
}

#[tokio::test]
async fn all_of_one_reason_are_retried_as_far_as_the_actor_may() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[5]).await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let id = world.enroll(&format!("p{n}@prospect.test")).await;
        let reason = if n == 2 { BlockReason::LateStart } else { BlockReason::TemplateError { what: "x".to_owned() } };
        block(&world, id, reason).await;
        ids.push(id);
    }
    assert_eq!(world.engine.retry_all(&rep, "template_error").await.expect("none are theirs"), 0);
    assert_eq!(world.engine.retry_all(&world.actor, "template_error").await.expect("retried"), 2);
    assert!(matches!(stored(&world, ids[2]).await.enrollment.state, State::Blocked { .. }));
}

#[tokio::test]
async fn a_step_is_moved_by_hand_or_skipped_but_only_the_one_that_comes_next() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    let (first, second) = (world.step(id, 0).await, world.step(id, 1).await);
    let soon = world.engine.now().plus_ms(3_600_000);
    assert_eq!(codes(world.engine.reschedule(&world.actor, id, first, soon).await), ["not_current"]);
    assert_eq!(
        codes(world.engine.reschedule(&world.actor, id, second, soon.plus_ms(-7_200_000)).await),
        ["in_the_past"]
    );
    let moved = world.engine.reschedule(&world.actor, id, second, soon).await.expect("moved");
    assert!(moved.moved_by_hand && moved.state.due() == Some(soon));
    world.advance(3_700_000).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);

    let other = world.enroll("grace@prospect.test").await;
    let second = world.step(other, 1).await;
    let skipped = world.engine.skip_step(&world.actor, other, second).await.expect("skipped");
    assert!(matches!(skipped.state, State::Finished { reason: FinishReason::Completed, .. }));
    assert_eq!(skipped.done_steps.len(), 2);
    assert_eq!(world.advance(10 * DAY).await, 0);
    world.check().await;
}
