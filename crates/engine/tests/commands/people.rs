use super::*;
use relance_domain::enrollment::{BlockReason, FinishReason, State};
use relance_engine::commands::people::Signal;

#[tokio::test]
async fn a_lead_needs_a_last_name_or_an_organisation() {
    let world = monday().await;
    let refused = world.engine.create_person(&world.actor, Kind::Lead, Fields::default()).await;
    assert_eq!(fields_of(refused), ["last_name"]);
    let person = lead(&world, named(" Ada ", "Lovelace\0", "ada@prospect.test")).await;
    assert_eq!(person.name(), "Ada Lovelace");
    assert_eq!(kinds(&world, person.id).await, [ActivityKind::PersonCreated]);
}

#[tokio::test]
async fn an_edit_says_what_changed_and_nothing_when_nothing_did() {
    let world = monday().await;
    let person = lead(&world, named("Ada", "Lovelace", "ada@prospect.test")).await;
    let same = world.engine.edit_person(&world.actor, person.id, |_| {}).await.expect("nothing to refuse");
    assert_eq!(same, person);
    let edited = world.engine.edit_person(&world.actor, person.id, |fields| fields.industry = "Looms".to_owned()).await;
    assert_eq!(edited.expect("edited").fields.industry, "Looms");
    let last = history(&world, person.id).await.pop().expect("an event");
    assert_eq!(last.kind, ActivityKind::PersonEdited);
    assert_eq!(last.detail["changed"], serde_json::json!(["industry"]));
    assert_eq!(
        codes(world.engine.edit_person(&world.actor, person.id, |fields| fields.email = "nonsense".to_owned()).await),
        ["invalid_email"]
    );
}

#[tokio::test]
async fn duplicates_are_found_by_any_address_whatever_its_case() {
    let world = monday().await;
    let mut fields = named("Ada", "Lovelace", "Ada@Prospect.test");
    fields.other_emails = vec!["countess@looms.test".to_owned()];
    let person = lead(&world, fields).await;
    for address in ["ada@prospect.test", "COUNTESS@looms.test"] {
        assert_eq!(world.engine.duplicates_of(address).await.expect("found"), std::slice::from_ref(&person));
    }
    assert!(world.engine.duplicates_of("ada+1@prospect.test").await.expect("none").is_empty());
}

#[tokio::test]
async fn a_value_that_arrives_releases_what_waited_for_it_and_only_that() {
    let mut world = monday().await;
    let steps = vec![email_step(&world, 0, "Hello", "<p>{{ person.industry }} {{ person.title }}</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    let person = stored(&world, id).await.enrollment.person_id;
    let tags = vec!["person.industry".to_owned(), "person.title".to_owned()];
    let blocked = |state: &State| matches!(state, State::Blocked { reason: BlockReason::MissingMergeData { tags: held }, .. } if *held == tags);
    assert!(blocked(&stored(&world, id).await.enrollment.state));
    world
        .engine
        .edit_person(&world.actor, person, |fields| fields.industry = "Looms".to_owned())
        .await
        .expect("edited");
    assert!(blocked(&stored(&world, id).await.enrollment.state), "one of two values is not enough");
    world
        .engine
        .edit_person(&world.actor, person, |fields| fields.title = "Countess".to_owned())
        .await
        .expect("edited");
    assert!(matches!(stored(&world, id).await.enrollment.state, State::Active { .. }));
    assert_eq!(world.run_due().await, 1);
    assert!(kinds(&world, person).await.contains(&ActivityKind::SequenceReleased));
    world.check().await;
}

#[tokio::test]
async fn an_edit_that_collides_blocks_the_later_enrollment_until_one_address_changes() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[5]).await;
    let first = world.enroll("ada@prospect.test").await;
    world.advance(60_000).await;
    let second = world.enroll("grace@prospect.test").await;
    let (ada, grace) =
        (stored(&world, first).await.enrollment.person_id, stored(&world, second).await.enrollment.person_id);
    world
        .engine
        .edit_person(&world.actor, ada, |fields| fields.email = "grace@prospect.test".to_owned())
        .await
        .expect("edited");
    assert!(matches!(stored(&world, first).await.enrollment.state, State::Active { .. }), "the earlier one goes on");
    let held = stored(&world, second).await.enrollment;
    assert!(matches!(held.state, State::Blocked { reason: BlockReason::DuplicateAddress, .. }));
    assert_eq!(held.address_key, None);
    assert_eq!(codes(world.engine.retry(&world.actor, second).await), ["not_retryable"]);
    world
        .engine
        .edit_person(&world.actor, ada, |fields| fields.email = "ada@prospect.test".to_owned())
        .await
        .expect("edited");
    let released = stored(&world, second).await.enrollment;
    assert!(matches!(released.state, State::Active { .. }));
    assert_eq!(released.address_key.as_deref(), Some("grace@prospect.test"));
    world
        .engine
        .edit_person(&world.actor, grace, |fields| fields.email = "ada@prospect.test".to_owned())
        .await
        .expect("edited");
    assert!(matches!(
        stored(&world, second).await.enrollment.state,
        State::Blocked { reason: BlockReason::DuplicateAddress, .. }
    ));
}

