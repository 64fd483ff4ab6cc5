use super::*;
use relance_domain::{
    enrollment::{BlockReason, State},
    person_layout::{Layout, Widget},
};

#[tokio::test]
async fn what_many_lack_is_saved_together_or_not_at_all() {
    let mut world = monday().await;
    let steps = vec![email_step(&world, 0, "Hello", "<p>{{ person.industry }}</p>")];
    world.sequence(plan(steps)).await;
    let (one, two) = (world.enroll("ada@prospect.test").await, world.enroll("grace@prospect.test").await);
    let (ada, grace) = (stored(&world, one).await.enrollment.person_id, stored(&world, two).await.enrollment.person_id);
    type Change = fn(&mut Fields);
    let industry: Change = |fields| fields.industry = "Looms".to_owned();
    let nonsense: Change = |fields| fields.email = "nonsense".to_owned();
    let refused = world.engine.edit_people(&world.actor, vec![(ada, industry), (grace, nonsense)]).await;
    assert_eq!(fields_of(refused), [format!("{grace}.email")]);
    let blocked = |state: &State| matches!(state, State::Blocked { reason: BlockReason::MissingMergeData { .. }, .. });
    assert!(blocked(&stored(&world, one).await.enrollment.state), "nothing was saved");
    let saved = world.engine.edit_people(&world.actor, vec![(ada, industry), (grace, industry)]).await;
    assert_eq!(saved.expect("saved"), 2);
    assert!(
        !blocked(&stored(&world, one).await.enrollment.state) && !blocked(&stored(&world, two).await.enrollment.state)
    );
    assert_eq!(world.run_due().await, 2, "both leave by themselves");
}

#[tokio::test]
async fn the_layout_of_the_person_page_is_the_admins() {
    let world = monday().await;
    assert_eq!(world.engine.person_layout().await.expect("read"), Layout::default());
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let refused = world.engine.change_person_layout(&rep, |layout| layout.with(Widget::Notes, false)).await;
    assert!(matches!(refused, Err(EngineError::Forbidden(_))), "{refused:?}");
    let changed = world
        .engine
        .change_person_layout(&Actor::System, |layout| layout.with(Widget::Notes, false).moved(Widget::Tasks, -1))
        .await
        .expect("changed");
    assert_eq!(changed.shown(), [Widget::Sequences, Widget::Tasks, Widget::Details, Widget::Related]);
    assert_eq!(world.engine.person_layout().await.expect("read"), changed);
}

#[tokio::test]
async fn an_upload_belongs_to_its_user_and_is_gone_after_a_day() {
    let world = monday().await;
    let id = world.engine.begin_upload(&world.actor, "le\nads.csv").await.expect("begun");
    for (number, part) in [b"last name,".as_slice(), b"email\nLovelace,ada@prospect.test\n"].into_iter().enumerate() {
        world.engine.append_upload(id, number, part).await.expect("stored");
    }
    let upload = world.engine.read_upload(&world.actor, id).await.expect("read");
    assert_eq!((upload.name.as_str(), upload.bytes.len()), ("leads.csv", 43));
    let other = user(&world, "rita@world.test", Role::Rep).await;
    assert!(matches!(world.engine.read_upload(&other, id).await, Err(EngineError::NotFound(_))));
    world.engine.remove_upload(&other, id).await.expect("nothing of theirs");
    assert!(world.engine.read_upload(&world.actor, id).await.is_ok());
    let mut world = world;
    world.advance(2 * relance_domain::time::DAY).await;
    world.engine.begin_upload(&world.actor, "other.csv").await.expect("begun");
    assert!(matches!(world.engine.read_upload(&world.actor, id).await, Err(EngineError::NotFound(_))));
}
