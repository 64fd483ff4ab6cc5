use super::*;
use relance_domain::{
    enrollment::{PausedBy, State},
    time::DAY,
    user::Scope,
};
use relance_engine::commands::{users::UserChange, workspace::SetUp};
use secrecy::ExposeSecret;

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn the_first_run_happens_once() {
    let world = monday().await;
    assert!(!world.engine.needs_set_up().await.expect("read"));
    let again = SetUp {
        workspace_name: "Other".to_owned(),
        time_zone: "Europe/Paris".to_owned(),
        email: "eve@world.test".to_owned(),
        name: "Eve".to_owned(),
        password: secret("correct horse battery"),
    };
    assert_eq!(codes(world.engine.set_up(again.clone()).await), ["already_set_up"]);
    let wrong = SetUp { time_zone: "Mars".to_owned(), password: secret("short"), email: "x".to_owned(), ..again };
    assert_eq!(fields_of(world.engine.set_up(wrong).await), ["time_zone", "email", "time_zone", "password"]);
}

#[tokio::test]
async fn only_admins_add_users_and_the_last_admin_stays() {
    let world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let new = NewUser {
        email: "x@world.test".to_owned(),
        name: "X".to_owned(),
        role: Role::Admin,
        time_zone: String::new(),
        team_id: None,
        password: None,
    };
    assert!(matches!(world.engine.add_user(&rep, new.clone()).await, Err(EngineError::Forbidden(_))));
    let taken = NewUser { email: "RITA@world.test".to_owned(), ..new };
    assert_eq!(codes(world.engine.add_user(&world.actor, taken).await), ["email_taken"]);
    let id = world.actor.user_id().expect("a user");
    let demote = UserChange { role: Some(Role::Rep), ..UserChange::default() };
    assert_eq!(codes(world.engine.edit_user(&world.actor, id, demote.clone()).await), ["last_admin"]);
    assert_eq!(codes(world.engine.deactivate_user(&world.actor, id).await), ["last_admin"]);
    let own = UserChange { phone: Some("+33 1".to_owned()), ..UserChange::default() };
    let rita = rep.user_id().expect("a user");
    assert_eq!(world.engine.edit_user(&rep, rita, own).await.expect("one's own profile").phone, "+33 1");
    assert!(matches!(world.engine.edit_user(&rep, rita, demote).await, Err(EngineError::Forbidden(_))));
}

#[tokio::test]
async fn a_deactivated_users_enrollments_hold_and_go_on_when_they_return() {
    let mut world = monday().await;
    let boss = user(&world, "boss@world.test", Role::Admin).await;
    let id = world.enroll("ada@prospect.test").await;
    let rep = world.actor.user_id().expect("a user");
    let ended = world.engine.deactivate_user(&boss, rep).await.expect("deactivated");
    assert_eq!(ended.enrollments, 1);
    assert!(matches!(stored(&world, id).await.enrollment.state, State::Paused { by: PausedBy::Deactivated, .. }));
    assert_eq!(world.advance(10 * DAY).await, 0);
    assert_eq!(
        codes(world.engine.sign_in("rep@world.test", &secret("correct horse battery"), "::1", "").await),
        ["wrong_credentials"]
    );
    world.engine.reactivate_user(&boss, rep).await.expect("back");
    world.run_due().await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);
    world.check().await;
}

#[tokio::test]
async fn a_session_begins_with_the_password_and_ends_with_sign_out() {
    let world = monday().await;
    let right = secret("correct horse battery");
    let signed_in = world.engine.sign_in("REP@world.test", &right, "::1", "a browser").await.expect("signed in");
    let token = signed_in.token.expose_secret().to_owned();
    assert_eq!(world.engine.session_user(&token).await.expect("read").map(|user| user.id), world.actor.user_id());
    world.engine.sign_out(&token).await.expect("signed out");
    assert_eq!(world.engine.session_user(&token).await.expect("read"), None);
    let first = world.engine.sign_in("rep@world.test", &right, "::1", "").await.expect("signed in");
    let id = world.actor.user_id().expect("a user");
    let wrong =
        world.engine.change_password(&world.actor, &secret("not the password"), &secret("another password")).await;
    assert_eq!(codes(wrong), ["wrong_password"]);
    world.engine.change_password(&world.actor, &right, &secret("another password")).await.expect("changed");
    assert_eq!(
        world.engine.session_user(first.token.expose_secret()).await.expect("read"),
        None,
        "every session ended"
    );
    assert_eq!(codes(world.engine.sign_in("rep@world.test", &right, "::1", "").await), ["wrong_credentials"]);
    world.engine.set_password(&Actor::System, id, &secret("set by an admin")).await.expect("set");
    world.engine.sign_in("rep@world.test", &secret("set by an admin"), "::1", "").await.expect("signed in");
    assert_eq!(codes(world.engine.set_password(&Actor::System, id, &secret("short")).await), ["too_short"]);
}

