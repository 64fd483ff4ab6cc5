use super::*;
use relance_domain::{
    ActivityId,
    call::{Call, CallOutcome},
    enrollment::BlockReason,
    time::DAY,
};
use relance_engine::commands::{
    bulk::{BulkAction, Selection},
    import::{NewImport, OnDuplicate},
    people::Signal,
    tasks::{NewTask, TaskChange},
};
use std::collections::HashSet;

/// The lines of a history that were there before; those of one instant stand in no order.
type Seen = HashSet<ActivityId>;

/// All lines there are.
async fn seen(world: &World, person: PersonId) -> Seen {
    history(world, person).await.into_iter().map(|event| event.id).collect()
}

/// The line a command just left in a person's history, beyond those `before`.
async fn newest(world: &World, person: PersonId, before: &mut Seen, what: &str) -> Activity {
    let new: Vec<Activity> = history(world, person).await.into_iter().filter(|event| before.insert(event.id)).collect();
    assert!(!new.is_empty(), "{what} left no line in the history");
    let by_actor = new.iter().find(|event| event.actor_id == world.actor.user_id());
    let event = by_actor.unwrap_or_else(|| panic!("{what} left no line that names the actor: {new:?}"));
    assert!(!event.summary.trim().is_empty(), "{what} left a line without words");
    event.clone()
}

#[tokio::test]
async fn every_command_on_an_enrollment_leaves_a_line_with_its_actor() {
    let mut world = monday().await;
    let steps = vec![email_step(&world, 1, "One", "<p>1</p>"), email_step(&world, 3, "Two", "<p>2</p>")];
    let sequence = world.sequence(plan(steps)).await;
    let person = lead(&world, named("Ada", "Lovelace", "ada@prospect.test")).await.id;
    let (engine, actor) = (world.engine.clone(), world.actor.clone());
    let mut lines = seen(&world, person).await;
    let id = enroll(&world, sequence, person).await;
    assert_eq!(newest(&world, person, &mut lines, "enroll").await.kind, ActivityKind::SequenceStarted);
    engine.pause(&actor, id, None).await.expect("paused");
    assert_eq!(newest(&world, person, &mut lines, "pause").await.kind, ActivityKind::SequencePaused);
    engine.resume(&actor, id).await.expect("resumed");
    assert_eq!(newest(&world, person, &mut lines, "resume").await.kind, ActivityKind::SequenceResumed);
    let step = stored(&world, id).await.enrollment.state.step().expect("a step");
    engine.reschedule(&actor, id, step, engine.now().plus_ms(DAY)).await.expect("moved");
    assert_eq!(newest(&world, person, &mut lines, "reschedule").await.kind, ActivityKind::StepMoved);
    block(&world, id, BlockReason::AuthFailed).await;
    engine.retry(&actor, id).await.expect("retried");
    let retried = newest(&world, person, &mut lines, "retry").await;
    assert_eq!(
        (retried.kind, &retried.detail["reason"]),
        (ActivityKind::SequenceReleased, &serde_json::json!("auth_failed"))
    );
    engine.skip_step(&actor, id, step).await.expect("skipped");
    assert_eq!(newest(&world, person, &mut lines, "skip").await.kind, ActivityKind::StepSkipped);
    put_delivery(&world, id, DeliveryState::Uncertain { at: engine.now() }).await;
    block(&world, id, BlockReason::DeliveryUncertain).await;
    engine.resolve(&actor, id, false).await.expect("resolved");
    assert_eq!(newest(&world, person, &mut lines, "resolve").await.kind, ActivityKind::EmailResolved);
    engine.stop(&actor, id).await.expect("stopped");
    let ended = newest(&world, person, &mut lines, "stop").await;
    assert_eq!((ended.kind, &ended.detail["reason"]), (ActivityKind::SequenceEnded, &serde_json::json!("stopped")));
    let again = enroll(&world, sequence, person).await;
    newest(&world, person, &mut lines, "enroll again").await;
    engine.stop_many(&actor, &[again]).await.expect("stopped");
    newest(&world, person, &mut lines, "stop many").await;
    for (what, action) in [
        ("bulk pause", BulkAction::Pause { until: None }),
        ("bulk resume", BulkAction::Resume),
        ("bulk stop", BulkAction::Stop),
    ] {
        if what == "bulk pause" {
            enroll(&world, sequence, person).await;
            newest(&world, person, &mut lines, "enroll once more").await;
        }
        engine.bulk_people(&actor, &Selection::Ids(vec![person]), action).await.expect(what);
        newest(&world, person, &mut lines, what).await;
    }
}

