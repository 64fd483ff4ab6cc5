//! What is known to have left is written as sent, also when the database refuses it at first.

use super::*;
use relance_domain::{delivery::DeliveryState, time::HOUR};
use relance_storage::Store;

async fn change(store: &Store, sql: &str) {
    let mut tx = store.begin().await.expect("open");
    tx.execute(sql, vec![]).await.expect("changed");
    tx.commit().await.expect("committed");
}

/// Waits until an email is past the point of no return.
async fn until_one_is_leaving(store: &Store) {
    let sql = "SELECT COUNT(*) AS number FROM deliveries WHERE state = 'leaving'";
    loop {
        let mut tx = store.read().await.expect("open");
        if tx.one(sql, vec![], |row| row.int("number")).await.expect("counted") > 0 {
            return;
        }
        drop(tx);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_accepted_email_is_written_as_sent_once_the_database_takes_it() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[0]).await;
    let ada = world.enroll("ada@prospect.test").await;
    let store = world.engine.store.clone();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON activities WHEN new.kind = 'email_sent'
        BEGIN SELECT RAISE(ABORT, 'not now'); END";
    change(&store, refuse).await;
    let relieved = async {
        until_one_is_leaving(&store).await;
        change(&store, "DROP TRIGGER refuse").await;
    };
    tokio::join!(world.advance(HOUR), relieved);
    assert!(matches!(world.deliveries(ada).await[0].state, DeliveryState::Sent { .. }));
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    world.check().await;
}
