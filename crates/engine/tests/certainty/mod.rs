//! What is certain about an email and when nothing may leave: uncertain emails, starts after a long stop, pauses.

mod absence;
mod answers;
mod outcome;
mod starts;
mod uncertain;

use crate::commands::{block, put_delivery};
use relance_domain::{
    DeliveryId, EnrollmentId,
    activity::{Activity, ActivityKind},
    delivery::DeliveryState,
    enrollment::{BlockReason, FinishReason, State},
};
use relance_mail::sandbox::Sandbox;
use relance_storage::{
    self as storage,
    inbound::{InboundFilter, InboundMessage},
};
use relance_testkit::World;

/// A Monday morning.
const MONDAY: &str = "2026-11-23T09:00[Europe/Paris]";

/// Puts an email of the current step into `Uncertain` since an hour, with these bytes, and blocks its enrollment.
async fn uncertain_since_an_hour(world: &World, id: EnrollmentId, raw: &[u8]) -> DeliveryId {
    let left = world.engine.now().plus_ms(-3_600_000);
    let delivery = put_delivery(world, id, DeliveryState::Uncertain { at: left }).await;
    block(world, id, BlockReason::DeliveryUncertain).await;
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::outbox::set_raw(&mut tx, delivery, raw).await.expect("stored");
    tx.commit().await.expect("committed");
    delivery
}

/// Says that the mailbox has proved to file every copy.
async fn files_every_copy(world: &World) {
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::start_checks::set_sent_test(&mut tx, world.mailbox, Some(true), "It files.").await.expect("stored");
    tx.commit().await.expect("committed");
}

/// Puts a copy into the sandbox's folder of sent emails, as if it had been sent without these data.
async fn send_behind_its_back(world: &World, raw: &[u8], to: &str) {
    let sandbox = Sandbox::open(&world.engine.settings.sandbox(world.mailbox)).await.expect("a sandbox");
    let mut line = sandbox.line();
    line.offer("rep@world.test", to, raw).await.expect("offered");
    assert!(line.finish().await.expect("an answer").is_positive());
}

fn email(message_id: &str, to: &str, subject: &str) -> Vec<u8> {
    format!(
        "From: Rep <rep@world.test>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{message_id}>\r\n\
         Date: Mon, 23 Nov 2026 08:00:00 +0000\r\nContent-Type: text/plain\r\n\r\nHello.\r\n"
    )
    .into_bytes()
}

/// A message to the rep: these headers, then the text.
fn message(headers: &[(&str, &str)], text: &str) -> Vec<u8> {
    let mut raw = String::new();
    for (name, value) in headers {
        raw.push_str(&format!("{name}: {value}\r\n"));
    }
    raw.push_str(&format!("To: rep@world.test\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n{text}\r\n"));
    raw.into_bytes()
}

async fn message_id_of(world: &World, id: EnrollmentId) -> String {
    format!("<{}>", world.deliveries(id).await.last().expect("an email").message_id)
}

async fn received(world: &World) -> Vec<InboundMessage> {
    let mut tx = world.engine.store.read().await.expect("a view");
    let page = storage::inbound::page(&mut tx, InboundFilter::default(), None, 100).await.expect("readable");
    page.into_iter().map(|view| view.message).collect()
}

async fn tray(world: &World) -> Vec<InboundMessage> {
    let mut tx = world.engine.store.read().await.expect("a view");
    let page = storage::inbound::tray(&mut tx, None, 100).await.expect("readable");
    page.into_iter().map(|view| view.message).collect()
}

async fn history_of(world: &World, id: EnrollmentId) -> Vec<Activity> {
    crate::commands::history(world, world.enrollment(id).await.person_id).await
}

async fn has_event(world: &World, id: EnrollmentId, kind: ActivityKind) -> bool {
    history_of(world, id).await.iter().any(|event| event.kind == kind)
}

fn blocked(state: &State) -> Option<&BlockReason> {
    match state {
        State::Blocked { reason, .. } => Some(reason),
        _ => None,
    }
}

fn finished(state: &State) -> Option<&FinishReason> {
    match state {
        State::Finished { reason, .. } => Some(reason),
        _ => None,
    }
}
