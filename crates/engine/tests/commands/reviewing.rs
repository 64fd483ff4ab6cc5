use super::*;
use relance_domain::{
    InboundId,
    enrollment::{BlockReason, FinishReason, State},
    inbound::{Effect, Judgement, Kind as MessageKind},
    time::DAY,
};
use relance_storage::inbound::{InboundMessage, Tray};

/// A message that may be an answer of this person and waits in the tray.
async fn waiting(world: &World, person: Option<PersonId>) -> InboundId {
    let id = world.engine.new_inbound_id();
    let message = InboundMessage {
        id,
        mailbox_id: world.mailbox,
        identity: id.uuid().as_bytes().to_vec(),
        folder: "INBOX".to_owned(),
        uid_validity: 1,
        uid: 1,
        message_id: None,
        from_address: "someone@else.test".to_owned(),
        from_name: String::new(),
        subject: "About your message".to_owned(),
        sent_at: None,
        received_at: world.engine.now(),
        judgement: Judgement {
            kind: MessageKind::Doubtful { why: "could be either".to_owned() },
            evidence: Vec::new(),
        },
        matched_by: None,
        person_id: person,
        enrollment_id: None,
        delivery_id: None,
        effect: Effect::Tray { why: "could be either".to_owned() },
        tray: Tray::Open,
        visible_text: "Hm".to_owned(),
        quoted_text: String::new(),
    };
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::inbound::insert(&mut tx, &message, None).await.expect("stored");
    tx.commit().await.expect("committed");
    id
}

#[tokio::test]
async fn assigned_it_ends_that_persons_sequences_and_lets_the_one_held_for_it_go_on() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[1]).await;
    let (held, writer) = (world.enroll("held@prospect.test").await, world.enroll("writer@prospect.test").await);
    block(&world, held, BlockReason::HeldForReview).await;
    let people = (stored(&world, held).await.enrollment.person_id, stored(&world, writer).await.enrollment.person_id);
    let message = waiting(&world, Some(people.0)).await;
    let ended = world.engine.assign_inbound(&world.actor, message, people.1).await.expect("assigned");
    assert_eq!(ended.enrollments, 1);
    assert!(matches!(
        stored(&world, writer).await.enrollment.state,
        State::Finished { reason: FinishReason::Replied, .. }
    ));
    assert!(matches!(stored(&world, held).await.enrollment.state, State::Active { .. }));
    assert!(kinds(&world, people.1).await.contains(&ActivityKind::ReplyReceived));
    assert_eq!(codes(world.engine.ignore_inbound(&world.actor, message).await), ["decided"]);
    world.advance(2 * DAY).await;
    assert_eq!(world.sent_to("held@prospect.test").await, [0]);
    assert!(world.sent_to("writer@prospect.test").await.is_empty());
}

#[tokio::test]
async fn nobody_gets_round_a_decision_by_retrying_or_skipping() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[1, 3]).await;
    let held = world.enroll("held@prospect.test").await;
    block(&world, held, BlockReason::HeldForReview).await;
    let enrollment = stored(&world, held).await.enrollment;
    let message = waiting(&world, Some(enrollment.person_id)).await;
    let step = enrollment.state.step().expect("a step");
    assert_eq!(codes(world.engine.retry(&world.actor, held).await), ["not_retryable"]);
    assert_eq!(codes(world.engine.skip_step(&world.actor, held, step).await), ["held_for_review"]);
    world.advance(5 * DAY).await;
    assert!(world.sent_to("held@prospect.test").await.is_empty());
    assert!(matches!(
        stored(&world, held).await.enrollment.state,
        State::Blocked { reason: BlockReason::HeldForReview, .. }
    ));
    world.engine.ignore_inbound(&world.actor, message).await.expect("decided");
    world.advance(DAY).await;
    assert_eq!(world.sent_to("held@prospect.test").await, [0]);
}

#[tokio::test]
async fn of_someone_away_it_lets_them_wait_until_they_are_back() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[1]).await;
    let (held, writer) = (world.enroll("held@prospect.test").await, world.enroll("writer@prospect.test").await);
    block(&world, held, BlockReason::HeldForReview).await;
    let people = (stored(&world, held).await.enrollment.person_id, stored(&world, writer).await.enrollment.person_id);
    let (own, of_another) = (waiting(&world, Some(people.0)).await, waiting(&world, Some(people.0)).await);
    let today = jiff::civil::date(2026, 11, 23);
    assert_eq!(codes(world.engine.away_inbound(&world.actor, own, people.0, today).await), ["back_already"]);
    let back = jiff::civil::date(2026, 11, 30);
    assert_eq!(world.engine.away_inbound(&world.actor, of_another, people.1, back).await.expect("away"), 1);
    assert!(matches!(stored(&world, held).await.enrollment.state, State::Blocked { .. }), "another message waits");
    assert!(matches!(stored(&world, writer).await.enrollment.state, State::Paused { .. }));
    assert!(kinds(&world, people.1).await.contains(&ActivityKind::AutoReplyReceived));
    assert_eq!(world.engine.away_inbound(&world.actor, own, people.0, back).await.expect("away"), 1);
    assert!(matches!(stored(&world, held).await.enrollment.state, State::Paused { .. }));
    assert!(kinds(&world, people.0).await.contains(&ActivityKind::SequencePaused));
    world.advance(6 * DAY).await;
    assert!(world.sent_to("held@prospect.test").await.is_empty(), "away until Monday");
    world.advance(2 * DAY).await;
    assert_eq!(world.sent_to("held@prospect.test").await, [0]);
    assert_eq!(world.sent_to("writer@prospect.test").await, [0]);
}

#[tokio::test]
async fn ignored_it_lets_the_person_go_on_once_nothing_else_waits() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[1]).await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let id = world.enroll("held@prospect.test").await;
    block(&world, id, BlockReason::HeldForReview).await;
    let person = stored(&world, id).await.enrollment.person_id;
    let (one, two) = (waiting(&world, Some(person)).await, waiting(&world, Some(person)).await);
    assert!(matches!(world.engine.ignore_inbound(&rep, one).await, Err(EngineError::Forbidden(_))));
    assert_eq!(world.engine.ignore_inbound(&world.actor, one).await.expect("ignored"), 0);
    assert!(matches!(stored(&world, id).await.enrollment.state, State::Blocked { .. }));
    assert_eq!(world.engine.ignore_inbound(&world.actor, two).await.expect("ignored"), 1);
    world.advance(2 * DAY).await;
    assert_eq!(world.sent_to("held@prospect.test").await, [0]);
}