#[tokio::test]
async fn a_corrected_address_begins_a_new_generation_of_what_was_refused() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    world.advance(4 * 86_400_000).await;
    let mut other = World::at("2026-11-23T09:00[Europe/Paris]", &[5]).await;
    let id2 = other.enroll("typo@prospect.test").await;
    put_delivery(&other, id2, DeliveryState::Refused).await;
    block(&other, id2, BlockReason::RecipientRefused { smtp: "550".to_owned() }).await;
    let person = stored(&other, id2).await.enrollment.person_id;
    let before = stored(&other, id2).await.enrollment.revision;
    other
        .engine
        .edit_person(&other.actor, person, |fields| fields.email = "right@prospect.test".to_owned())
        .await
        .expect("edited");
    let all = deliveries(&other, id2).await;
    assert_eq!(
        all.iter().map(|d| (d.generation, d.state.as_str())).collect::<Vec<_>>(),
        [(1, "refused"), (2, "planned")]
    );
    assert_eq!(all[1].recipient, "right@prospect.test");
    assert_ne!(all[0].message_id, all[1].message_id);
    let after = stored(&other, id2).await.enrollment;
    assert!(matches!(after.state, State::Active { .. }) && after.revision > before);
    other.advance(6 * 86_400_000).await;
    assert_eq!(other.sent_to("right@prospect.test").await, [0]);
    assert_eq!(deliveries(&other, id2).await.len(), 2, "the new generation was sent, no third was made");
    assert!(matches!(stored(&world, id).await.enrollment.state, State::Finished { .. }));
    other.check().await;
}

#[tokio::test]
async fn deleting_ends_the_sequences_and_can_be_taken_back_without_them() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    let person = stored(&world, id).await.enrollment.person_id;
    let ended = world.engine.delete_people(&world.actor, &[person]).await.expect("deleted");
    assert_eq!(ended.enrollments, 1);
    assert!(matches!(
        stored(&world, id).await.enrollment.state,
        State::Finished { reason: FinishReason::PersonDeleted, .. }
    ));
    assert!(world.engine.duplicates_of("ada@prospect.test").await.expect("none").is_empty());
    assert_eq!(world.engine.restore_people(&world.actor, &[person]).await.expect("restored"), 1);
    assert_eq!(world.engine.duplicates_of("ada@prospect.test").await.expect("found").len(), 1);
    assert_eq!(world.advance(10 * 86_400_000).await, 0, "what ended stays ended");
}

#[tokio::test]
async fn converting_keeps_the_id_and_the_history_and_ends_the_sequences() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    let person = stored(&world, id).await.enrollment.person_id;
    let converted = world.engine.convert_person(&world.actor, person, None).await.expect("converted");
    assert_eq!((converted.contact.id, converted.contact.kind), (person, Kind::Contact));
    assert_eq!(converted.ended.enrollments, 1);
    assert!(matches!(
        stored(&world, id).await.enrollment.state,
        State::Finished { reason: FinishReason::Converted, .. }
    ));
    let kinds = kinds(&world, person).await;
    assert!(kinds.contains(&ActivityKind::EmailSent) && kinds.ends_with(&[ActivityKind::PersonConverted]));
    assert_eq!(codes(world.engine.convert_person(&world.actor, person, None).await), ["not_a_lead"]);
}

#[tokio::test]
async fn a_lead_merges_into_a_contact_with_the_same_email_only_when_told_so() {
    let mut world = monday().await;
    let mut fields = named("", "Lovelace", "ada@prospect.test");
    fields.tags = vec!["vip".to_owned()];
    let contact = world.engine.create_person(&world.actor, Kind::Contact, fields).await.expect("created");
    let mut fields = named("Ada", "Byron", "Ada@Prospect.test");
    fields.other_emails = vec!["ada@home.test".to_owned()];
    fields.tags = vec!["event".to_owned()];
    let lead = lead(&world, fields).await;
    let id = world.enroll_person(lead.id).await;
    let refused = world.engine.convert_person(&world.actor, lead.id, None).await;
    assert_eq!(fields_of(refused), [contact.id.to_string()]);
    let converted = world.engine.convert_person(&world.actor, lead.id, Some(contact.id)).await.expect("merged");
    assert_eq!(converted.contact.id, contact.id);
    assert_eq!(converted.contact.fields.first_name, "Ada");
    assert_eq!(converted.contact.fields.last_name, "Lovelace", "nothing is overwritten");
    assert_eq!(converted.contact.fields.other_emails, ["ada@home.test"]);
    assert_eq!(converted.contact.fields.tags, ["vip", "event"]);
    assert_eq!(stored(&world, id).await.enrollment.person_id, contact.id, "the history moved");
    let mut tx = world.engine.store.read().await.expect("a view");
    assert_eq!(storage::people::redirect(&mut tx, lead.id).await.expect("read"), Some(contact.id));
    drop(tx);
    assert_eq!(world.engine.duplicates_of("ada@home.test").await.expect("found")[0].id, contact.id);
}

#[tokio::test]
async fn a_signal_ends_everything_with_its_reason() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    let person = stored(&world, id).await.enrollment.person_id;
    let ended = world.engine.record_signal(&world.actor, person, Signal::MeetingBooked).await.expect("recorded");
    assert_eq!(ended.enrollments, 1);
    assert!(matches!(
        stored(&world, id).await.enrollment.state,
        State::Finished { reason: FinishReason::MeetingBooked, .. }
    ));
    let note = world.engine.add_note(&world.actor, person, "  Met her at the loom. ").await.expect("a note");
    assert_eq!(note.summary, "Met her at the loom.");
    assert_eq!(codes(world.engine.add_note(&world.actor, person, " ").await), ["required"]);
}

#[tokio::test]
async fn a_rep_deletes_own_people_and_those_of_nobody_but_not_those_of_others() {
    let world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let mut fields = named("Ada", "Lovelace", "ada@prospect.test");
    fields.owner_id = world.actor.user_id();
    let theirs = lead(&world, fields).await;
    let nobodys = lead(&world, named("Grace", "Hopper", "grace@prospect.test")).await;
    let refused = world.engine.delete_people(&rep, &[theirs.id]).await;
    assert!(matches!(refused, Err(EngineError::Forbidden(_))), "{refused:?}");
    world.engine.delete_people(&rep, &[nobodys.id]).await.expect("deleted");
}