#[tokio::test]
async fn five_failures_close_an_address_even_to_the_right_password_and_an_unknown_one_alike() {
    let world = monday().await;
    for email in ["rep@world.test", "nobody@world.test"] {
        for _ in 0..4 {
            assert_eq!(
                codes(world.engine.sign_in(email, &secret("wrong password"), "10.0.0.1", "").await),
                ["wrong_credentials"]
            );
        }
        assert_eq!(
            codes(world.engine.sign_in(email, &secret("wrong password"), "10.0.0.1", "").await),
            ["too_many_attempts"]
        );
    }
    let right = secret("correct horse battery");
    assert_eq!(codes(world.engine.sign_in("rep@world.test", &right, "10.0.0.2", "").await), ["too_many_attempts"]);
}

#[tokio::test]
async fn twenty_failures_close_a_client() {
    let world = monday().await;
    for n in 0..19 {
        let refused =
            world.engine.sign_in(&format!("u{n}@world.test"), &secret("wrong password"), "10.0.0.9", "").await;
        assert_eq!(codes(refused), ["wrong_credentials"]);
    }
    let refused = world.engine.sign_in("u20@world.test", &secret("wrong password"), "10.0.0.9", "").await;
    assert_eq!(codes(refused), ["too_many_attempts"]);
    let right = secret("correct horse battery");
    assert_eq!(codes(world.engine.sign_in("rep@world.test", &right, "10.0.0.9", "").await), ["too_many_attempts"]);
    world.engine.sign_in("rep@world.test", &right, "10.0.0.10", "").await.expect("another client may");
}

#[tokio::test]
async fn a_token_acts_for_its_user_until_it_is_taken_back() {
    let world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let id = rep.user_id().expect("a user");
    let token = world.engine.create_token(&rep, id, Scope::Write, "script").await.expect("made");
    let (user, scope) = world.engine.token_user(token.secret.expose_secret()).await.expect("read").expect("known");
    assert_eq!((user.id, scope), (id, Scope::Write));
    assert!(world.engine.token_user("rel_nonsense").await.expect("read").is_none());
    let boss = world.actor.user_id().expect("a user");
    assert!(matches!(world.engine.create_token(&rep, boss, Scope::Admin, "x").await, Err(EngineError::Forbidden(_))));
    world.engine.delete_token(&world.actor, token.id).await.expect("an admin may");
    assert!(world.engine.token_user(token.secret.expose_secret()).await.expect("read").is_none());
}

#[tokio::test]
async fn stop_all_sending_holds_everything_and_names_what_is_leaving() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[1, 3]).await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let id = world.enroll("ada@prospect.test").await;
    let now = world.engine.now();
    let leaving = world.enroll("grace@prospect.test").await;
    let email = put_delivery(&world, leaving, DeliveryState::Leaving { epoch: 9, at: now }).await;
    assert!(matches!(world.engine.pause_workspace(&rep).await, Err(EngineError::Forbidden(_))));
    let (workspace, ended) = world.engine.pause_workspace(&world.actor).await.expect("stopped");
    assert!(workspace.paused_at.is_some() && workspace.revision == 1);
    assert_eq!(ended.leaving.iter().map(|email| email.delivery_id).collect::<Vec<_>>(), [email]);
    world.engine.clock.advance(5 * DAY);
    world.run_due().await;
    assert!(world.sent_to("ada@prospect.test").await.is_empty());
    world.engine.resume_workspace(&world.actor).await.expect("goes on");
    world.run_due().await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    assert!(stored(&world, id).await.enrollment.state.is_ongoing());
}

#[tokio::test]
async fn settings_are_checked_and_pause_and_revision_are_not_settings() {
    let world = monday().await;
    let edited = world
        .engine
        .edit_workspace(&world.actor, |workspace| {
            workspace.name = " Looms ".to_owned();
            workspace.revision = 99;
        })
        .await
        .expect("edited");
    assert_eq!((edited.name.as_str(), edited.revision), ("Looms", 0));
    let wrong = world.engine.edit_workspace(&world.actor, |workspace| workspace.time_zone = "Mars".to_owned()).await;
    assert_eq!(fields_of(wrong), ["time_zone"]);
}