#[tokio::test]
async fn every_command_on_a_person_leaves_a_line_with_its_actor() {
    let world = monday().await;
    let (engine, actor) = (world.engine.clone(), world.actor.clone());
    let person = lead(&world, named("Ada", "Lovelace", "ada@prospect.test")).await.id;
    let mut lines = Seen::new();
    assert_eq!(newest(&world, person, &mut lines, "create").await.kind, ActivityKind::PersonCreated);
    engine.edit_person(&actor, person, |fields| fields.industry = "Looms".to_owned()).await.expect("edited");
    assert_eq!(newest(&world, person, &mut lines, "edit").await.summary, "Changed industry");
    engine
        .edit_people(&actor, vec![(person, |fields: &mut Fields| fields.title = "Countess".to_owned())])
        .await
        .expect("edited");
    newest(&world, person, &mut lines, "fill in").await;
    engine.add_note(&actor, person, "Met her.").await.expect("noted");
    assert_eq!(newest(&world, person, &mut lines, "note").await.kind, ActivityKind::Note);
    let call = Call { outcome: CallOutcome::Reached, at: engine.now(), text: "Call in May.".to_owned() };
    engine.log_call(&actor, person, call).await.expect("logged");
    assert_eq!(newest(&world, person, &mut lines, "log call").await.summary, "Reached: Call in May.");
    let new = || NewTask {
        person_id: Some(person),
        owner_id: None,
        kind: TaskKind::Call,
        content: "Call Ada".to_owned(),
        due_at: None,
    };
    let first = engine.create_task(&actor, new()).await.expect("a task");
    assert_eq!(newest(&world, person, &mut lines, "create task").await.kind, ActivityKind::TaskCreated);
    let change = TaskChange { content: Some("Call Ada again".to_owned()), ..TaskChange::default() };
    engine.edit_task(&actor, first.id, change).await.expect("changed");
    assert_eq!(newest(&world, person, &mut lines, "edit task").await.kind, ActivityKind::TaskChanged);
    engine.snooze_task(&actor, first.id, engine.now().plus_ms(DAY)).await.expect("put off");
    newest(&world, person, &mut lines, "snooze task").await;
    engine.complete_task(&actor, first.id).await.expect("done");
    assert_eq!(newest(&world, person, &mut lines, "complete task").await.kind, ActivityKind::TaskDone);
    let second = engine.create_task(&actor, new()).await.expect("a task");
    newest(&world, person, &mut lines, "create task").await;
    engine.skip_task(&actor, second.id).await.expect("skipped");
    assert_eq!(newest(&world, person, &mut lines, "skip task").await.kind, ActivityKind::TaskSkipped);
    let third = engine.create_task(&actor, new()).await.expect("a task");
    newest(&world, person, &mut lines, "create task").await;
    engine.delete_task(&actor, third.id).await.expect("taken back");
    assert_eq!(newest(&world, person, &mut lines, "delete task").await.kind, ActivityKind::TaskCancelled);
    engine.record_signal(&actor, person, Signal::MeetingBooked).await.expect("recorded");
    assert_eq!(newest(&world, person, &mut lines, "signal").await.kind, ActivityKind::SignalReceived);
    let owner_id = actor.user_id();
    for (what, action) in [
        ("bulk tag", BulkAction::Tag { add: vec!["vip".to_owned()], remove: Vec::new() }),
        ("bulk assign", BulkAction::AssignOwner { owner_id }),
    ] {
        engine.bulk_people(&actor, &Selection::Ids(vec![person]), action).await.expect(what);
        newest(&world, person, &mut lines, what).await;
    }
    end_of_a_person(&world, person, lines).await;
}

/// What closes a person's history, after the lines of `lines`.
async fn end_of_a_person(world: &World, person: PersonId, mut lines: Seen) {
    let (engine, actor) = (world.engine.clone(), world.actor.clone());
    let (entry, _) = engine.suppress(&actor, "ada@prospect.test", "").await.expect("suppressed");
    assert_eq!(newest(world, person, &mut lines, "suppress").await.kind, ActivityKind::Suppressed);
    let admin = Actor::User { id: actor.user_id().expect("a user"), role: Role::Admin };
    engine.lift_suppression(&admin, entry.id).await.expect("lifted");
    assert_eq!(newest(world, person, &mut lines, "lift").await.kind, ActivityKind::SuppressionLifted);
    engine.import_suppressions(&actor, b"entry\nada@prospect.test\n").await.expect("suppressed");
    assert_eq!(newest(world, person, &mut lines, "import suppressions").await.kind, ActivityKind::Suppressed);
    engine.convert_person(&actor, person, None).await.expect("converted");
    assert_eq!(newest(world, person, &mut lines, "convert").await.kind, ActivityKind::PersonConverted);
    engine.delete_people(&actor, &[person]).await.expect("deleted");
    assert_eq!(newest(world, person, &mut lines, "delete").await.kind, ActivityKind::PersonDeleted);
    engine.restore_people(&actor, &[person]).await.expect("restored");
    assert_eq!(newest(world, person, &mut lines, "restore").await.kind, ActivityKind::PersonRestored);
}

