//! The plans of the hot path's queries: each uses its index and none scans what is not due.

use crate::{
    fixtures,
    harness::{self, analyze, at, id, on_both, plan},
    made::{begin, made, step},
};
use relance_domain::{
    PersonId,
    enrollment::{PausedBy, State},
};
use relance_storage::{Engine, Store, args, deliveries, enrollment_due, enrollments, mailboxes};

const PEOPLE: u128 = 60;
const SEQUENCES: u128 = 50;
const MAILBOXES: u128 = 300;

/// Thousands of enrollments over hundreds of mailboxes, most of them not due, with a delivery each.
async fn fill(store: &Store) {
    let mut tx = begin(store).await;
    let made = made(&mut tx).await;
    for n in 0..MAILBOXES {
        let mailbox = fixtures::mailbox(&mut tx, 100_000 + n, made.user).await;
        let slot = at(1_000_000 + i64::try_from(n).expect("small"));
        mailboxes::set_next_slot(&mut tx, mailbox, n.is_multiple_of(2).then_some(slot)).await.expect("set");
    }
    for n in 0..PEOPLE {
        fixtures::person(&mut tx, 700 + n).await;
    }
    let mut all = Vec::new();
    for n in 0..SEQUENCES * PEOPLE {
        let (sequence, person) = (500 + n / PEOPLE, id(700 + n % PEOPLE));
        if n.is_multiple_of(PEOPLE) {
            fixtures::sequence(&mut tx, sequence).await;
        }
        let seconds = i64::try_from(n).expect("small");
        let due = at(seconds * 1000);
        let mut stored = made.enrollment(10_000 + n, person, due);
        let e = &mut stored.enrollment;
        (e.sequence_id, e.version_id, e.address_key) = (id(sequence), id(sequence), None);
        (e.mailbox_id, e.enrolled_at) = (Some(id(100_000 + n % MAILBOXES)), at(seconds));
        if n.is_multiple_of(4) {
            e.state = State::Paused { step: step(1), due, until: Some(due), by: PausedBy::Person };
        }
        all.push(stored);
    }
    enrollments::insert_many(&mut tx, &all).await.expect("stored");
    tx.execute(
        "INSERT INTO deliveries (id, enrollment_id, person_id, step_id, generation, mailbox_id, state, leaving_at,
            attempts, message_id, recipient, subject, html, text, refs, created_at, updated_at)
         SELECT id, id, person_id, step_id, 1, mailbox_id, 'uncertain', enrolled_at, 0,
            CAST(enrolled_at AS TEXT) || '@team.example', '', '', '', '', '[]', enrolled_at, enrolled_at
         FROM enrollments",
        vec![],
    )
    .await
    .expect("deliveries");
    let settled = "UPDATE deliveries SET state = 'cancelled' WHERE created_at > $1";
    tx.execute(settled, args![at(30)]).await.expect("settled");
    tx.commit().await.expect("commit");
    analyze(store).await;
}

/// The plan names `index` and scans none of the big tables.
fn assert_uses(engine: Engine, plan: &str, index: &str) {
    assert!(plan.contains(index), "{index} is not used on {engine:?}:\n{plan}");
    for line in plan.lines() {
        let full = match engine {
            Engine::Sqlite => line.starts_with("SCAN") && !line.contains("USING"),
            Engine::Postgres => line.contains("Seq Scan"),
        };
        assert!(!full, "a full scan on {engine:?}:\n{plan}");
    }
}

#[tokio::test]
async fn the_hot_path_reads_through_its_indexes() {
    on_both("plans", |store| async move {
        fill(&store).await;
        let mut tx = begin(&store).await;
        let engine = tx.engine();
        let queries = [
            (enrollment_due::due_emails_query(&tx, id(100_007), at(2_000_000), 50, true), "enrollments_due"),
            (enrollment_due::due_to_wake_query(&tx, at(20_000), 50, true), "enrollments_wake"),
            (enrollment_due::next_wake_query(id(100_007)), "enrollments_due"),
            (mailboxes::due_query(at(1_000_002), 10), "mailboxes_due"),
            (enrollments::ongoing_of_person_query(&tx, id(710), true), "enrollments_of_person"),
        ];
        for ((sql, values), index) in queries {
            let plan = plan(&mut tx, &sql, values).await;
            assert_uses(engine, &plan, index);
        }
        let wanted: Vec<String> = (0..5).map(|n| format!("{}@team.example", at(n).ms())).collect();
        let (sql, values) = deliveries::by_message_ids_query(&wanted);
        let plan = plan(&mut tx, &sql, values).await;
        let index = if engine == Engine::Sqlite { "(message_id=?)" } else { "deliveries_message_id_key" };
        assert_uses(engine, &plan, index);
        for (column, index) in [("address_key", "enrollments_once_per_address"), ("person_id", "person")] {
            let wanted = if column == "person_id" { args![id::<PersonId>(710)] } else { args!["a@b.example"] };
            let (sql, values) = enrollments::ongoing_by_query(id(510), column, &wanted);
            let plan = harness::plan(&mut tx, &sql, values).await;
            assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{engine:?}:\n{plan}");
        }
        tx.rollback().await.expect("rollback");
    })
    .await;
}
