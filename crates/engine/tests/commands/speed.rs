use super::*;
use relance_engine::{
    commands::{
        enroll::{EnrolledMany, OnMissing},
        import::{NewImport, OnDuplicate},
    },
    jobs::run_next_job,
};

/// Small in debug builds; in release (`cargo nextest run --release`) it is the measured size.
#[tokio::test]
async fn an_import_and_an_enrollment_of_many_leave_no_row_out() {
    let count: usize = if cfg!(debug_assertions) { 2_000 } else { 100_000 };
    let world = World::at("2026-11-23T09:00[Europe/Paris]", &[30]).await;
    let mut file = String::from("first name,last name,company,email,phone,city,country,title,industry,tags\n");
    for n in 0..count {
        file.push_str(&format!(
            "First{n},Last{n},Company {},person{n}@company{}.test,+33 1 23 45 {n},Paris,FR,Head of Things,Looms,\"a;b\"\n",
            n / 7,
            n / 7
        ));
    }
    let started = tokio::time::Instant::now();
    let new = NewImport {
        kind: Kind::Lead,
        file_name: "many.csv".to_owned(),
        bytes: file.into_bytes(),
        mapping: None,
        on_duplicate: OnDuplicate::Skip,
        dry_run: false,
    };
    world.engine.start_import(&world.actor, new).await.expect("started");
    while run_next_job(&world.engine).await.expect("a chunk") {}
    eprintln!("import of {count}: {:?}", started.elapsed());
    let mut tx = world.engine.store.read().await.expect("a view");
    let everyone = storage::people_lists::PeopleQuery::default();
    let ids = storage::people_lists::ids(&mut tx, &everyone, None, count + 1).await.expect("ids");
    let filter = storage::sequences::SequenceFilter::default();
    let sequence = storage::sequences::page(&mut tx, filter, None, 10).await.expect("listed")[0].0.id;
    drop(tx);
    assert_eq!(ids.len(), count);
    let started = tokio::time::Instant::now();
    let request = EnrollRequest::new(sequence, ids);
    let done = world.engine.enroll_many(&world.actor, &request, OnMissing::Start).await.expect("started");
    assert!(matches!(done, EnrolledMany::Job(_)));
    while run_next_job(&world.engine).await.expect("a chunk") {}
    eprintln!("enrolling {count}: {:?}", started.elapsed());
    let mut tx = world.engine.store.read().await.expect("a view");
    let counts = storage::sequences::counts(&mut tx, &[sequence]).await.expect("counted");
    assert_eq!(counts[&sequence].active as usize, count);
}
