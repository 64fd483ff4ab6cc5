use super::*;
use relance_domain::{
    enrollment::{FinishReason, State},
    suppression::SuppressionReason,
    time::DAY,
};

fn is_suppressed(state: &State) -> bool {
    matches!(state, State::Finished { reason: FinishReason::Suppressed, .. })
}

#[tokio::test]
async fn an_address_on_the_list_ends_what_runs_to_it_and_nothing_else() {
    let mut world = monday().await;
    let (ada, grace) = (world.enroll("ada@prospect.test").await, world.enroll("grace@prospect.test").await);
    let (entry, ended) =
        world.engine.suppress(&world.actor, " Ada@Prospect.test ", "asked by phone").await.expect("listed");
    assert_eq!((entry.entry.as_str(), entry.reason), ("ada@prospect.test", SuppressionReason::Manual));
    assert_eq!(ended.enrollments, 1);
    assert!(is_suppressed(&stored(&world, ada).await.enrollment.state));
    assert!(stored(&world, grace).await.enrollment.state.is_ongoing());
    let (again, ended) = world.engine.suppress(&world.actor, "ada@prospect.test", "").await.expect("known");
    assert_eq!((again.id, ended.enrollments), (entry.id, 0));
    assert_eq!(codes(world.engine.suppress(&world.actor, "nonsense", "").await), ["invalid_entry"]);
}

#[tokio::test]
async fn a_domain_covers_its_subdomains_and_no_look_alikes() {
    let mut world = monday().await;
    let mut ids = Vec::new();
    for address in ["a@looms.test", "b@east.looms.test", "c@notlooms.test", "d@looms.test.example"] {
        ids.push(world.enroll(address).await);
    }
    let (_, ended) = world.engine.suppress(&world.actor, "looms.test", "").await.expect("listed");
    assert_eq!(ended.enrollments, 2);
    for (id, expected) in ids.iter().zip([true, true, false, false]) {
        assert_eq!(is_suppressed(&stored(&world, *id).await.enrollment.state), expected);
    }
}

#[tokio::test]
async fn only_admins_lift_and_lifting_lets_enroll_again() {
    let mut world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let (entry, _) = world.engine.suppress(&rep, "looms.test", "").await.expect("anyone may protect a prospect");
    assert!(matches!(world.engine.lift_suppression(&rep, entry.id).await, Err(EngineError::Forbidden(_))));
    world.engine.lift_suppression(&world.actor, entry.id).await.expect("lifted");
    assert!(matches!(world.engine.lift_suppression(&world.actor, entry.id).await, Err(EngineError::NotFound(_))));
    world.enroll("a@looms.test").await;
}

#[tokio::test]
async fn a_list_is_imported_with_its_bad_lines_named() {
    let mut world = monday().await;
    let ada = world.enroll("ada@prospect.test").await;
    let file = "\u{feff}email,reason\nada@prospect.test,x\n\"looms.test\"\nnot an address\nada@prospect.test\n";
    let done = world.engine.import_suppressions(&world.actor, file.as_bytes()).await.expect("imported");
    assert_eq!((done.added, done.known), (2, 1));
    assert_eq!(done.refused, [(4, "not an address".to_owned())]);
    assert_eq!(done.ended.enrollments, 1);
    assert!(is_suppressed(&stored(&world, ada).await.enrollment.state));
}

#[tokio::test]
async fn an_exported_list_keeps_its_reasons_and_notes_and_a_list_too_long_is_refused_whole() {
    let world = monday().await;
    let file = "entry;reason;note;since\nada@prospect.test;unsubscribed;\"asked; twice\";2026-01-01\n\
        looms.test;whatever;'=SUM(1)\nbea@prospect.test\n";
    let done = world.engine.import_suppressions(&world.actor, file.as_bytes()).await.expect("imported");
    assert_eq!((done.added, done.refused.len()), (3, 0));
    let mut tx = world.engine.store.read().await.expect("a view");
    let mut all = storage::suppressions::list(&mut tx, "", None, 10).await.expect("readable");
    drop(tx);
    all.sort_by(|a, b| a.entry.cmp(&b.entry));
    let kept: Vec<_> = all.iter().map(|one| (one.entry.as_str(), one.reason, one.note.as_str())).collect();
    assert_eq!(
        kept,
        [
            ("ada@prospect.test", SuppressionReason::Unsubscribed, "asked; twice"),
            ("bea@prospect.test", SuppressionReason::Manual, "Imported"),
            ("looms.test", SuppressionReason::Manual, "=SUM(1)"),
        ]
    );
    let long = "one.test\n".repeat(200_001);
    assert_eq!(codes(world.engine.import_suppressions(&world.actor, long.as_bytes()).await), ["too_many_lines"]);
}

#[tokio::test]
async fn one_click_unsubscribe_ends_everything_once_and_may_be_repeated() {
    let mut world = monday().await;
    let first = world.enroll("ada@prospect.test").await;
    let steps = vec![email_step(&world, 9, "Other", "<p>x</p>")];
    let other = world.sequence(plan(steps)).await;
    let person = stored(&world, first).await.enrollment.person_id;
    let second = enroll(&world, other, person).await;
    let token = world.engine.keys.unsubscribe_token(first);
    assert!(!world.engine.unsubscribe_page(&token).await.expect("known").already);
    assert!(stored(&world, second).await.enrollment.state.is_ongoing(), "looking changes nothing");
    let answer = world.engine.unsubscribe(&token).await.expect("done");
    assert_eq!((answer.address.as_str(), answer.already), ("ada@prospect.test", false));
    for id in [first, second] {
        let state = stored(&world, id).await.enrollment.state;
        assert!(matches!(state, State::Finished { reason: FinishReason::Unsubscribed, .. }), "{state:?}");
    }
    assert!(world.engine.unsubscribe(&token).await.expect("again").already);
    let unsubscribed =
        kinds(&world, person).await.into_iter().filter(|kind| *kind == ActivityKind::Unsubscribed).count();
    assert_eq!(unsubscribed, 1);
    let forged = format!("{}0", &token[..token.len() - 1]);
    let forged = if forged == token { format!("{}1", &token[..token.len() - 1]) } else { forged };
    assert!(matches!(world.engine.unsubscribe(&forged).await, Err(EngineError::NotFound(_))));
    assert_eq!(world.advance(20 * DAY).await, 0);
}
