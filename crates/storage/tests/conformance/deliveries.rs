//! `deliveries.rs` and `outbox.rs`.

use crate::{
    harness::{at, id, on_both},
    made::{begin, delivery, made, step},
};
use relance_domain::{
    DeliveryId,
    delivery::{Delivery, DeliveryState as S},
};
use relance_storage::{StorageError, Tx, args, deliveries, outbox};

async fn find(tx: &mut Tx, id: DeliveryId) -> Delivery {
    deliveries::find(tx, id).await.expect("read").expect("there")
}

fn every_state() -> [S; 10] {
    [
        S::Planned,
        S::Claimed { epoch: 3 },
        S::Leaving { epoch: 3, at: at(4) },
        S::Sent { at: at(5) },
        S::Deferred { until: at(60), attempts: 2, since: at(4) },
        S::Refused,
        S::Uncertain { at: at(4) },
        S::NotSent,
        S::Cancelled,
        S::Skipped,
    ]
}

fn ids(found: &[Delivery]) -> Vec<DeliveryId> {
    found.iter().map(|delivery| delivery.id).collect()
}

#[tokio::test]
async fn every_state_reads_back_and_is_saved_only_over_the_state_it_was_read_in() {
    on_both("delivery states", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let mut n = 100;
        for from in every_state() {
            for to in every_state() {
                n += 1;
                let made = delivery(n, &stored, step(n), from);
                deliveries::insert(&mut tx, &made).await.expect("stored");
                assert_eq!(find(&mut tx, made.id).await, made);
                let other = if from == S::Planned { S::Skipped } else { S::Planned };
                assert!(!deliveries::set_state(&mut tx, made.id, other, to, None, at(9)).await.expect("asked"));
                let saved = deliveries::set_state(&mut tx, made.id, from, to, Some("250 2.0.0 ok"), at(9)).await;
                assert!(saved.expect("saved"), "{from:?} to {to:?}");
                let found = find(&mut tx, made.id).await;
                assert_eq!((found.state, found.smtp_reply.as_deref()), (to, Some("250 2.0.0 ok")));
            }
        }
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn the_epoch_counts_and_the_first_try_is_kept() {
    on_both("delivery epochs", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let first = delivery(20, &stored, step(1), S::Claimed { epoch: 3 });
        deliveries::insert(&mut tx, &first).await.expect("stored");
        let older = S::Claimed { epoch: 2 };
        assert!(!deliveries::set_state(&mut tx, first.id, older, S::Planned, None, at(1)).await.expect("asked"));
        let deferred = S::Deferred { until: at(50), attempts: 1, since: at(1) };
        let states = [S::Claimed { epoch: 3 }, deferred, S::Claimed { epoch: 4 }, S::Planned];
        for pair in states.windows(2) {
            assert!(
                deliveries::set_state(&mut tx, first.id, pair[0], pair[1], Some("451 later"), at(2))
                    .await
                    .expect("set")
            );
        }
        let found = find(&mut tx, first.id).await;
        assert_eq!((found.attempts, found.smtp_reply.as_deref()), (1, Some("451 later")));
        assert!(deliveries::set_words(&mut tx, first.id, "New", "<p>New</p>", "New", at(3)).await.expect("set"));
        let found = find(&mut tx, first.id).await;
        assert_eq!((found.subject.as_str(), found.html.as_str(), found.text.as_str()), ("New", "<p>New</p>", "New"));
        let sent = S::Sent { at: at(5) };
        assert!(deliveries::set_state(&mut tx, first.id, S::Planned, sent, None, at(5)).await.expect("set"));
        assert!(!deliveries::set_words(&mut tx, first.id, "Late", "", "", at(6)).await.expect("asked"));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_generation_of_a_step_and_a_message_id_exist_once() {
    on_both("delivery once", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let first = delivery(20, &stored, step(1), S::Refused);
        let second = Delivery { generation: 2, ..delivery(21, &stored, step(1), S::Planned) };
        let other = delivery(22, &stored, step(2), S::Planned);
        for delivery in [&first, &second, &other] {
            deliveries::insert(&mut tx, delivery).await.expect("stored");
        }
        let enrollment = stored.enrollment.id;
        let latest = deliveries::latest_of_step(&mut tx, enrollment, step(1)).await.expect("read");
        assert_eq!(latest, Some(second.clone()));
        let wanted = [(enrollment, step(1)), (enrollment, step(2)), (enrollment, step(3))];
        let mut latest = deliveries::latest_of_steps(&mut tx, &wanted).await.expect("read");
        latest.sort_by_key(|delivery| delivery.id);
        assert_eq!(latest, [second.clone(), other.clone()]);
        assert_eq!(ids(&deliveries::of_enrollment(&mut tx, enrollment).await.expect("read")), [id(20), id(21), id(22)]);
        assert_eq!(
            deliveries::find_many(&mut tx, &[id(20), id(99)]).await.expect("read"),
            std::slice::from_ref(&first)
        );
        let wanted = ["22@team.example".to_owned(), "nobody@x".to_owned(), "20@team.example".to_owned()];
        let found = deliveries::find_by_message_ids(&mut tx, &wanted).await.expect("read");
        assert_eq!(ids(&found), [id(22), id(20)]);
        tx.commit().await.expect("commit");
        let same_id = Delivery { message_id: first.message_id.clone(), ..delivery(23, &stored, step(4), S::Planned) };
        let same_step = delivery(24, &stored, step(1), S::Planned);
        for twin in [same_id, same_step] {
            let mut tx = begin(&store).await;
            let conflict = deliveries::insert(&mut tx, &twin).await;
            assert!(matches!(conflict, Err(StorageError::Conflict(_))));
            tx.rollback().await.expect("rollback");
        }
    })
    .await;
}

#[tokio::test]
async fn a_thread_is_what_left_and_its_span_is_the_persons() {
    on_both("threads", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let person = stored.enrollment.person_id;
        assert!(deliveries::sent_spans(&mut tx, &[person]).await.expect("read").is_empty());
        let states = [(20, S::Sent { at: at(9) }), (21, S::Sent { at: at(5) }), (22, S::Uncertain { at: at(1) })];
        for (n, state) in states {
            deliveries::insert(&mut tx, &delivery(n, &stored, step(n), state)).await.expect("stored");
        }
        let thread = deliveries::threads(&mut tx, &[stored.enrollment.id, id(99)]).await.expect("read");
        let entries: Vec<_> = thread.iter().map(|e| (e.message_id.as_str(), e.sent_at, e.step_id)).collect();
        assert_eq!(entries, [("21@team.example", at(5), step(21)), ("20@team.example", at(9), step(20))]);
        assert_eq!(thread[0].references, ["0@team.example"]);
        let spans = deliveries::sent_spans(&mut tx, &[person, id(98)]).await.expect("read");
        assert_eq!(spans.into_iter().collect::<Vec<_>>(), [(person, (at(5), at(9)))]);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_stop_cancels_what_has_not_left_and_names_what_is_leaving() {
    on_both("cancel deliveries", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        for (n, state) in (20..).zip(every_state()) {
            deliveries::insert(&mut tx, &delivery(n, &stored, step(n), state)).await.expect("stored");
        }
        let enrollments = [stored.enrollment.id];
        let mut cancelled =
            deliveries::cancel_open_of_enrollments(&mut tx, &enrollments, at(9)).await.expect("cancelled");
        cancelled.sort();
        assert_eq!(cancelled, [id(20), id(21), id(24)]);
        for delivery in cancelled {
            assert_eq!(find(&mut tx, delivery).await.state, S::Cancelled);
        }
        let leaving = deliveries::leaving_of_enrollments(&mut tx, &enrollments).await.expect("read");
        assert_eq!(ids(&leaving), [id(22)]);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_knows_what_is_in_flight_uncertain_and_to_be_filed() {
    on_both("outbox", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        for (n, state) in (20..).zip(every_state()) {
            deliveries::insert(&mut tx, &delivery(n, &stored, step(n), state)).await.expect("stored");
        }
        let found = outbox::in_flight(&mut tx, made.mailbox).await.expect("read");
        assert_eq!(ids(&found), [id(21), id(22), id(26)]);
        for mailbox in [Some(made.mailbox), None] {
            assert_eq!(ids(&outbox::uncertain(&mut tx, mailbox, 9).await.expect("read")), [id(26)]);
        }
        assert_eq!(outbox::uncertain(&mut tx, Some(id(99)), 9).await.expect("read"), []);
        tx.execute("UPDATE deliveries SET leaving_system_at = $1 WHERE state = 'uncertain'", args![at(50)])
            .await
            .expect("set");
        assert_eq!(outbox::left_at_by_system(&mut tx, id(26)).await.expect("read"), Some(at(50)));
        assert_eq!(outbox::uncertain_since(&mut tx, made.mailbox, at(49)).await.expect("read"), []);
        assert_eq!(outbox::uncertain_since(&mut tx, made.mailbox, at(50)).await.expect("read").len(), 1);
        assert_eq!(ids(&outbox::to_file(&mut tx, made.mailbox, 9).await.expect("read")), [id(23)]);
        assert_eq!(outbox::raw(&mut tx, id(23)).await.expect("read"), None);
        let bytes = [0_u8, 13, 10, 255];
        outbox::set_raw(&mut tx, id(23), &bytes).await.expect("set");
        assert_eq!(outbox::raw(&mut tx, id(23)).await.expect("read").as_deref(), Some(&bytes[..]));
        assert_eq!(outbox::purge_raw(&mut tx, made.mailbox, at(99), 9).await.expect("purged"), 0, "not filed yet");
        outbox::set_filed(&mut tx, &[id(23)], at(7)).await.expect("filed");
        assert_eq!(outbox::to_file(&mut tx, made.mailbox, 9).await.expect("read"), []);
        assert_eq!(outbox::purge_raw(&mut tx, made.mailbox, at(5), 9).await.expect("purged"), 0, "not old enough");
        assert_eq!(outbox::purge_raw(&mut tx, made.mailbox, at(6), 9).await.expect("purged"), 1);
        assert_eq!(outbox::raw(&mut tx, id(23)).await.expect("read"), None);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn what_was_sent_is_counted_by_time_and_listed_newest_first() {
    on_both("sent", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        for (n, seconds) in [(20, 0), (21, 9), (22, 10), (23, 35)] {
            let sent = S::Sent { at: at(seconds) };
            deliveries::insert(&mut tx, &delivery(n, &stored, step(n), sent)).await.expect("stored");
        }
        for (user, count) in [(Some(made.user), 3), (None, 3), (Some(id(99)), 0)] {
            assert_eq!(outbox::sent_count(&mut tx, user, at(0), at(35)).await.expect("read"), count);
        }
        let buckets = outbox::sent_per_bucket(&mut tx, Some(made.user), at(0), at(99), 10_000).await.expect("read");
        assert_eq!(buckets, [(at(0), 2), (at(10), 1), (at(30), 1)]);
        let first = outbox::sent_page(&mut tx, made.mailbox, None, 3).await.expect("read");
        let shown: Vec<DeliveryId> = first.iter().map(|email| email.delivery.id).collect();
        assert_eq!((shown, first[0].person_name.as_str()), (vec![id(23), id(22), id(21)], "Person number 10"));
        let rest = outbox::sent_page(&mut tx, made.mailbox, Some((at(9), id(21))), 3).await.expect("read");
        assert_eq!(rest.iter().map(|email| email.delivery.id).collect::<Vec<_>>(), [id(20)]);
        tx.commit().await.expect("commit");
    })
    .await;
}
