use super::*;
use crate::commands::{codes, user};
use jiff::civil::date;
use relance_domain::{InboundId, enrollment::PausedBy, inbound::Effect, time::DAY, user::Role};
use relance_engine::{EngineError, commands::absence};
use relance_testkit::world;
use std::collections::HashSet;

/// Ada got the first of two emails and is away until the 14th of December, her sequence says.
async fn away() -> (World, EnrollmentId, InboundId) {
    let mut world = World::at(MONDAY, &[0, 2]).await;
    let id = world.enroll("ada@prospect.test").await;
    world.out_of_office(id, Some(date(2026, 12, 14))).await;
    assert_eq!(until(&world, id).await, world::time("2026-12-14T00:00[Europe/Paris]"));
    let message = received(&world).await[0].id;
    (world, id, message)
}

async fn until(world: &World, id: EnrollmentId) -> relance_domain::Timestamp {
    match world.enrollment(id).await.state {
        State::Paused { by: PausedBy::AutoReply, until: Some(until), .. } => until,
        state => panic!("{state:?}"),
    }
}

async fn correctable(world: &World, id: EnrollmentId) -> HashSet<InboundId> {
    let person = world.enrollment(id).await.person_id;
    let mut tx = world.engine.store.read().await.expect("a view");
    absence::correctable(&mut tx, &world.actor, person).await.expect("readable")
}

#[tokio::test]
async fn a_corrected_return_moves_the_pause_and_says_who_did_it() {
    let (mut world, id, message) = away().await;
    assert_eq!(correctable(&world, id).await, HashSet::from([message]));
    for (day, hour) in [(date(2026, 12, 18), "2026-12-18T00:00"), (date(2026, 12, 1), "2026-12-01T00:00")] {
        let done = world.engine.correct_return(&world.actor, message, day).await.expect("corrected");
        assert_eq!((done.enrollments, done.is_back), (1, false));
        assert_eq!(until(&world, id).await, world::time(&format!("{hour}[Europe/Paris]")));
    }
    assert_eq!(received(&world).await[0].effect, Effect::PauseUntil { date: date(2026, 12, 1) });
    let event = history_of(&world, id).await.into_iter().next_back().expect("an event");
    assert_eq!((event.kind, event.actor_id), (ActivityKind::SequencePaused, world.actor.user_id()));
    assert!(event.summary.starts_with("Return date corrected; goes on Tue"), "{}", event.summary);
    world.advance(7 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    world.advance(DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);
    assert_eq!(codes(world.engine.correct_return(&world.actor, message, date(2026, 12, 20)).await), ["not_paused"]);
    assert!(correctable(&world, id).await.is_empty());
    world.check().await;
}

#[tokio::test]
async fn who_is_back_today_goes_on_and_the_past_is_refused() {
    let (mut world, id, message) = away().await;
    assert_eq!(codes(world.engine.correct_return(&world.actor, message, date(2026, 11, 22)).await), ["in_the_past"]);
    let done = world.engine.correct_return(&world.actor, message, date(2026, 11, 23)).await.expect("corrected");
    assert!(done.is_back);
    assert!(matches!(world.enrollment(id).await.state, State::Active { .. }));
    world.advance(3 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);
}

#[tokio::test]
async fn a_pause_by_a_person_and_other_messages_are_left_alone() {
    let (world, id, message) = away().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let forbidden = world.engine.correct_return(&rep, message, date(2026, 12, 1)).await;
    assert!(matches!(forbidden, Err(EngineError::Forbidden(_))), "{forbidden:?}");
    world.engine.pause(&world.actor, id, None).await.expect("paused");
    assert_eq!(codes(world.engine.correct_return(&world.actor, message, date(2026, 12, 1)).await), ["not_paused"]);
    assert!(matches!(world.enrollment(id).await.state, State::Paused { by: PausedBy::Person, until: None, .. }));
    let (mut world, id, _) = away().await;
    world.reply_from(id).await;
    let reply = received(&world).await.into_iter().find(|message| message.judgement.kind.name() == "reply");
    let reply = reply.expect("a reply").id;
    assert_eq!(codes(world.engine.correct_return(&world.actor, reply, date(2026, 12, 1)).await), ["no_absence"]);
}

/// Another automatic answer to the first email.
async fn answers_again(world: &mut World, id: EnrollmentId, back: &str) {
    let (to, own) = (message_id_of(world, id).await, format!("<{}@p>", back.replace(' ', "-")));
    let headers = [
        ("From", "ada@prospect.test"),
        ("Subject", "Automatic reply: Hello"),
        ("Auto-Submitted", "auto-replied"),
        ("Message-ID", own.as_str()),
        ("In-Reply-To", to.as_str()),
    ];
    let raw = message(&headers, &format!("I am out of the office and will be back on {back}."));
    world.deliver(raw).await;
}

#[tokio::test]
async fn a_later_automatic_answer_makes_the_absence_longer_and_never_shorter() {
    let (mut world, id, first) = away().await;
    answers_again(&mut world, id, "7 December 2026").await;
    assert_eq!(until(&world, id).await, world::time("2026-12-14T00:00[Europe/Paris]"));
    assert_eq!(correctable(&world, id).await, HashSet::from([first]));
    answers_again(&mut world, id, "21 December 2026").await;
    assert_eq!(until(&world, id).await, world::time("2026-12-21T00:00[Europe/Paris]"));
    assert_eq!(correctable(&world, id).await.len(), 1);
    assert!(!correctable(&world, id).await.contains(&first), "the later one holds it now");
    world.engine.pause(&world.actor, id, None).await.expect("paused");
    answers_again(&mut world, id, "28 December 2026").await;
    assert!(matches!(world.enrollment(id).await.state, State::Paused { by: PausedBy::Person, until: None, .. }));
}
