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
    let done = world
        .engine
        .bulk_people(&world.actor, &Selection::Ids(ids.clone()), BulkAction::Convert { merge: false })
        .await
        .expect("done");
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

async fn person(world: &World, id: PersonId) -> Person {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::people::find(&mut tx, id).await.expect("read").expect("a person")
}

/// Does an action under an id; the codes of what was refused.
async fn act(world: &World, id: JobId, ids: &[PersonId], action: BulkAction) -> Vec<Option<String>> {
    let done = world.engine.bulk_people_as(&world.actor, id, &Selection::Ids(ids.to_vec()), action).await;
    rows(done.expect("done")).into_iter().map(|row| row.refused.map(|refused| refused.code)).collect()
}

async fn undo(world: &World, id: JobId) -> (JobId, Vec<Option<String>>) {
    let (undo, done) = world.engine.undo_bulk(&world.actor, id).await.expect("undone");
    (undo, rows(done).into_iter().map(|row| row.refused.map(|refused| refused.code)).collect())
}

#[tokio::test]
async fn tags_are_taken_back_to_what_each_person_had() {
    let world = monday().await;
    let ids = people(&world, 2).await;
    let tags = |add: &[&str], remove: &[&str]| BulkAction::Tag {
        add: add.iter().map(|tag| (*tag).to_owned()).collect(),
        remove: remove.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    act(&world, world.engine.new_job_id(), &ids[..1], tags(&["hot", "old"], &[])).await;
    let id = world.engine.new_job_id();
    assert_eq!(act(&world, id, &ids, tags(&["hot", "new"], &["old"])).await, [None, None]);
    assert_eq!(person(&world, ids[0]).await.fields.tags, ["hot", "new"]);
    let (first, said) = undo(&world, id).await;
    assert_eq!(said, [None, None]);
    assert_eq!(person(&world, ids[0]).await.fields.tags, ["hot", "old"]);
    assert!(person(&world, ids[1]).await.fields.tags.is_empty());
    assert_eq!(undo(&world, id).await.0, first, "a second click undoes nothing more");
}

#[tokio::test]
async fn owners_go_back_to_whoever_had_them_unless_changed_since() {
    let world = monday().await;
    let ids = people(&world, 3).await;
    let rita = user(&world, "rita@world.test", Role::Rep).await.user_id();
    let mine = BulkAction::AssignOwner { owner_id: world.actor.user_id() };
    act(&world, world.engine.new_job_id(), &ids[..1], mine).await;
    let id = world.engine.new_job_id();
    act(&world, id, &ids, BulkAction::AssignOwner { owner_id: rita }).await;
    world.engine.edit_person(&world.actor, ids[2], |fields| fields.owner_id = None).await.expect("edited");
    assert_eq!(undo(&world, id).await.1, [None, None, Some("changed_since".to_owned())]);
    assert_eq!(person(&world, ids[0]).await.fields.owner_id, world.actor.user_id());
    assert_eq!(person(&world, ids[1]).await.fields.owner_id, None);
}

#[tokio::test]
async fn a_deletion_comes_back_whole_and_a_pause_is_resumed() {
    let mut world = monday().await;
    let ids = people(&world, 2).await;
    let id = world.engine.new_job_id();
    act(&world, id, &ids, BulkAction::Delete).await;
    assert_eq!(undo(&world, id).await.1, [None, None]);
    assert_eq!(person(&world, ids[1]).await.name(), "P1");
    let enrollment = world.enroll("ada@prospect.test").await;
    let ada = stored(&world, enrollment).await.enrollment.person_id;
    let id = world.engine.new_job_id();
    act(&world, id, &[ada], BulkAction::Pause { until: None }).await;
    assert_eq!(stored(&world, enrollment).await.enrollment.state.word(), "paused");
    assert_eq!(undo(&world, id).await.1, [None]);
    assert_eq!(stored(&world, enrollment).await.enrollment.state.word(), "active");
    let id = world.engine.new_job_id();
    act(&world, id, &[ada], BulkAction::Stop).await;
    assert!(world.engine.undo_bulk(&world.actor, id).await.is_err(), "a stop is for good");
}

#[tokio::test]
async fn asked_twice_under_one_id_it_is_done_once() {
    let world = monday().await;
    let ids = people(&world, 2).await;
    let id = world.engine.new_job_id();
    let first = act(&world, id, &ids, BulkAction::Delete).await;
    assert_eq!(act(&world, id, &ids, BulkAction::Delete).await, first, "the second answer is the first");
    let rita = user(&world, "rita@world.test", Role::Rep).await;
    let other = world.engine.bulk_people_as(&rita, id, &Selection::Ids(ids), BulkAction::Delete).await;
    assert!(other.is_err(), "nobody learns of another's action by its id");
    assert_eq!(job(&world, id).await.done_count, 2);
}

#[tokio::test]
async fn an_action_cut_in_the_middle_is_finished_by_the_runner_and_undone_as_a_job() {
    let world = monday().await;
    let ids = people(&world, 1_100).await;
    let tag = BulkAction::Tag { add: vec!["hot".to_owned()], remove: Vec::new() };
    let id = world.engine.new_job_id();
    world.engine.bulk_people_as(&world.actor, id, &Selection::Ids(ids.clone()), tag).await.expect("started");
    while run_next_job(&world.engine).await.expect("a chunk") {}
    let (undo, done) = world.engine.undo_bulk(&world.actor, id).await.expect("undone");
    assert_eq!(done, BulkDone::Job(undo));
    for _ in 0..4 {
        assert!(run_next_job(&world.engine).await.expect("a chunk"));
    }
    assert!(person(&world, ids[0]).await.fields.tags.is_empty());
    assert_eq!(person(&world, ids[1_099]).await.fields.tags, ["hot"]);
    while run_next_job(&world.engine).await.expect("a chunk") {}
    assert_eq!((job(&world, undo).await.done_count, job(&world, undo).await.refused_count), (1_100, 0));
    assert!(person(&world, ids[1_099]).await.fields.tags.is_empty());
}

#[tokio::test]
async fn what_will_be_stopped_is_counted_before() {
    let mut world = monday().await;
    let enrollment = world.enroll("ada@prospect.test").await;
    let ada = stored(&world, enrollment).await.enrollment.person_id;
    let effect = world.engine.bulk_effect(&[ada]).await.expect("counted");
    let steps = {
        let mut tx = world.engine.store.read().await.expect("a view");
        let version = stored(&world, enrollment).await.enrollment.version_id;
        storage::sequences::find_version(&mut tx, version).await.expect("read").expect("a version").plan.steps
    };
    let next = stored(&world, enrollment).await.position as usize;
    let left = steps.iter().skip(next - 1);
    let emails = left.filter(|step| step.action.as_str() == "automated_email").count();
    assert_eq!((effect.active, effect.all(), effect.emails), (1, 1, emails));
    act(&world, world.engine.new_job_id(), &[ada], BulkAction::Stop).await;
    assert_eq!(world.engine.bulk_effect(&[ada]).await.expect("counted"), Default::default());
}
