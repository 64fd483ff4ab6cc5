use super::*;
use relance_domain::{
    start_check::{StartCheck, Why},
    time::{DAY, MINUTE, SECOND},
};
use relance_engine::sender::Commits;

/// Makes the data look as if nothing had run on them for so long; what this machine knows goes with them or stays.
async fn last_alive_before(world: &World, ms: i64, machine_knows: bool) {
    let at = world.engine.clock.system_now().plus_ms(-ms);
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::workspace::record_heartbeat(&mut tx, at).await.expect("written");
    tx.commit().await.expect("committed");
    let progress = world.engine.settings.data.join("progress");
    if machine_knows {
        assert!(progress.exists(), "the machine keeps what it committed");
    } else {
        std::fs::write(progress, at.ms().to_string()).expect("written");
    }
}

async fn check(world: &World) -> Option<StartCheck> {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::start_checks::current(&mut tx).await.expect("readable")
}

async fn waiting(world: &World) -> Vec<String> {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::start_checks::waiting(&mut tx).await.expect("readable")
}

#[tokio::test]
async fn after_a_week_offline_nothing_leaves_before_the_sent_folder_was_compared() {
    let mut world = World::at(MONDAY, &[0, 3]).await;
    let (ada, bob) = (world.enroll("ada@prospect.test").await, world.enroll("bob@prospect.test").await);
    send_behind_its_back(&world, &email("x@world.test", "bob@prospect.test", "By hand"), "bob@prospect.test").await;
    last_alive_before(&world, 7 * DAY, false).await;
    world.restart().await;
    assert_eq!(check(&world).await.expect("a check").why, Why::Outage);
    assert_eq!(check(&world).await.expect("a check").title(), "Relance did not run for 7 days.");
    assert_eq!(waiting(&world).await, ["rep@world.test"]);
    world.engine.clock.advance(4 * DAY);
    world.engine.renew_leases().await.expect("leases");
    let (mailbox, epoch) = world.engine.due_mailboxes().await.expect("due")[0];
    let commits = Commits::start(&world.engine);
    let turn = world.engine.send_due(&commits, mailbox, epoch).await.expect("a turn");
    assert_eq!((turn.sent, turn.looked_at), (0, 0), "held until it was compared");
    assert!(turn.next > Some(world.engine.now()), "not looked at all the time meanwhile");
    let mut tx = world.engine.store.read().await.expect("a view");
    let future = world.engine.future(&mut tx, &[], &[ada], 100).await.expect("readable").expect("a workspace");
    drop(tx);
    let steps = future.steps_of(ada).expect("its steps");
    assert_eq!(steps[0].planned_at, None, "nobody can say when");
    let explained = steps[0].explained.as_ref().expect("explained");
    assert!(explained.sentence().starts_with("It waits. Relance did not run for 7 days"), "{}", explained.sentence());
    assert!(explained.releases().starts_with("The mailbox, by itself"), "{}", explained.releases());

    world.run_due().await;
    assert!(waiting(&world).await.is_empty());
    assert!(check(&world).await.expect("a check").done_at.is_some());
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1], "what is known to be unsent goes on");
    assert_eq!(blocked(&world.enrollment(bob).await.state), Some(&BlockReason::HeldForReview));
    let [entry] = &tray(&world).await[..] else { panic!("one entry in the tray") };
    assert!(entry.visible_text.contains("“By hand”"), "{}", entry.visible_text);
    assert!(has_event(&world, bob, ActivityKind::HeldForReview).await);

    world.engine.ignore_inbound(&world.actor, entry.id).await.expect("decided");
    world.run_due().await;
    assert_eq!(world.sent_to("bob@prospect.test").await, [0, 1], "decided, it goes on");
    assert!(matches!(world.enrollment(ada).await.state, State::Finished { .. }));
}

#[tokio::test]
async fn a_short_stop_compares_nothing() {
    let mut world = World::at(MONDAY, &[0, 3]).await;
    world.enroll("ada@prospect.test").await;
    world.restart().await;
    assert_eq!(check(&world).await, None);
    last_alive_before(&world, 14 * MINUTE, false).await;
    world.restart().await;
    assert_eq!(check(&world).await, None);
}

