//! One person's email, changed by hand before it leaves.

use super::*;
use relance_domain::{enrollment::BlockReason, time::DAY};
use relance_engine::commands::edits::EmailWords;

fn words(subject: &str, text: &str) -> EmailWords {
    EmailWords { subject: subject.to_owned(), body_text: text.to_owned(), ..EmailWords::default() }
}

#[tokio::test]
async fn the_changed_words_are_previewed_sent_and_told_and_only_for_this_person() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[2]).await;
    let ada = world.enroll("ada@prospect.test").await;
    let bob = world.enroll("bob@prospect.test").await;
    let step = world.step(ada, 0).await;
    let before = world.engine.email_to_edit(&world.actor, ada, step).await.expect("to edit");
    assert_eq!((before.words.subject.as_str(), before.edited_by), ("Hello", None));
    let revision = world.enrollment(ada).await.revision;
    let asked = words("About {{ person.email }}", "Only you, {{ person.first_name | default('there') }}.");
    let shown = world.engine.preview_edit(&world.actor, ada, step, &asked).await.expect("previewed");
    assert_eq!(shown.subject, "About ada@prospect.test");
    world.engine.edit_email(&world.actor, ada, step, &asked).await.expect("edited");
    assert!(world.enrollment(ada).await.revision > revision, "a claimed email does not leave with the old words");
    let preview = world.engine.preview_enrollment(&world.actor, ada).await.expect("shown");
    assert_eq!(preview.steps[0].words.subject, "About ada@prospect.test");
    assert_eq!(preview.steps[0].edited.map(|(by, _)| Some(by)), Some(world.actor.user_id()));
    let person = world.enrollment(ada).await.person_id;
    assert_eq!(history(&world, person).await.last().map(|event| event.kind), Some(ActivityKind::EmailEdited));
    world.advance(3 * DAY).await;
    assert_eq!(world.deliveries(ada).await[0].subject, "About ada@prospect.test");
    assert_eq!(world.deliveries(ada).await[0].text, "Only you, there.");
    assert_eq!(world.deliveries(bob).await[0].subject, "Hello");
    let late = world.engine.edit_email(&world.actor, ada, step, &asked).await;
    assert_eq!(codes(late), ["not_editable"]);
}

#[tokio::test]
async fn back_to_the_words_of_the_sequence_and_what_cannot_be_said_is_refused_at_its_field() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[2]).await;
    let ada = world.enroll("ada@prospect.test").await;
    let step = world.step(ada, 0).await;
    for (asked, field) in [
        (words("", "x"), "subject"),
        (words("x", " "), "body"),
        (words("{{ person.nam }}", "x"), "subject"),
        (words("x", "{{ nobody }}"), "body"),
    ] {
        let refused = world.engine.edit_email(&world.actor, ada, step, &asked).await;
        assert_eq!(fields_of(refused), [field], "{asked:?}");
    }
    world.engine.edit_email(&world.actor, ada, step, &words("Mine", "x")).await.expect("edited");
    assert!(world.engine.reset_email(&world.actor, ada, step).await.expect("reset"));
    assert!(!world.engine.reset_email(&world.actor, ada, step).await.expect("nothing to reset"));
    world.advance(3 * DAY).await;
    assert_eq!(world.deliveries(ada).await[0].subject, "Hello");
}

#[tokio::test]
async fn an_email_that_waits_for_a_value_goes_on_once_its_words_no_longer_need_it() {
    let mut world = monday().await;
    let steps = vec![email_step(&world, 0, "Hello", "<p>{{ person.industry }}</p>")];
    world.sequence(plan(steps)).await;
    let ada = world.enroll("ada@prospect.test").await;
    let blocked = world.enrollment(ada).await.state;
    assert!(matches!(
        blocked,
        relance_domain::enrollment::State::Blocked { reason: BlockReason::MissingMergeData { .. }, .. }
    ));
    let step = world.step(ada, 0).await;
    world.engine.edit_email(&world.actor, ada, step, &words("Hello", "Without it")).await.expect("edited");
    world.run_due().await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
}

#[tokio::test]
async fn a_sent_email_says_why_it_left_when_it_did() {
    let mut world = World::at("2026-11-23T20:00[Europe/Paris]", &[]).await;
    let steps = vec![email_step(&world, 0, "Hello", "<p>Hi</p>"), email_step(&world, 3, "Again", "<p>Hi</p>")];
    let schedule = Some(relance_domain::schedule::Schedule::default());
    world.sequence(Plan { schedule, ..plan(steps) }).await;
    let ada = world.enroll("ada@prospect.test").await;
    world.advance(DAY).await;
    let preview = world.engine.preview_enrollment(&world.actor, ada).await.expect("shown");
    let departed = relance_domain::decision::Departed::of(&preview.steps[0].departed).expect("written down");
    assert_eq!(departed.held_by, Some(relance_domain::decision::RuleKind::Window));
    assert!(departed.sentence().contains("time window"), "{}", departed.sentence());
    assert!(departed.rules.iter().any(|rule| rule.compared.contains("09:00–17:00")), "{:?}", departed.rules);
}
