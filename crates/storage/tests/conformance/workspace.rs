//! The workspace's row, nodes, idempotency keys.

use crate::harness::{at, id, on_both};
use relance_domain::{
    NodeId, UserId,
    holidays::{OwnDay, WorkspaceHolidays},
    schedule::Schedule,
    workspace::Workspace,
};
use relance_storage::{
    idempotency::{self, Answer, Begun},
    workspace::{self, ClockOffset},
};

fn sample() -> Workspace {
    Workspace {
        name: "Team".to_owned(),
        time_zone: "Europe/Paris".to_owned(),
        schedule: Schedule::default(),
        holidays: WorkspaceHolidays {
            calendars: vec!["DE-BY".to_owned()],
            own_days: vec![OwnDay { date: jiff::civil::date(2026, 7, 3), name: "Company day".to_owned() }],
            left_out: vec![jiff::civil::date(2026, 4, 6)],
        },
        postal_address: "1 Street".to_owned(),
        people_visibility: relance_domain::user::Visibility::Team,
        paused_at: None,
        revision: 0,
    }
}

#[tokio::test]
async fn the_workspace_is_created_once_and_a_pause_raises_its_revision() {
    on_both("workspace", |store| async move {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(workspace::read(&mut tx).await.unwrap(), None);
        assert_eq!(workspace::key_check(&mut tx).await.unwrap(), None);
        assert!(workspace::create(&mut tx, &sample(), &[1, 2, 3], at(0)).await.unwrap());
        assert!(!workspace::create(&mut tx, &sample(), &[4], at(0)).await.unwrap());
        assert_eq!(workspace::read(&mut tx).await.unwrap(), Some(sample()));
        assert_eq!(workspace::key_check(&mut tx).await.unwrap(), Some(vec![1, 2, 3]));

        assert!(workspace::pause(&mut tx, at(9)).await.unwrap());
        assert!(!workspace::pause(&mut tx, at(10)).await.unwrap());
        let changed = Workspace { name: "New".to_owned(), holidays: WorkspaceHolidays::default(), ..sample() };
        workspace::update_settings(&mut tx, &changed).await.unwrap();
        let paused = workspace::read(&mut tx).await.unwrap().unwrap();
        assert_eq!(paused, Workspace { paused_at: Some(at(9)), revision: 1, ..changed.clone() });
        assert!(workspace::resume(&mut tx, at(11)).await.unwrap());
        assert!(!workspace::resume(&mut tx, at(11)).await.unwrap());
        assert_eq!(workspace::read(&mut tx).await.unwrap(), Some(Workspace { revision: 1, ..changed }));
    })
    .await;
}

#[tokio::test]
async fn the_business_clock_never_goes_back() {
    on_both("clock", |store| async move {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(workspace::clock_offset(&mut tx).await.unwrap(), None);
        assert_eq!(workspace::heartbeat(&mut tx).await.unwrap(), None);
        workspace::create(&mut tx, &sample(), &[1], at(0)).await.unwrap();
        assert_eq!(workspace::clock_offset(&mut tx).await.unwrap(), Some(ClockOffset { offset_ms: 0, at: at(0) }));
        let ahead = ClockOffset { offset_ms: 5_000, at: at(10) };
        assert_eq!(workspace::store_clock_offset(&mut tx, ahead).await.unwrap(), ahead);
        let back = ClockOffset { offset_ms: 4_000, at: at(11) };
        let kept = ClockOffset { offset_ms: 5_000, at: at(11) };
        assert_eq!(workspace::store_clock_offset(&mut tx, back).await.unwrap(), kept);
        assert_eq!(workspace::clock_offset(&mut tx).await.unwrap(), Some(kept));
        assert_eq!(workspace::heartbeat(&mut tx).await.unwrap(), None);
        workspace::record_heartbeat(&mut tx, at(12)).await.unwrap();
        assert_eq!(workspace::heartbeat(&mut tx).await.unwrap(), Some(at(12)));
    })
    .await;
}

#[tokio::test]
async fn a_node_is_alive_while_it_was_heard_of_lately() {
    on_both("nodes", |store| async move {
        let node: NodeId = id(1);
        let mut tx = store.begin().await.unwrap();
        workspace::record_node(&mut tx, node).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let first = workspace::list_nodes(&mut tx).await.unwrap()[0];
        workspace::record_node(&mut tx, node).await.unwrap();
        let second = workspace::list_nodes(&mut tx).await.unwrap();
        assert_eq!(second.len(), 1);
        assert_eq!(second[0].started_at, first.started_at);
        assert!(second[0].heartbeat_at >= first.heartbeat_at);
        assert_eq!(workspace::list_live_nodes(&mut tx, 60_000).await.unwrap().len(), 1);
        assert_eq!(workspace::list_live_nodes(&mut tx, -60_000).await.unwrap().len(), 0);
        assert!(workspace::remove_node(&mut tx, node).await.unwrap());
        assert!(!workspace::remove_node(&mut tx, node).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn an_idempotency_key_is_done_once_and_answers_the_same() {
    on_both("idempotency", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let user: UserId = id(1);
        let answer = Answer { status: 201, content_type: "application/json".to_owned(), body: b"{}".to_vec() };
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[1], at(0)).await.unwrap(), Begun::New);
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[1], at(1)).await.unwrap(), Begun::InProgress);
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[2], at(1)).await.unwrap(), Begun::Mismatch);
        assert_eq!(idempotency::begin(&mut tx, id(2), "k", &[2], at(1)).await.unwrap(), Begun::New);
        idempotency::finish(&mut tx, user, "k", &answer).await.unwrap();
        idempotency::release(&mut tx, user, "k").await.unwrap();
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[1], at(2)).await.unwrap(), Begun::Answered(answer));
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[2], at(2)).await.unwrap(), Begun::Mismatch);
        idempotency::release(&mut tx, id(2), "k").await.unwrap();
        assert_eq!(idempotency::begin(&mut tx, id(2), "k", &[3], at(3)).await.unwrap(), Begun::New);
        assert_eq!(idempotency::purge(&mut tx, at(3)).await.unwrap(), 1);
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[9], at(4)).await.unwrap(), Begun::New);
    })
    .await;
}

#[tokio::test]
async fn an_idempotency_key_of_a_request_that_nobody_works_on_is_free_for_the_same_one() {
    on_both("idempotency_lease", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let user: UserId = id(1);
        let (renewed, over) = (at(0).plus_ms(30_000), at(0).plus_ms(30_001 + idempotency::LEASE_MS));
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[1], at(0)).await.unwrap(), Begun::New);
        idempotency::renew(&mut tx, user, "k", renewed).await.unwrap();
        let within = renewed.plus_ms(idempotency::LEASE_MS);
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[1], within).await.unwrap(), Begun::InProgress);
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[2], over).await.unwrap(), Begun::Mismatch);
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[1], over).await.unwrap(), Begun::New);
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[1], over).await.unwrap(), Begun::InProgress);
        let answer = Answer { status: 201, content_type: String::new(), body: Vec::new() };
        idempotency::finish(&mut tx, user, "k", &answer).await.unwrap();
        let later = over.plus_ms(2 * idempotency::LEASE_MS);
        assert_eq!(idempotency::begin(&mut tx, user, "k", &[1], later).await.unwrap(), Begun::Answered(answer));
    })
    .await;
}