#[tokio::test]
async fn data_that_are_older_than_what_the_machine_saw_are_compared() {
    let mut world = World::at(MONDAY, &[0, 3]).await;
    let ada = world.enroll("ada@prospect.test").await;
    // The backup was made while the first email was claimed; it left afterwards.
    let first = world.deliveries(ada).await[0].clone();
    let step = world.step(ada, 0).await;
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    let sql = "UPDATE deliveries SET state = 'deferred', sent_at = NULL, until_at = created_at, since_at = created_at";
    tx.execute(sql, Vec::new()).await.expect("done");
    let sql = "UPDATE enrollments SET step_id = $1, position = 1, emails_sent = 0, done_steps = '[]'";
    tx.execute(sql, storage::args![step]).await.expect("done");
    tx.commit().await.expect("committed");
    last_alive_before(&world, 30 * SECOND, true).await;
    world.restart().await;
    assert_eq!(check(&world).await.expect("a check").why, Why::WentBack);
    world.run_due().await;
    let all = world.deliveries(ada).await;
    assert_eq!((all.len(), all[0].id), (1, first.id));
    assert!(matches!(all[0].state, DeliveryState::Sent { .. }), "the copy proves that it left");
    assert_eq!(world.outbox().await.len(), 1, "not sent again");
    world.advance(5 * DAY).await;
    assert_eq!(world.outbox().await.len(), 2, "the second step follows");
    world.check().await;
}

#[tokio::test]
async fn another_machine_compares_first() {
    let mut world = World::at(MONDAY, &[0, 3]).await;
    world.enroll("ada@prospect.test").await;
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::start_checks::set_machine(&mut tx, "somewhere else").await.expect("written");
    tx.commit().await.expect("committed");
    world.restart().await;
    assert_eq!(check(&world).await.expect("a check").why, Why::Moved);
    world.advance(4 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);
    world.restart().await;
    assert!(check(&world).await.expect("the last check").done_at.is_some(), "the place is known now");
}

/// A first email due long before this process began to work for the mailbox.
async fn late_by_twenty_days() -> (World, EnrollmentId) {
    let mut world = World::at(MONDAY, &[1]).await;
    let id = world.enroll("ada@prospect.test").await;
    (world, id)
}

#[tokio::test]
async fn a_first_email_kept_by_an_outage_for_more_than_a_week_waits_for_a_person() {
    let (mut world, id) = late_by_twenty_days().await;
    world.engine.clock.advance(20 * DAY);
    world.restart().await;
    world.run_due().await;
    assert_eq!(blocked(&world.enrollment(id).await.state), Some(&BlockReason::LateStart));
    assert!(world.outbox().await.is_empty());
}

#[tokio::test]
async fn a_long_stop_of_all_sending_makes_no_first_email_late() {
    let (mut world, id) = late_by_twenty_days().await;
    world.engine.pause_workspace(&world.actor).await.expect("stopped");
    world.engine.clock.advance(20 * DAY);
    world.restart().await;
    world.run_due().await;
    world.engine.resume_workspace(&world.actor).await.expect("resumed");
    world.run_due().await;
    assert!(matches!(world.enrollment(id).await.state, State::Finished { .. }));
    assert_eq!(world.outbox().await.len(), 1);
}

#[tokio::test]
async fn a_long_pause_of_the_mailbox_or_the_sequence_makes_no_first_email_late() {
    for of_mailbox in [true, false] {
        let (mut world, id) = late_by_twenty_days().await;
        let sequence = world.enrollment(id).await.sequence_id;
        if of_mailbox {
            world.engine.pause_mailbox(&world.actor, world.mailbox).await.expect("paused");
        } else {
            world.engine.pause_sequence(&world.actor, sequence).await.expect("paused");
        }
        world.engine.clock.advance(20 * DAY);
        world.restart().await;
        world.run_due().await;
        if of_mailbox {
            world.engine.resume_mailbox(&world.actor, world.mailbox).await.expect("resumed");
        } else {
            world.engine.resume_sequence(&world.actor, sequence).await.expect("resumed");
        }
        world.run_due().await;
        assert_eq!(world.outbox().await.len(), 1, "of the mailbox: {of_mailbox}");
    }
}
