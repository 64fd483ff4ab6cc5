use super::*;
use relance_domain::{
    list::{Filter, Rule},
    person::Kind,
};
use relance_engine::commands::lists::NewList;

async fn tags_of(world: &World, id: PersonId) -> Vec<String> {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::people::find(&mut tx, id).await.expect("readable").expect("a person").fields.tags
}

async fn tagged(world: &World, last: &str, tags: &[&str]) -> PersonId {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    lead(world, Fields { tags, ..named("", last, "") }).await.id
}

async fn counts(world: &World) -> Vec<(String, u32)> {
    let mut tx = world.engine.store.read().await.expect("a view");
    let found = storage::tags::counts(&mut tx, None).await.expect("counted");
    found.into_iter().map(|count| (count.tag, count.leads + count.contacts)).collect()
}

#[tokio::test]
async fn a_tag_is_renamed_for_everyone_and_smart_lists_follow() {
    let world = monday().await;
    let (ada, bob) = (tagged(&world, "Ada", &["hot", "uk"]).await, tagged(&world, "Bob", &["hot"]).await);
    let filter = Filter::All { all: vec![Filter::Rule(Rule::new("tags", "has", "hot"))] };
    let new = NewList {
        name: "Hot".to_owned(),
        kind: Kind::Lead,
        filter,
        columns: Vec::new(),
        sort: String::new(),
        shared: false,
    };
    let list = world.engine.create_list(&world.actor, new).await.expect("a list");
    world.engine.rename_tag(&world.actor, "hot", " Warm ").await.expect("renamed");
    assert_eq!(tags_of(&world, ada).await, ["uk", "Warm"]);
    assert_eq!(counts(&world).await, [("uk".to_owned(), 1), ("Warm".to_owned(), 2)]);
    let mut tx = world.engine.store.read().await.expect("a view");
    let list = storage::lists::find(&mut tx, list.id).await.expect("readable").expect("a list");
    assert_eq!(list.filter.rules()[0].value, "Warm");
    drop(tx);
    assert_eq!(kinds(&world, bob).await.last(), Some(&ActivityKind::PersonEdited));
}

#[tokio::test]
async fn a_tag_that_is_there_takes_the_people_of_another_once_and_a_deletion_is_undone() {
    let world = monday().await;
    let (ada, bob) = (tagged(&world, "Ada", &["hot", "warm"]).await, tagged(&world, "Bob", &["hot"]).await);
    world.engine.rename_tag(&world.actor, "hot", "warm").await.expect("merged");
    assert_eq!(
        (tags_of(&world, ada).await, tags_of(&world, bob).await),
        (vec!["warm".to_owned()], vec!["warm".to_owned()])
    );
    let (job, _) = world.engine.delete_tag(&world.actor, "warm").await.expect("deleted");
    assert!(counts(&world).await.is_empty());
    world.engine.undo_bulk(&world.actor, job).await.expect("taken back");
    assert_eq!(counts(&world).await, [("warm".to_owned(), 2)]);
}

#[tokio::test]
async fn only_admins_change_tags_and_what_makes_no_sense_is_refused() {
    let world = monday().await;
    tagged(&world, "Ada", &["hot"]).await;
    let manager = user(&world, "mia@world.test", Role::Manager).await;
    assert!(matches!(world.engine.rename_tag(&manager, "hot", "x").await, Err(EngineError::Forbidden(_))));
    assert!(matches!(world.engine.delete_tag(&manager, "hot").await, Err(EngineError::Forbidden(_))));
    assert_eq!(codes(world.engine.rename_tag(&world.actor, "hot", " ").await), ["required"]);
    assert_eq!(codes(world.engine.rename_tag(&world.actor, "hot", "hot").await), ["unchanged"]);
    assert!(matches!(world.engine.rename_tag(&world.actor, "cold", "x").await, Err(EngineError::NotFound(_))));
}