#[tokio::test]
async fn an_import_leaves_a_line_for_whom_it_creates_and_whom_it_changes() {
    let world = monday().await;
    let known = lead(&world, named("Ada", "Lovelace", "ada@prospect.test")).await.id;
    let mut lines = seen(&world, known).await;
    let new = NewImport {
        kind: Kind::Lead,
        file_name: "leads.csv".to_owned(),
        bytes: b"last name,email,industry\nLovelace,ada@prospect.test,Looms\nHopper,grace@prospect.test,\n".to_vec(),
        mapping: None,
        on_duplicate: OnDuplicate::Update,
        dry_run: false,
    };
    world.engine.start_import(&world.actor, new).await.expect("started");
    while relance_engine::jobs::run_next_job(&world.engine).await.expect("a chunk") {}
    assert_eq!(newest(&world, known, &mut lines, "update by import").await.kind, ActivityKind::PersonEdited);
    let grace = world.engine.duplicates_of("grace@prospect.test").await.expect("found").remove(0).id;
    let mut lines = Seen::new();
    assert_eq!(newest(&world, grace, &mut lines, "import").await.kind, ActivityKind::PersonImported);
}

#[tokio::test]
async fn a_note_is_changed_and_removed_by_who_wrote_it_or_an_admin() {
    let world = monday().await;
    let person = lead(&world, named("Ada", "Lovelace", "ada@prospect.test")).await.id;
    let (rita, otto) =
        (user(&world, "rita@world.test", Role::Rep).await, user(&world, "otto@world.test", Role::Rep).await);
    let note = world.engine.add_note(&rita, person, "Met her at the loom.").await.expect("noted");
    let theirs = world.engine.edit_note(&otto, note.id, "Never met her.").await;
    assert!(matches!(theirs, Err(EngineError::Forbidden(_))), "{theirs:?}");
    assert!(matches!(world.engine.delete_note(&otto, note.id).await, Err(EngineError::Forbidden(_))));
    assert_eq!(codes(world.engine.edit_note(&rita, note.id, "  ").await), ["required"]);
    world.engine.edit_note(&rita, note.id, "Met her twice.").await.expect("edited");
    let last = history(&world, person).await.pop().expect("a line");
    assert_eq!((last.id, last.at, last.summary.as_str()), (note.id, note.at, "Met her twice."));
    assert_eq!(last.detail["edited_by"], serde_json::json!(rita.user_id()));
    let created = history(&world, person).await.remove(0);
    let refused = world.engine.edit_note(&Actor::System, created.id, "Rewritten").await;
    assert!(matches!(refused, Err(EngineError::NotFound("note"))), "only notes are ever changed");
    world.engine.delete_note(&Actor::System, note.id).await.expect("removed");
    assert_eq!(kinds(&world, person).await, [ActivityKind::PersonCreated]);
}

#[tokio::test]
async fn a_call_stands_at_its_time_and_is_changed_and_removed_by_who_logged_it() {
    let world = monday().await;
    let person = lead(&world, named("Ada", "Lovelace", "ada@prospect.test")).await.id;
    let (rita, otto) =
        (user(&world, "rita@world.test", Role::Rep).await, user(&world, "otto@world.test", Role::Rep).await);
    let call = |at, text: &str| Call { outcome: CallOutcome::NoAnswer, at, text: text.to_owned() };
    let now = world.engine.now();
    assert_eq!(codes(world.engine.log_call(&rita, person, call(now.plus_ms(1), "")).await), ["in_the_future"]);
    let logged = world.engine.log_call(&rita, person, call(now.plus_ms(-DAY), "")).await.expect("logged");
    let first = history(&world, person).await.remove(0);
    assert_eq!((first.id, first.kind, first.summary.as_str()), (logged.id, ActivityKind::CallLogged, "No answer."));
    let theirs = world.engine.edit_call(&otto, logged.id, call(now, "x")).await;
    assert!(matches!(theirs, Err(EngineError::Forbidden(_))), "{theirs:?}");
    assert!(matches!(world.engine.edit_note(&rita, logged.id, "x").await, Err(EngineError::NotFound("note"))));
    let edited = Call { outcome: CallOutcome::Reached, ..call(now, "She wants a trial.") };
    world.engine.edit_call(&rita, logged.id, edited).await.expect("edited");
    let first = history(&world, person).await.remove(0);
    assert_eq!((first.at, first.summary.as_str()), (logged.at, "Reached: She wants a trial."));
    assert_eq!(first.detail["outcome"], "reached");
    world.engine.delete_note(&rita, logged.id).await.expect("removed");
    assert_eq!(kinds(&world, person).await, [ActivityKind::PersonCreated]);
}
