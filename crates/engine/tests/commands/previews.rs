use super::*;
use relance_domain::{enrollment::BlockReason, time::DAY};
use relance_engine::commands::preview::StepStatus;

#[tokio::test]
async fn the_dialog_shows_every_step_with_its_date_its_text_and_what_is_missing() {
    let mut world = monday().await;
    let mut second = email_step(&world, 3, "", "<p>Again, {{ person.title }}</p>");
    if let Action::AutomatedEmail { email } = &mut second.action {
        email.reply_in_thread = true;
    }
    let steps = vec![
        email_step(&world, 0, "Hello {{ person.first_name }}", "<p>{{ person.industry }}</p>"),
        task_step(&world, 1, TaskMode::Wait),
        second,
    ];
    let sequence = world.sequence(plan(steps)).await;
    let mut fields = named("Ada", "Lovelace", "ada@prospect.test");
    fields.title = "Countess".to_owned();
    let person = lead(&world, fields).await;
    let request = EnrollRequest::new(sequence, Vec::new());
    let steps = world.engine.preview_steps(&world.actor, &request, person.id).await.expect("previewed");
    assert_eq!(steps.len(), 3);
    assert_eq!((steps[0].words.subject.as_str(), steps[0].planned_at), ("Hello Ada", Some(world.engine.now())));
    assert_eq!(steps[0].words.missing_tags, ["person.industry"]);
    assert_eq!(steps[0].words.html, "<p><mark class=\"missing\">industry</mark></p>");
    assert_eq!(
        (steps[1].words.text.as_str(), steps[1].planned_at),
        ("Call Lovelace", Some(world.engine.now().plus_ms(DAY)))
    );
    assert_eq!(
        (steps[2].words.subject.as_str(), steps[2].in_thread, steps[2].after_task),
        ("Re: Hello Ada", true, true)
    );
    assert!(steps[2].words.missing_tags.is_empty());
    let mut tx = world.engine.store.read().await.expect("a view");
    assert!(storage::enrollments::of_person(&mut tx, person.id).await.expect("read").is_empty(), "nothing is stored");
}

#[tokio::test]
async fn an_enrollment_shows_what_was_sent_what_waits_and_what_is_planned() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[0, 3, 4]).await;
    let id = world.enroll("ada@prospect.test").await;
    let preview = world.engine.preview_enrollment(&world.actor, id).await.expect("shown");
    let said: Vec<StepStatus> = preview.steps.iter().map(|step| step.status).collect();
    assert_eq!(said, [StepStatus::Sent, StepStatus::Planned, StepStatus::Planned]);
    assert_eq!(preview.steps[0].executed_at, Some(world.engine.now()));
    assert_eq!(preview.steps[1].planned_at, Some(world.engine.now().plus_ms(3 * DAY)));
    assert_eq!(preview.steps[2].planned_at, Some(world.engine.now().plus_ms(7 * DAY)));
    assert!(preview.steps[1].explained.as_ref().is_some_and(|explained| !explained.rules.is_empty()));
    assert_eq!(preview.steps[1].words.subject, "Re: Hello");
    world.engine.stop(&world.actor, id).await.expect("stopped");
    let preview = world.engine.preview_enrollment(&world.actor, id).await.expect("shown");
    let said: Vec<StepStatus> = preview.steps.iter().map(|step| step.status).collect();
    assert_eq!(said, [StepStatus::Sent, StepStatus::Cancelled, StepStatus::Cancelled]);
}

#[tokio::test]
async fn a_refused_step_has_failed_and_may_be_retried_and_an_uncertain_one_not() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[5]).await;
    let id = world.enroll("ada@prospect.test").await;
    put_delivery(&world, id, DeliveryState::Refused).await;
    block(&world, id, BlockReason::RecipientRefused { smtp: "550".to_owned() }).await;
    let step = &world.engine.preview_enrollment(&world.actor, id).await.expect("shown").steps[0];
    assert_eq!((step.status, step.may_retry), (StepStatus::Failed, true));
    world.engine.retry(&world.actor, id).await.expect("retried");
    let step = &world.engine.preview_enrollment(&world.actor, id).await.expect("shown").steps[0];
    assert_eq!((step.status, step.may_retry), (StepStatus::Planned, false));
    let other = world.enroll("grace@prospect.test").await;
    let now = world.engine.now();
    put_delivery(&world, other, DeliveryState::Uncertain { at: now }).await;
    block(&world, other, BlockReason::DeliveryUncertain).await;
    let step = &world.engine.preview_enrollment(&world.actor, other).await.expect("shown").steps[0];
    assert_eq!((step.status, step.may_retry), (StepStatus::Uncertain, false));
}

#[tokio::test]
async fn skipped_and_done_steps_and_the_words_of_one_step() {
    let mut world = monday().await;
    let steps = vec![
        task_step(&world, 0, TaskMode::Wait),
        email_step(&world, 1, "Hello {{ person.last_name }}", "<p>x</p>"),
        email_step(&world, 1, "Bye", "<p>y</p>"),
    ];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let statuses = async |world: &World| -> Vec<StepStatus> {
        world
            .engine
            .preview_enrollment(&world.actor, id)
            .await
            .expect("shown")
            .steps
            .iter()
            .map(|step| step.status)
            .collect()
    };
    assert_eq!(statuses(&world).await, [StepStatus::Waiting, StepStatus::Planned, StepStatus::Planned]);
    let mut tx = world.engine.store.read().await.expect("a view");
    let task = storage::tasks::of_enrollments(&mut tx, &[id]).await.expect("read").pop().expect("a task");
    drop(tx);
    world.engine.complete_task(&world.actor, task.id).await.expect("done");
    let second = world.step(id, 1).await;
    let words = world.engine.preview_step(&world.actor, id, second).await.expect("words");
    assert_eq!(words.subject, "Hello ada@prospect.test");
    world.engine.skip_step(&world.actor, id, second).await.expect("skipped");
    assert_eq!(statuses(&world).await, [StepStatus::Done, StepStatus::Skipped, StepStatus::Planned]);
}
