use super::*;
use relance_domain::JobId;
use relance_engine::{
    commands::bulk::{BulkAction, BulkDone, Selection},
    jobs::run_next_job,
};
use relance_storage::{
    jobs::JobState,
    people_filter::{Filter, Rule},
};

async fn people(world: &World, count: usize) -> Vec<PersonId> {
    let now = world.engine.now();
    let people: Vec<Person> = (0..count)
        .map(|n| Person {
            id: world.engine.new_person_id(),
            kind: Kind::Lead,
            fields: Fields {
                industry: if n % 2 == 0 { "Looms".to_owned() } else { "Mills".to_owned() },
                ..named("", &format!("P{n}"), &format!("p{n}@prospect.test"))
            },
            created_at: now,
            updated_at: now,
        })
        .collect();
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::people::insert_many(&mut tx, &people).await.expect("stored");
    tx.commit().await.expect("committed");
    people.into_iter().map(|person| person.id).collect()
}

fn rows(done: BulkDone) -> Vec<relance_engine::commands::RowOutcome> {
    match done {
        BulkDone::Rows(rows) => rows,
        BulkDone::Job(job) => panic!("expected rows, got {job}"),
    }
}

async fn job(world: &World, id: JobId) -> storage::jobs::Job {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::jobs::find(&mut tx, id).await.expect("read").expect("a job")
}

#[tokio::test]
async fn every_row_has_its_outcome_and_a_bad_one_stops_no_other() {
    let world = monday().await;
    let mut ids = people(&world, 3).await;
    world.engine.convert_person(&world.actor, ids[1], None).await.expect("converted");
    ids.push(world.engine.new_person_id());
    let done =
        world.engine.bulk_people(&world.actor, &Selection::Ids(ids.clone()), BulkAction::Convert).await.expect("done");
    let said: Vec<Option<String>> = rows(done).into_iter().map(|row| row.refused.map(|refused| refused.code)).collect();
    assert_eq!(said, [None, Some("not_a_lead".to_owned()), None, Some("not_found".to_owned())]);
}

#[tokio::test]
async fn tags_and_owners_are_set_for_everyone_who_matches() {
    let world = monday().await;
    let ids = people(&world, 10).await;
    let looms = Selection::Matching {
        kind: Some(Kind::Lead),
        search: String::new(),
        filter: Filter::Rule(Rule::new("industry", "is", "Looms")),
    };
    let tag = BulkAction::Tag { add: vec!["hot".to_owned()], remove: Vec::new() };
    assert_eq!(rows(world.engine.bulk_people(&world.actor, &looms, tag).await.expect("done")).len(), 5);
    let owner = BulkAction::AssignOwner { owner_id: world.actor.user_id() };
    rows(world.engine.bulk_people(&world.actor, &looms, owner).await.expect("done"));
    let mut tx = world.engine.store.read().await.expect("a view");
    let first = storage::people::find(&mut tx, ids[0]).await.expect("read").expect("a person");
    assert_eq!((first.fields.tags, first.fields.owner_id), (vec!["hot".to_owned()], world.actor.user_id()));
    assert!(storage::people::find(&mut tx, ids[1]).await.expect("read").expect("a person").fields.tags.is_empty());
}

#[tokio::test]
async fn sequences_of_many_are_paused_resumed_and_stopped() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    let person = stored(&world, id).await.enrollment.person_id;
    let idle = lead(&world, named("", "Idle", "idle@prospect.test")).await.id;
    let both = Selection::Ids(vec![person, idle]);
    for (action, word) in
        [(BulkAction::Pause { until: None }, "paused"), (BulkAction::Resume, "active"), (BulkAction::Stop, "completed")]
    {
        let said: Vec<Option<String>> =
            rows(world.engine.bulk_people(&world.actor, &both, action).await.expect("done"))
                .into_iter()
                .map(|row| row.refused.map(|refused| refused.code))
                .collect();
        assert_eq!(said, [None, Some("nothing_to_do".to_owned())]);
        assert_eq!(stored(&world, id).await.enrollment.state.word(), word);
    }
}

#[tokio::test]
async fn a_job_goes_on_after_a_restart_where_it_was_and_does_no_row_twice() {
    let world = monday().await;
    let ids = people(&world, 1_050).await;
    let tag = BulkAction::Tag { add: vec!["hot".to_owned()], remove: Vec::new() };
    let BulkDone::Job(id) =
        world.engine.bulk_people(&world.actor, &Selection::Ids(ids.clone()), tag).await.expect("started")
    else {
        panic!("1,050 people need a job")
    };
    for _ in 0..3 {
        assert!(run_next_job(&world.engine).await.expect("a chunk"));
    }
    assert_eq!(job(&world, id).await.done_count, 300);
    let (store, folder) = (world.engine.store.clone(), tempfile::tempdir().expect("a folder"));
    let restarted =
        relance_testkit::world::engine_on(store, folder.path(), relance_engine::Clock::standing(world.engine.now()));
    while run_next_job(&restarted).await.expect("a chunk") {}
    let done = job(&world, id).await;
    assert_eq!((done.state, done.done_count, done.refused_count), (JobState::Done, 1_050, 0));
    let edits = async |person: PersonId| {
        kinds(&world, person).await.into_iter().filter(|kind| *kind == ActivityKind::PersonEdited).count()
    };
    for person in [ids[0], ids[299], ids[300], ids[1_049]] {
        assert_eq!(edits(person).await, 1);
    }
}

#[tokio::test]
async fn a_job_over_everyone_who_matches_ends_even_when_it_changes_who_matches() {
    let world = monday().await;
    people(&world, 1_020).await;
    let everyone = Selection::Matching { kind: Some(Kind::Lead), search: String::new(), filter: Filter::default() };
    let BulkDone::Job(id) =
        world.engine.bulk_people(&world.actor, &everyone, BulkAction::Delete).await.expect("started")
    else {
        panic!("1,020 people need a job")
    };
    while run_next_job(&world.engine).await.expect("a chunk") {}
    let done = job(&world, id).await;
    assert_eq!((done.state, done.total, done.done_count), (JobState::Done, 1_020, 1_020));
    assert!(!run_next_job(&world.engine).await.expect("nothing left"));
}

#[tokio::test]
async fn a_cancelled_job_leaves_the_rest_undone() {
    let world = monday().await;
    let ids = people(&world, 1_001).await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let BulkDone::Job(id) = world
        .engine
        .bulk_people(&world.actor, &Selection::Ids(ids.clone()), BulkAction::Delete)
        .await
        .expect("started")
    else {
        panic!("1,001 people need a job")
    };
    run_next_job(&world.engine).await.expect("a chunk");
    assert!(matches!(world.engine.cancel_job(&rep, id).await, Err(EngineError::NotFound(_))));
    world.engine.cancel_job(&world.actor, id).await.expect("cancelled");
    assert_eq!(codes(world.engine.cancel_job(&world.actor, id).await), ["ended"]);
    assert!(!run_next_job(&world.engine).await.expect("nothing left"));
    let mut tx = world.engine.store.read().await.expect("a view");
    assert_eq!(storage::people::find_many(&mut tx, &ids).await.expect("read").len(), 901);
    assert!(matches!(job(&world, id).await.state, JobState::Cancelled));
}
