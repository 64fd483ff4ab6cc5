//! The same commands on PostgreSQL, once through: what SQLite forgives, PostgreSQL does not.

use super::*;
use relance_domain::{
    enrollment::{BlockReason, State},
    time::DAY,
};
use relance_engine::{
    commands::{
        bulk::{BulkAction, BulkDone, Selection},
        import::{NewImport, OnDuplicate},
    },
    jobs::run_next_job,
};
use relance_testkit::world::Ground;

async fn world(waits: &[u32]) -> Option<World> {
    let database = relance_servers::fresh_postgres().await?;
    Some(World::on(Ground::Postgres(database), "2026-11-23T09:00[Europe/Paris]", waits).await)
}

#[tokio::test]
async fn people_are_enrolled_paused_stopped_suppressed_and_converted_on_postgresql() {
    let Some(mut world) = world(&[0, 3]).await else { return };
    let (ada, grace) = (world.enroll("ada@prospect.test").await, world.enroll("grace@prospect.test").await);
    world.engine.pause(&world.actor, ada, None).await.expect("paused");
    world.engine.resume(&world.actor, ada).await.expect("resumed");
    let stopped = world.engine.stop(&world.actor, grace).await.expect("stopped");
    assert!(matches!(stopped.enrollment.state, State::Finished { .. }));
    let (_, ended) = world.engine.suppress(&world.actor, "prospect.test", "").await.expect("suppressed");
    assert_eq!(ended.enrollments, 1);
    let other = world.enroll("eve@else.test").await;
    let person = stored(&world, other).await.enrollment.person_id;
    let converted = world.engine.convert_person(&world.actor, person, None).await.expect("converted");
    assert_eq!(converted.ended.enrollments, 1);
    world.advance(10 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    assert_eq!(world.sent_to("eve@else.test").await, [0]);
    world.check().await;
}

#[tokio::test]
async fn sequences_mailboxes_and_the_workspace_pause_and_go_on_on_postgresql() {
    let Some(mut world) = world(&[1]).await else { return };
    let id = world.enroll("ada@prospect.test").await;
    let sequence = stored(&world, id).await.enrollment.sequence_id;
    world.engine.pause_sequence(&world.actor, sequence).await.expect("paused");
    world.engine.pause_workspace(&world.actor).await.expect("paused");
    world.engine.clock.advance(2 * DAY);
    assert_eq!(world.run_due().await, 0);
    world.engine.resume_workspace(&world.actor).await.expect("resumed");
    assert_eq!(world.run_due().await, 0);
    world.engine.resume_sequence(&world.actor, sequence).await.expect("resumed");
    assert_eq!(world.run_due().await, 1);
    let next = world.enroll("grace@prospect.test").await;
    world.engine.disconnect_mailbox(&world.actor, world.mailbox).await.expect("disconnected");
    assert!(matches!(
        stored(&world, next).await.enrollment.state,
        State::Blocked { reason: BlockReason::MailboxDisconnected, .. }
    ));
    let user = world.actor.user_id().expect("a user");
    assert_eq!(codes(world.engine.deactivate_user(&world.actor, user).await), ["last_admin"]);
    world.check().await;
}

#[tokio::test]
async fn imports_bulk_actions_and_bulk_enrollments_run_on_postgresql() {
    let Some(world) = world(&[30]).await else { return };
    let mut file = String::from("last name,email,industry\n");
    for n in 0..1_100 {
        file.push_str(&format!("P{n},p{n}@prospect.test,Looms\n"));
    }
    file.push_str("Bad,nonsense,\nTwin,p3@prospect.test,Mills\n");
    let new = NewImport {
        kind: Kind::Lead,
        file_name: "leads.csv".to_owned(),
        bytes: file.into_bytes(),
        mapping: None,
        on_duplicate: OnDuplicate::Update,
        dry_run: false,
    };
    let import = world.engine.start_import(&world.actor, new).await.expect("started");
    while run_next_job(&world.engine).await.expect("a chunk") {}
    let mut tx = world.engine.store.read().await.expect("a view");
    let done = storage::jobs::find(&mut tx, import).await.expect("read").expect("a job");
    assert_eq!((done.done_count, done.refused_count, &done.summary["updated"]), (1_101, 1, &serde_json::json!(1)));
    let filter = storage::sequences::SequenceFilter::default();
    let sequence = storage::sequences::page(&mut tx, filter, None, 10).await.expect("listed")[0].0.id;
    drop(tx);
    let everyone = Selection::Matching { kind: Some(Kind::Lead), search: String::new(), filter: Default::default() };
    let enroll =
        BulkAction::Enroll { request: EnrollRequest::new(sequence, Vec::new()), on_missing: Default::default() };
    for action in [
        enroll,
        BulkAction::Tag { add: vec!["hot".to_owned()], remove: Vec::new() },
        BulkAction::Pause { until: None },
        BulkAction::Resume,
        BulkAction::Stop,
    ] {
        let BulkDone::Job(job) = world.engine.bulk_people(&world.actor, &everyone, action).await.expect("started")
        else {
            panic!("1,100 people need a job")
        };
        while run_next_job(&world.engine).await.expect("a chunk") {}
        let mut tx = world.engine.store.read().await.expect("a view");
        let done = storage::jobs::find(&mut tx, job).await.expect("read").expect("a job");
        assert_eq!((done.state.as_str(), done.done_count, done.refused_count), ("done", 1_100, 0), "{}", done.title);
    }
    let mut tx = world.engine.store.read().await.expect("a view");
    let counts = storage::sequences::counts(&mut tx, &[sequence]).await.expect("counted")[&sequence];
    assert_eq!((counts.finished, counts.active), (1_100, 0));
}
