use super::*;
use relance_domain::{
    enrollment::{FinishReason, State},
    sequence::SequenceState,
    time::DAY,
};
use relance_engine::commands::{sequences::SequenceFields, templates::TemplateFields};

#[tokio::test]
async fn only_admins_write_sequences() {
    let world = monday().await;
    let manager = user(&world, "mara@world.test", Role::Manager).await;
    let refused = world.engine.create_sequence(&manager, SequenceFields::default()).await;
    assert!(matches!(refused, Err(EngineError::Forbidden(_))));
}

#[tokio::test]
async fn a_draft_may_have_gaps_that_keep_it_from_being_activated() {
    let world = monday().await;
    let mut step = email_step(&world, 0, "", "");
    step.id = StepId::from_uuid(uuid::Uuid::nil());
    let fields =
        SequenceFields { name: "New".to_owned(), plan: plan(vec![step.clone(), step]), ..SequenceFields::default() };
    let draft = world.engine.create_sequence(&world.actor, fields.clone()).await.expect("a draft");
    let ids = step_ids(&draft.draft);
    assert!(!ids[0].uuid().is_nil() && ids[0] != ids[1], "steps got ids of their own");
    let refused = fields_of(world.engine.activate_sequence(&world.actor, draft.id).await);
    assert_eq!(
        refused,
        ["steps[0].email.subject", "steps[0].email.body_html", "steps[1].email.subject", "steps[1].email.body_html"]
    );
    let unknown = email_step(&world, 0, "{{ nonsense }}", "<p></p>");
    let wrong = SequenceFields { plan: plan(vec![unknown]), ..fields.clone() };
    assert_eq!(fields_of(world.engine.create_sequence(&world.actor, wrong).await), ["steps[0].email.subject"]);
    assert_eq!(
        fields_of(world.engine.create_sequence(&world.actor, SequenceFields { name: String::new(), ..fields }).await),
        ["name"]
    );
}

#[tokio::test]
async fn publishing_copies_the_templates_words_and_later_edits_change_no_version() {
    let world = monday().await;
    let fields = TemplateFields {
        name: "T".to_owned(),
        subject: "From the template".to_owned(),
        body_html: "<p>T</p>".to_owned(),
        ..TemplateFields::default()
    };
    let template = world.engine.create_template(&world.actor, fields).await.expect("written");
    let mut step = email_step(&world, 0, "", "");
    if let Action::AutomatedEmail { email } = &mut step.action {
        email.template_id = Some(template.id);
    }
    let fields = SequenceFields { name: "New".to_owned(), plan: plan(vec![step]), ..SequenceFields::default() };
    let draft = world.engine.create_sequence(&world.actor, fields).await.expect("a draft");
    let active = world.engine.activate_sequence(&world.actor, draft.id).await.expect("active");
    assert_eq!((active.state, active.version), (SequenceState::Active, 1));
    world
        .engine
        .edit_template(&world.actor, template.id, |fields| fields.subject = "Changed".to_owned())
        .await
        .expect("edited");
    let mut tx = world.engine.store.read().await.expect("a view");
    let version = storage::sequences::find_version(&mut tx, active.version_id.expect("live"))
        .await
        .expect("read")
        .expect("a version");
    drop(tx);
    assert_eq!(version.plan.steps[0].action.email().expect("an email").subject, "From the template");
    let again = world.engine.activate_sequence(&world.actor, draft.id).await.expect("published again");
    assert_eq!(again.version, 2);
    world.engine.delete_template(&world.actor, template.id).await.expect("deleted");
    assert_eq!(fields_of(world.engine.activate_sequence(&world.actor, draft.id).await), ["steps[0].email.template_id"]);
}

#[tokio::test]
async fn those_enrolled_follow_their_version_when_a_new_one_is_published() {
    let mut world = monday().await;
    let sequence = world.sequence(plan(vec![email_step(&world, 2, "Old", "<p>old</p>")])).await;
    let id = world.enroll("ada@prospect.test").await;
    let step = email_step(&world, 2, "New", "<p>new</p>");
    world.engine.edit_sequence(&world.actor, sequence, |fields| fields.plan.steps = vec![step]).await.expect("edited");
    world.engine.activate_sequence(&world.actor, sequence).await.expect("published");
    world.advance(3 * DAY).await;
    assert_eq!(deliveries(&world, id).await[0].subject, "Old");
}

#[tokio::test]
async fn archiving_lets_the_enrolled_finish_or_stops_all() {
    let mut world = monday().await;
    let kept = world.sequence(plan(vec![email_step(&world, 1, "Kept", "<p>x</p>")])).await;
    let finishes = world.enroll("ada@prospect.test").await;
    let (archived, ended) = world.engine.archive_sequence(&world.actor, kept, false).await.expect("archived");
    assert_eq!((archived.state, ended.enrollments), (SequenceState::Archived, 0));
    let stopped = world.sequence(plan(vec![email_step(&world, 1, "Stopped", "<p>x</p>")])).await;
    let ends = world.enroll("grace@prospect.test").await;
    let (_, ended) = world.engine.archive_sequence(&world.actor, stopped, true).await.expect("archived");
    assert_eq!(ended.enrollments, 1);
    world.advance(2 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    assert!(world.sent_to("grace@prospect.test").await.is_empty());
    assert!(matches!(
        stored(&world, ends).await.enrollment.state,
        State::Finished { reason: FinishReason::SequenceArchived, .. }
    ));
    assert!(matches!(
        stored(&world, finishes).await.enrollment.state,
        State::Finished { reason: FinishReason::Completed, .. }
    ));
}

#[tokio::test]
async fn pausing_a_sequence_raises_everyone_in_it_and_resuming_sends_what_is_late() {
    let mut world = monday().await;
    let sequence = world.sequence(plan(vec![email_step(&world, 1, "Hello", "<p>x</p>")])).await;
    let id = world.enroll("ada@prospect.test").await;
    let before = stored(&world, id).await.enrollment.revision;
    let (paused, _) = world.engine.pause_sequence(&world.actor, sequence).await.expect("paused");
    assert!(paused.paused_at.is_some());
    assert!(stored(&world, id).await.enrollment.revision > before);
    world.engine.clock.advance(2 * DAY);
    assert_eq!(world.run_due().await, 0);
    world.engine.resume_sequence(&world.actor, sequence).await.expect("resumed");
    assert_eq!(world.run_due().await, 1);
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
}

#[tokio::test]
async fn a_copy_has_steps_of_its_own_and_a_used_sequence_is_not_deleted() {
    let mut world = monday().await;
    let sequence = world.sequence(plan(vec![email_step(&world, 1, "Hello", "<p>x</p>")])).await;
    world.enroll("ada@prospect.test").await;
    let copy = world.engine.clone_sequence(&world.actor, sequence).await.expect("cloned");
    assert_eq!((copy.name.as_str(), copy.state), ("Copy of Test", SequenceState::Draft));
    let mut tx = world.engine.store.read().await.expect("a view");
    let original = storage::sequences::find(&mut tx, sequence).await.expect("read").expect("a sequence");
    drop(tx);
    assert_ne!(step_ids(&copy.draft), step_ids(&original.draft));
    assert_eq!(codes(world.engine.delete_sequence(&world.actor, sequence).await), ["in_use"]);
    world.engine.delete_sequence(&world.actor, copy.id).await.expect("deleted");
}
