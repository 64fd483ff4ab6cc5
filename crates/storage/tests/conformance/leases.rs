//! `leases.rs`.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{begin, delivery, made, step},
};
use relance_domain::{NodeId, delivery::DeliveryState};
use relance_storage::{deliveries, leases, mailboxes};

const LONG: i64 = 3_600_000;

#[tokio::test]
async fn a_lease_has_one_owner_and_its_epoch_rises_with_each_new_one() {
    on_both("lease", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let box_ = fixtures::mailbox(&mut tx, 2, user).await;
        let (one, two): (NodeId, NodeId) = (id(100), id(101));
        assert_eq!(leases::unowned(&mut tx, 9).await.expect("read"), [box_]);
        assert_eq!(leases::acquire(&mut tx, box_, one, LONG).await.expect("asked"), Some(1));
        assert_eq!(leases::acquire(&mut tx, box_, one, LONG).await.expect("asked"), Some(1), "it is ours already");
        assert_eq!(leases::acquire(&mut tx, box_, two, LONG).await.expect("asked"), None);
        assert_eq!(leases::unowned(&mut tx, 9).await.expect("read"), []);
        assert_eq!(leases::held(&mut tx, one).await.expect("read"), [(box_, 1)]);
        assert_eq!(leases::renew_all(&mut tx, one, LONG).await.expect("renewed"), [(box_, 1)]);
        assert!(leases::check(&mut tx, box_, 1).await.expect("checked"));
        assert!(!leases::release(&mut tx, box_, two).await.expect("asked"));
        assert!(leases::release(&mut tx, box_, one).await.expect("released"));
        assert!(!leases::check(&mut tx, box_, 1).await.expect("checked"));
        assert_eq!(leases::renew_all(&mut tx, one, LONG).await.expect("renewed"), [], "a lost lease is not renewed");
        assert_eq!(leases::acquire(&mut tx, box_, two, -1).await.expect("asked"), Some(2));
        assert_eq!(leases::held(&mut tx, two).await.expect("read"), [], "it has expired by the database's clock");
        assert_eq!(leases::acquire(&mut tx, box_, two, LONG).await.expect("asked"), Some(3), "also for the same node");
        assert!(!leases::check(&mut tx, box_, 2).await.expect("checked"));
        assert_eq!(leases::release_all(&mut tx, two).await.expect("released"), 1);
        mailboxes::delete(&mut tx, box_, at(1)).await.expect("deleted");
        assert_eq!(leases::unowned(&mut tx, 9).await.expect("read"), [], "a removed mailbox needs no owner");
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn emails_whose_owner_is_gone_are_found_and_those_of_a_live_owner_are_not() {
    on_both("lost owner", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let node: NodeId = id(100);
        let epoch = leases::acquire(&mut tx, made.mailbox, node, LONG).await.expect("asked").expect("free");
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let states = [
            (20, DeliveryState::Leaving { epoch, at: at(1) }),
            (21, DeliveryState::Claimed { epoch }),
            (22, DeliveryState::Leaving { epoch: epoch - 1, at: at(1) }),
            (23, DeliveryState::Claimed { epoch: epoch - 1 }),
        ];
        for (n, state) in states {
            deliveries::insert(&mut tx, &delivery(n, &stored, step(n), state)).await.expect("stored");
        }
        let ids = |found: Vec<relance_domain::delivery::Delivery>| found.iter().map(|d| d.id).collect::<Vec<_>>();
        assert_eq!(ids(leases::leaving_without_owner(&mut tx, 9).await.expect("read")), [id(22)]);
        assert_eq!(ids(leases::claimed_without_owner(&mut tx, 9).await.expect("read")), [id(23)]);
        leases::release(&mut tx, made.mailbox, node).await.expect("released");
        assert_eq!(ids(leases::leaving_without_owner(&mut tx, 9).await.expect("read")), [id(20), id(22)]);
        assert_eq!(ids(leases::claimed_without_owner(&mut tx, 1).await.expect("read")), [id(21)]);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn the_database_tells_its_time() {
    on_both("database time", |store| async move {
        let mut tx = begin(&store).await;
        let before = leases::database_time(&mut tx).await.expect("read");
        assert!(before > at(-365 * 24 * 3600), "milliseconds since the epoch");
        assert!(leases::database_time(&mut tx).await.expect("read") >= before);
    })
    .await;
}
