use super::*;
use relance_domain::{Timestamp, enrollment::State, time::DAY};
use relance_engine::commands::{
    bulk::Selection,
    enroll::{EnrolledMany, OnMissing},
    preflight::Preflight,
};

async fn sequence_of(world: &World) -> SequenceId {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::sequences::page(&mut tx, storage::sequences::SequenceFilter::default(), None, 10).await.expect("listed")[0]
        .0
        .id
}

#[tokio::test]
async fn enrolling_sends_nothing_itself_and_says_when_the_first_step_is_due() {
    let world = World::at("2026-11-23T09:00[Europe/Paris]", &[2]).await;
    let person = lead(&world, named("Ada", "Lovelace", "Ada@prospect.test")).await;
    let sequence = sequence_of(&world).await;
    let enrollment =
        world.engine.enroll(&world.actor, &EnrollRequest::new(sequence, vec![person.id])).await.expect("enrolled");
    assert_eq!(enrollment.state.due(), Some(world.engine.now().plus_ms(2 * DAY)));
    assert_eq!(enrollment.address_key.as_deref(), Some("ada@prospect.test"));
    assert_eq!(enrollment.mailbox_id, Some(world.mailbox));
    assert!(deliveries(&world, enrollment.id).await.is_empty());
    let last = history(&world, person.id).await.pop().expect("an event");
    assert_eq!((last.kind, last.summary.as_str()), (ActivityKind::SequenceStarted, "Enrolled in Test"));
}

#[tokio::test]
async fn every_refusal_has_its_code_in_the_check_and_in_the_act() {
    let world = monday().await;
    let sequence = sequence_of(&world).await;
    let mut people = Vec::new();
    for (last, email) in [
        ("Active", "active@prospect.test"),
        ("Nowhere", ""),
        ("Listed", "x@never.test"),
        ("Fine", "fine@prospect.test"),
    ] {
        people.push(lead(&world, named("", last, email)).await.id);
    }
    let twin = lead(&world, named("", "Twin", "ACTIVE@prospect.test")).await.id;
    people.push(twin);
    let already = enroll(&world, sequence, people[0]).await;
    world.engine.suppress(&world.actor, "never.test", "").await.expect("suppressed");
    let ghost: PersonId = world.engine.new_person_id();
    people.push(ghost);
    let request = EnrollRequest::new(sequence, people.clone());
    let rows = world.engine.preflight(&world.actor, &request).await.expect("judged");
    let said: Vec<String> = rows
        .iter()
        .map(|row| match &row.outcome {
            Preflight::Refused { code, .. } => code.clone(),
            Preflight::Starts => "starts".to_owned(),
            Preflight::WaitsForData { .. } => "waits".to_owned(),
        })
        .collect();
    assert_eq!(said, ["already_active", "no_email", "suppressed", "starts", "already_active", "not_found"]);
    assert!(matches!(&rows[4].outcome, Preflight::Refused { enrollment_id, .. } if *enrollment_id == Some(already)));
    for (person, expected) in people.iter().zip(&said).filter(|(_, said)| *said != "starts") {
        let refused = world.engine.enroll(&world.actor, &EnrollRequest::new(sequence, vec![*person])).await;
        assert_eq!(codes(refused), [expected.as_str()]);
    }
    let EnrolledMany::Rows(rows, _) =
        world.engine.enroll_many(&world.actor, &request, OnMissing::Start).await.expect("done")
    else {
        panic!("six people need no job")
    };
    assert_eq!(rows.iter().filter(|row| row.started).map(|row| row.row.person_id).collect::<Vec<_>>(), [people[3]]);
}

#[tokio::test]
async fn an_enrollment_that_is_in_the_way_is_named() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    let person = stored(&world, id).await.enrollment.person_id;
    let sequence = sequence_of(&world).await;
    let refused = world.engine.enroll(&world.actor, &EnrollRequest::new(sequence, vec![person])).await;
    assert_eq!(fields_of(refused), [id.to_string()]);
    world.engine.stop(&world.actor, id).await.expect("stopped");
    let rows = world.engine.preflight(&world.actor, &EnrollRequest::new(sequence, vec![person])).await.expect("judged");
    assert!(rows[0].was_enrolled_before && rows[0].outcome == Preflight::Starts);
    enroll(&world, sequence, person).await;
}

