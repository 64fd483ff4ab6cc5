use super::*;
use relance_storage::Store;
use std::sync::Arc;
use tokio::sync::Notify;

/// Signals when the engine says that the outcome of an accepted email could not be written.
struct Listener(Arc<Notify>);

struct Words(bool);

impl tracing::field::Visit for Words {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}").contains("outcome of sent emails is not written");
    }
}

impl tracing::Subscriber for Listener {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut words = Words(false);
        event.record(&mut words);
        if words.0 {
            self.0.notify_one();
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

async fn run(store: &Store, sql: &str) {
    let mut tx = store.begin().await.expect("a transaction");
    tx.execute(sql, Vec::new()).await.expect("done");
    tx.commit().await.expect("committed");
}

/// All tasks of the test run on its thread, so the listener hears every one of them.
#[tokio::test]
async fn an_accepted_email_whose_outcome_the_database_refuses_is_written_when_it_takes_it() {
    let refused = Arc::new(Notify::new());
    let _heard = tracing::subscriber::set_default(Listener(Arc::clone(&refused)));
    let mut world = World::at(MONDAY, &[0]).await;
    let store = world.engine.store.clone();
    run(
        &store,
        "CREATE TRIGGER refuse BEFORE INSERT ON activities WHEN NEW.kind = 'email_sent'
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    )
    .await;
    let heal = tokio::spawn(async move {
        refused.notified().await;
        run(&store, "DROP TRIGGER refuse").await;
    });
    let id = world.enroll("ada@prospect.test").await;
    heal.await.expect("the first try was refused");
    assert!(matches!(world.deliveries(id).await[0].state, DeliveryState::Sent { .. }));
    assert_eq!(finished(&world.enrollment(id).await.state), Some(&FinishReason::Completed));
    assert_eq!(world.outbox().await.len(), 1, "tried again is the writing, not the sending");
    let events = history_of(&world, id).await;
    assert_eq!(events.iter().filter(|event| event.kind == ActivityKind::EmailSent).count(), 1);
    world.check().await;
}
