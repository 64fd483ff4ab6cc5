use super::*;
use relance_domain::{
    enrollment::{BlockReason, State},
    time::DAY,
};

/// An email that passed the point of no return an hour ago and was never answered for.
async fn uncertain() -> (World, EnrollmentId) {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[0, 3]).await;
    let steps = vec![email_step(&world, 1, "One", "<p>1</p>"), email_step(&world, 3, "Two", "<p>2</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let left = world.engine.now().plus_ms(-3_600_000);
    put_delivery(&world, id, DeliveryState::Uncertain { at: left }).await;
    block(&world, id, BlockReason::DeliveryUncertain).await;
    (world, id)
}

#[tokio::test]
async fn marked_as_sent_the_next_wait_counts_from_the_point_of_no_return() {
    let (mut world, id) = uncertain().await;
    let left = world.engine.now().plus_ms(-3_600_000);
    let after = world.engine.resolve(&world.actor, id, true).await.expect("resolved");
    assert_eq!(after.state.due(), Some(left.plus_ms(3 * DAY)));
    assert_eq!(after.done_steps.len(), 1);
    assert_eq!(stored(&world, id).await.emails_sent, 1);
    assert_eq!(deliveries(&world, id).await[0].state, DeliveryState::Sent { at: left });
    world.advance(4 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1], "the second step left, the first was not sent again");
    assert_eq!(world.outbox().await.len(), 1);
    assert_eq!(codes(world.engine.resolve(&world.actor, id, true).await), ["nothing_uncertain"]);
    world.check().await;
}

#[tokio::test]
async fn marked_as_not_sent_it_leaves_again_as_a_new_generation_with_another_message_id() {
    let (mut world, id) = uncertain().await;
    world.engine.resolve(&world.actor, id, false).await.expect("resolved");
    assert!(matches!(stored(&world, id).await.enrollment.state, State::Active { .. }));
    world.advance(2 * DAY).await;
    let all = deliveries(&world, id).await;
    assert_eq!(
        all.iter().map(|d| (d.generation, d.state.as_str())).collect::<Vec<_>>(),
        [(1, "not_sent"), (2, "sent")]
    );
    assert_ne!(all[0].message_id, all[1].message_id);
    assert_eq!(world.outbox().await.len(), 1);
    let person = stored(&world, id).await.enrollment.person_id;
    let resolved = history(&world, person).await.into_iter().find(|event| event.kind == ActivityKind::EmailResolved);
    let resolved = resolved.expect("an event");
    assert_eq!((resolved.actor_id, resolved.detail["sent"].as_bool()), (world.actor.user_id(), Some(false)));
    world.check().await;
}

#[tokio::test]
async fn what_was_stopped_meanwhile_is_resolved_without_going_on() {
    let (mut world, id) = uncertain().await;
    let stopped = world.engine.stop(&world.actor, id).await.expect("stopped");
    assert!(stopped.leaving.is_empty());
    let after = world.engine.resolve(&world.actor, id, true).await.expect("resolved");
    assert!(matches!(after.state, State::Finished { .. }));
    assert_eq!(world.advance(10 * DAY).await, 0);
}