#[tokio::test]
async fn missing_data_is_a_warning_that_can_be_left_out() {
    let mut world = monday().await;
    let steps = vec![email_step(&world, 0, "Hello {{ person.title }}", "<p>{{ person.industry | default('x') }}</p>")];
    let sequence = world.sequence(plan(steps)).await;
    let bare = lead(&world, named("", "Bare", "bare@prospect.test")).await.id;
    let mut fields = named("", "Full", "full@prospect.test");
    fields.title = "Countess".to_owned();
    let full = lead(&world, fields).await.id;
    let request = EnrollRequest::new(sequence, vec![bare, full]);
    let rows = world.engine.preflight(&world.actor, &request).await.expect("judged");
    assert_eq!(rows[0].outcome, Preflight::WaitsForData { tags: vec!["person.title".to_owned()] });
    assert_eq!(rows[1].outcome, Preflight::Starts);
    let EnrolledMany::Rows(rows, _) =
        world.engine.enroll_many(&world.actor, &request, OnMissing::Skip).await.expect("done")
    else {
        panic!("two people need no job")
    };
    assert_eq!((rows[0].started, rows[1].started), (false, true));
    let EnrolledMany::Rows(rows, _) =
        world.engine.enroll_many(&world.actor, &request, OnMissing::Start).await.expect("done")
    else {
        panic!("two people need no job")
    };
    assert_eq!((rows[0].started, rows[1].started), (true, false));
}

#[tokio::test]
async fn it_starts_at_a_date_and_with_a_later_step() {
    let world = World::at("2026-11-23T09:00[Europe/Paris]", &[0, 3]).await;
    let sequence = sequence_of(&world).await;
    let person = lead(&world, named("", "Later", "later@prospect.test")).await.id;
    let start_at: Timestamp = world.engine.now().plus_ms(10 * DAY);
    let request =
        EnrollRequest { start_at: Some(start_at), start_step: Some(2), ..EnrollRequest::new(sequence, vec![person]) };
    let enrollment = world.engine.enroll(&world.actor, &request).await.expect("enrolled");
    assert_eq!(enrollment.state.due(), Some(start_at.plus_ms(3 * DAY)));
    assert_eq!(stored(&world, enrollment.id).await.position, 2);
    let request = EnrollRequest { start_step: Some(3), ..request };
    assert_eq!(codes(world.engine.enroll(&world.actor, &request).await), ["no_such_step"]);
}

#[tokio::test]
async fn a_rep_enrolls_from_the_own_mailbox_and_only_managers_on_behalf_of_others() {
    let world = monday().await;
    let sequence = sequence_of(&world).await;
    let person = lead(&world, named("", "Ada", "ada@prospect.test")).await.id;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let manager = user(&world, "mara@world.test", Role::Manager).await;
    let own = EnrollRequest::new(sequence, vec![person]);
    assert_eq!(codes(world.engine.enroll(&rep, &own).await), ["no_mailbox"]);
    let foreign = EnrollRequest { mailbox_id: Some(world.mailbox), ..own.clone() };
    assert_eq!(codes(world.engine.enroll(&rep, &foreign).await), ["not_permitted"]);
    let on_behalf = EnrollRequest { actor_id: world.actor.user_id(), ..own };
    assert_eq!(codes(world.engine.enroll(&rep, &on_behalf).await), ["not_permitted"]);
    let enrollment = world.engine.enroll(&manager, &on_behalf).await.expect("enrolled on behalf");
    assert_eq!(Some(enrollment.actor_id), world.actor.user_id());
}

#[tokio::test]
async fn a_draft_and_an_archived_sequence_take_nobody() {
    let world = monday().await;
    let sequence = sequence_of(&world).await;
    let person = lead(&world, named("", "Ada", "ada@prospect.test")).await.id;
    let draft = world.engine.clone_sequence(&world.actor, sequence).await.expect("cloned");
    world.engine.archive_sequence(&world.actor, sequence, false).await.expect("archived");
    for id in [draft.id, sequence] {
        let refused = world.engine.enroll(&world.actor, &EnrollRequest::new(id, vec![person])).await;
        assert_eq!(codes(refused), ["sequence_not_active"]);
    }
}

