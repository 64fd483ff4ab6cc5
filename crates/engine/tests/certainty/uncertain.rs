use super::*;
use relance_domain::time::DAY;

#[tokio::test]
async fn what_is_absent_where_every_copy_is_filed_leaves_again_unchanged_and_once() {
    let mut world = World::at(MONDAY, &[1, 3]).await;
    files_every_copy(&world).await;
    let id = world.enroll("ada@prospect.test").await;
    let raw = email("frozen@world.test", "ada@prospect.test", "As it was");
    let delivery = uncertain_since_an_hour(&world, id, &raw).await;
    world.advance(2 * DAY).await;
    let all = world.deliveries(id).await;
    assert_eq!(all.len(), 1, "the same generation");
    assert_eq!(all[0].id, delivery);
    assert!(matches!(all[0].state, DeliveryState::Sent { .. }), "{:?}", all[0].state);
    assert_eq!(world.outbox().await, [raw], "byte for byte, once");
    let events = history_of(&world, id).await;
    let resolved = events.iter().find(|event| event.kind == ActivityKind::EmailResolved).expect("an event");
    assert!(resolved.summary.contains("sent again unchanged") && resolved.actor_id.is_none(), "{resolved:?}");
    world.advance(5 * DAY).await;
    assert_eq!(world.outbox().await.len(), 2, "the second step follows");
    world.check().await;
}

#[tokio::test]
async fn uncertain_a_second_time_it_stays_with_a_person() {
    let mut world = World::at(MONDAY, &[1]).await;
    files_every_copy(&world).await;
    let id = world.enroll("ada@prospect.test").await;
    let delivery = uncertain_since_an_hour(&world, id, b"Subject: x\r\n\r\nx\r\n").await;
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::start_checks::count_resend(&mut tx, delivery).await.expect("counted");
    tx.commit().await.expect("committed");
    world.advance(5 * DAY).await;
    assert_eq!(blocked(&world.enrollment(id).await.state), Some(&BlockReason::DeliveryUncertain));
    assert!(world.outbox().await.is_empty());
}

#[tokio::test]
async fn where_copies_are_not_proved_to_be_filed_absence_proves_nothing() {
    let mut world = World::at(MONDAY, &[1]).await;
    let id = world.enroll("ada@prospect.test").await;
    uncertain_since_an_hour(&world, id, b"Subject: x\r\n\r\nx\r\n").await;
    world.advance(5 * DAY).await;
    assert_eq!(blocked(&world.enrollment(id).await.state), Some(&BlockReason::DeliveryUncertain));
    assert!(world.outbox().await.is_empty());
}

#[tokio::test]
async fn to_another_address_than_before_the_same_bytes_do_not_leave() {
    let mut world = World::at(MONDAY, &[1]).await;
    files_every_copy(&world).await;
    let id = world.enroll("new@prospect.test").await;
    // The email in doubt went to ada@prospect.test.
    uncertain_since_an_hour(&world, id, b"Subject: x\r\n\r\nx\r\n").await;
    world.advance(5 * DAY).await;
    assert_eq!(blocked(&world.enrollment(id).await.state), Some(&BlockReason::DeliveryUncertain));
    assert!(world.outbox().await.is_empty());
}

#[tokio::test]
async fn a_copy_in_the_sent_folder_says_that_it_left() {
    let mut world = World::at(MONDAY, &[1, 3]).await;
    let id = world.enroll("ada@prospect.test").await;
    uncertain_since_an_hour(&world, id, b"Subject: x\r\n\r\nx\r\n").await;
    let message_id = world.deliveries(id).await[0].message_id.clone();
    send_behind_its_back(&world, &email(&message_id, "ada@prospect.test", "Hello"), "ada@prospect.test").await;
    world.run_due().await;
    assert!(matches!(world.deliveries(id).await[0].state, DeliveryState::Sent { .. }));
    assert!(matches!(world.enrollment(id).await.state, State::Active { .. }));
    assert_eq!(world.outbox().await.len(), 1, "not sent again");
}

#[tokio::test]
async fn an_answer_says_that_it_left_and_ends_the_sequence() {
    let mut world = World::at(MONDAY, &[1, 3]).await;
    let id = world.enroll("ada@prospect.test").await;
    uncertain_since_an_hour(&world, id, b"Subject: x\r\n\r\nx\r\n").await;
    let to = message_id_of(&world, id).await;
    let headers =
        [("From", "ada@prospect.test"), ("Subject", "Re: Hello"), ("Message-ID", "<a@p>"), ("In-Reply-To", &to)];
    world.deliver(message(&headers, "Yes, please call.")).await;
    assert!(matches!(world.deliveries(id).await[0].state, DeliveryState::Sent { .. }));
    assert_eq!(finished(&world.enrollment(id).await.state), Some(&FinishReason::Replied));
    assert!(has_event(&world, id, ActivityKind::EmailResolved).await);
}