#[tokio::test]
async fn more_than_a_thousand_are_enrolled_by_a_job_with_an_outcome_per_row() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[30]).await;
    let sequence = sequence_of(&world).await;
    let now = world.engine.now();
    let people: Vec<Person> = (0..1_205)
        .map(|n| {
            let email = if n % 100 == 7 { String::new() } else { format!("p{n}@prospect.test") };
            Person {
                id: world.engine.new_person_id(),
                kind: Kind::Lead,
                fields: named("", &format!("P{n}"), &email),
                created_at: now,
                updated_at: now,
            }
        })
        .collect();
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::people::insert_many(&mut tx, &people).await.expect("stored");
    tx.commit().await.expect("committed");
    let ids: Vec<PersonId> = people.iter().map(|person| person.id).collect();
    let request = EnrollRequest::new(sequence, ids.clone());
    let EnrolledMany::Job(job) =
        world.engine.enroll_many(&world.actor, &request, OnMissing::Start).await.expect("started")
    else {
        panic!("1,205 people need a job")
    };
    world.run_due().await;
    let mut tx = world.engine.store.read().await.expect("a view");
    let done = storage::jobs::find(&mut tx, job).await.expect("read").expect("a job");
    assert_eq!((done.state, done.done_count, done.refused_count), (storage::jobs::JobState::Done, 1_193, 12));
    let rows = storage::jobs::list_rows(&mut tx, job, None, 0, 2_000).await.expect("rows");
    assert_eq!(rows.iter().filter_map(|row| row.person_id).collect::<Vec<_>>(), ids);
    assert!(rows.iter().all(|row| (row.outcome == "enrolled") == row.enrollment_id.is_some()));
    assert_eq!(rows[7].outcome, "refused");
    let all = storage::sequences::counts(&mut tx, &[sequence]).await.expect("counted");
    assert_eq!(all[&sequence].active, 1_193);
}

#[tokio::test]
async fn a_sequence_of_tasks_needs_neither_address_nor_mailbox() {
    let mut world = monday().await;
    let steps = vec![task_step(&world, 0, relance_domain::step::TaskMode::Wait)];
    let sequence = world.sequence(plan(steps)).await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let person = lead(&world, named("", "Ada", "")).await.id;
    let enrollment = world.engine.enroll(&rep, &EnrollRequest::new(sequence, vec![person])).await.expect("enrolled");
    assert_eq!((enrollment.mailbox_id, enrollment.address_key), (None, None));
    world.run_due().await;
    assert!(matches!(stored(&world, enrollment.id).await.enrollment.state, State::Active { .. }));
    assert!(kinds(&world, person).await.contains(&ActivityKind::TaskCreated));
}

#[tokio::test]
async fn a_selection_of_any_size_is_counted_and_forecast_under_the_quota() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[30]).await;
    let steps = vec![email_step(&world, 0, "Hello {{ person.title }}", "<p>x</p>")];
    let sequence = world.sequence(plan(steps)).await;
    let now = world.engine.now();
    let people: Vec<Person> = (0..650)
        .map(|n| {
            let mut fields =
                named("", &format!("P{n}"), &if n < 20 { String::new() } else { format!("p{n}@prospect.test") });
            fields.title = if n < 50 { String::new() } else { "Countess".to_owned() };
            Person { id: world.engine.new_person_id(), kind: Kind::Lead, fields, created_at: now, updated_at: now }
        })
        .collect();
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::people::insert_many(&mut tx, &people).await.expect("stored");
    tx.commit().await.expect("committed");
    let everyone = Selection::Matching { kind: Some(Kind::Lead), search: String::new(), filter: Default::default() };
    let request = EnrollRequest::new(sequence, Vec::new());
    let summary =
        world.engine.preflight_selection(&world.actor, &request, &everyone, OnMissing::Start).await.expect("judged");
    assert_eq!((summary.total, summary.judged, summary.starts, summary.waits_for_data), (650, 650, 600, 30));
    assert_eq!(summary.missing, [("person.title".to_owned(), 30)]);
    assert_eq!((summary.refused[0].code.as_str(), summary.refused[0].count, summary.rows.len()), ("no_email", 20, 650));
    assert_eq!(summary.forecast.days.iter().map(|day| day.planned + day.first).collect::<Vec<_>>(), [200, 200, 200]);
    assert!(summary.forecast.last_first_at.is_some_and(|last| last.since(now) > DAY && last.since(now) < 3 * DAY));
    let mut tx = world.engine.store.read().await.expect("a view");
    assert!(!storage::sequences::counts(&mut tx, &[sequence]).await.expect("counted").contains_key(&sequence));
}
