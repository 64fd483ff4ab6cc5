use super::*;
use relance_domain::{
    enrollment::{PausedBy, State},
    time::DAY,
    user::Scope,
};
use relance_engine::commands::{sign_in::SignIn, users::UserChange, workspace::SetUp};
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
    let done = world.engine.deactivate_user(&boss, rep).await.expect("deactivated");
    assert_eq!((done.ended.enrollments, done.job), (1, None));
    assert_eq!(codes(world.engine.deactivate_user(&boss, rep).await), ["deactivated"]);
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
    let signed_in = world
        .engine
        .sign_in("REP@world.test", &right, "::1", "a browser")
        .await
        .expect("signed in")
        .done()
        .expect("no code");
    let token = signed_in.token.expose_secret().to_owned();
    assert_eq!(world.engine.session_user(&token).await.expect("read").map(|user| user.id), world.actor.user_id());
    world.engine.sign_out(&token).await.expect("signed out");
    assert_eq!(world.engine.session_user(&token).await.expect("read"), None);
    let first =
        world.engine.sign_in("rep@world.test", &right, "::1", "").await.expect("signed in").done().expect("no code");
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
    world
        .engine
        .sign_in("rep@world.test", &secret("set by an admin"), "::1", "")
        .await
        .expect("signed in")
        .done()
        .expect("no code");
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

/// The words of the newest lines of the audit log, newest first.
async fn log(world: &World, limit: usize) -> Vec<String> {
    let mut tx = world.engine.store.read().await.expect("read");
    let found = relance_storage::audit::page(&mut tx, &Default::default(), None, limit).await.expect("the log");
    found.into_iter().map(|entry| format!("{} {}: {}", entry.act.as_str(), entry.object, entry.detail)).collect()
}

#[tokio::test]
async fn an_invited_user_chooses_a_password_once() {
    let world = monday().await;
    let new = NewUser {
        email: "ida@world.test".to_owned(),
        name: "Ida".to_owned(),
        role: Role::Rep,
        time_zone: String::new(),
        team_id: None,
        password: None,
    };
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let ida = world.engine.add_user(&world.actor, new).await.expect("a user");
    assert!(matches!(world.engine.make_password_link(&rep, ida.id).await, Err(EngineError::Forbidden(_))));
    let first = world.engine.make_password_link(&world.actor, ida.id).await.expect("a link");
    let link = world.engine.make_password_link(&world.actor, ida.id).await.expect("a link");
    assert!(link.is_invitation && link.expires_at.since(world.engine.clock.system_now()) <= 7 * DAY);
    assert_eq!(world.engine.password_link(first.token.expose_secret()).await.expect("read"), None, "replaced");
    let token = link.token.expose_secret();
    assert_eq!(codes(world.engine.use_password_link(token, &secret("short"), "").await), ["too_short"]);
    let password = secret("a long password");
    let signed_in = world.engine.use_password_link(token, &password, "").await.expect("set").expect("signed in");
    assert_eq!(signed_in.user.id, ida.id);
    let again = world.engine.use_password_link(token, &secret("another password"), "").await;
    assert!(matches!(again, Err(EngineError::NotFound(_))), "once");
    world.engine.sign_in("ida@world.test", &password, "::1", "").await.expect("signed in").done().expect("no code");

    let link = world.engine.make_password_link(&world.actor, ida.id).await.expect("a link");
    assert!(!link.is_invitation);
    world.engine.deactivate_user(&world.actor, ida.id).await.expect("deactivated");
    assert_eq!(world.engine.password_link(link.token.expose_secret()).await.expect("read"), None, "deactivated");
    assert_eq!(codes(world.engine.make_password_link(&world.actor, ida.id).await), ["deactivated"]);
    let told = log(&world, 20).await;
    for line in [
        "password_link_made Ida: Invitation.",
        "password_changed Ida: By a link.",
        "user_deactivated Ida: Enrollments that hold: 0.",
    ] {
        assert!(told.iter().any(|one| one == line), "{line}: {told:#?}");
    }
}

#[tokio::test]
async fn the_second_step_asks_for_a_code_that_works_once() {
    let world = monday().await;
    let right = secret("correct horse battery");
    let id = world.actor.user_id().expect("a user");
    let me = relance_storage::users::find(&mut world.engine.store.read().await.expect("read"), id).await;
    let me = me.expect("read").expect("a user");
    let new = world.engine.new_two_step_secret(&me, "World").expect("a secret");
    assert!(new.address.starts_with("otpauth://totp/") && new.address.contains(&new.secret), "{}", new.address);
    let app = SecretString::from(new.secret.clone());
    assert_eq!(fields_of(world.engine.turn_on_two_step(&world.actor, &app, "000").await), ["code"]);
    let code_at = |shift: i64| {
        let at = world.engine.clock.system_now().plus_ms(shift * 30_000);
        relance_engine::Engine::two_step_code(&new.secret, at).expect("a code")
    };
    let recovery = world.engine.turn_on_two_step(&world.actor, &app, &code_at(-1)).await.expect("on");
    assert_eq!(recovery.len(), 10);

    let signed_in = world.engine.sign_in("rep@world.test", &right, "::1", "").await.expect("right");
    let SignIn::CodeNeeded(proof) = signed_in else { panic!("a code is needed") };
    let proof = proof.expose_secret();
    let used = world.engine.sign_in_with_code(proof, &code_at(-1), "::1", "").await;
    assert_eq!(codes(used), ["wrong_code"], "it was used to turn it on");
    world.engine.sign_in_with_code(proof, &code_at(0), "::1", "").await.expect("signed in");
    assert_eq!(codes(world.engine.sign_in_with_code(proof, &code_at(0), "::1", "").await), ["wrong_code"], "once");
    let typed = recovery[3].to_uppercase();
    world.engine.sign_in_with_code(proof, &typed, "::1", "").await.expect("a recovery code");
    assert_eq!(codes(world.engine.sign_in_with_code(proof, &typed, "::1", "").await), ["wrong_code"], "once");
    assert_eq!(codes(world.engine.sign_in_with_code("forged", &code_at(1), "::1", "").await), ["too_late"]);
    let mut refused = Vec::new();
    while refused.last().is_none_or(|code| code == "wrong_code") && refused.len() < 20 {
        refused.extend(codes(world.engine.sign_in_with_code(proof, "123456", "::2", "").await));
    }
    assert_eq!(refused.pop().as_deref(), Some("too_many_attempts"), "{refused:?}");
    assert!((3..=5).contains(&refused.len()), "{refused:?}");
    assert_eq!(codes(world.engine.sign_in_with_code(proof, &code_at(1), "::3", "").await), ["too_many_attempts"]);

    let wrong = world.engine.turn_off_two_step(&world.actor, id, Some(&secret("not it at all"))).await;
    assert_eq!(fields_of(wrong), ["two_step_password"]);
    world.engine.turn_off_two_step(&world.actor, id, Some(&right)).await.expect("off");
    world.engine.sign_in("rep@world.test", &right, "::1", "").await.expect("signed in").done().expect("no code");
    let told = log(&world, 20).await;
    for begin in ["two_step_on", "recovery_code_used", "sign_in_blocked", "two_step_off", "signed_in"] {
        assert!(told.iter().any(|one| one.starts_with(begin)), "{begin}: {told:#?}");
    }
}

#[tokio::test]
async fn the_log_says_who_changed_what() {
    let world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let rita = rep.user_id().expect("a user");
    let change = UserChange { role: Some(Role::Manager), ..UserChange::default() };
    world.engine.edit_user(&world.actor, rita, change).await.expect("changed");
    world.engine.edit_workspace(&world.actor, |workspace| workspace.name = "Other".to_owned()).await.expect("saved");
    world.engine.edit_workspace(&world.actor, |_| {}).await.expect("saved");
    world.engine.pause_workspace(&world.actor).await.expect("stopped");
    let told = log(&world, 3).await;
    assert_eq!(told[0], "sending_stopped : ");
    assert!(told[1].starts_with("workspace_changed : Name: ") && told[1].ends_with(" → Other."), "{told:?}");
    assert!(told[2].starts_with("user_changed ") && told[2].ends_with("Role: rep → manager."), "{told:?}");
}

#[tokio::test]
async fn a_token_can_end_by_itself_and_a_browser_is_signed_out_alone() {
    let world = monday().await;
    let id = world.actor.user_id().expect("a user");
    let soon = world.engine.clock.system_now().plus_ms(-1);
    let past = world.engine.create_token_until(&world.actor, id, Scope::Read, "x", Some(soon)).await;
    assert_eq!(fields_of(past), ["expires_at"]);
    let day = world.engine.clock.system_now().plus_ms(DAY);
    let token = world.engine.create_token_until(&world.actor, id, Scope::Read, "x", Some(day)).await.expect("made");
    assert!(world.engine.token_user(token.secret.expose_secret()).await.expect("read").is_some());
    let ended = world.engine.clock.system_now().plus_ms(-DAY);
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    let sql = "UPDATE tokens SET expires_at = $1";
    tx.execute(sql, vec![ended.into()]).await.expect("moved");
    tx.commit().await.expect("committed");
    assert!(world.engine.token_user(token.secret.expose_secret()).await.expect("read").is_none(), "it has ended");

    let right = secret("correct horse battery");
    let sign_in = |agent: &'static str| world.engine.sign_in("rep@world.test", &right, "::1", agent);
    let first = sign_in("Firefox").await.expect("signed in").done().expect("no code").token;
    let second = sign_in("Chrome").await.expect("signed in").done().expect("no code").token;
    let found = world.engine.browsers(&world.actor, Some(second.expose_secret())).await.expect("listed");
    let other = found.iter().find(|browser| !browser.is_this).expect("the other").clone();
    assert_eq!((found.len(), other.user_agent.as_str()), (2, "Firefox"));
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    assert!(matches!(world.engine.end_session(&rep, &other.key).await, Err(EngineError::NotFound(_))), "not theirs");
    world.engine.end_session(&world.actor, &other.key).await.expect("ended");
    assert!(world.engine.session_user(first.expose_secret()).await.expect("read").is_none());
    assert!(world.engine.session_user(second.expose_secret()).await.expect("read").is_some());
    world.engine.sign_out(second.expose_secret()).await.expect("signed out");
    let told = log(&world, 20).await;
    for begin in ["session_ended Rep: Firefox", "signed_out : Chrome", "token_made x: It may: read. It ends on"] {
        assert!(told.iter().any(|one| one.starts_with(begin)), "{begin}: {told:#?}");
    }
}

#[tokio::test]
async fn the_audit_log_tells_of_failures_and_of_no_secret() {
    let world = monday().await;
    let wrong = secret("my cat is called Tom");
    world.engine.sign_in("rep@world.test", &wrong, "10.0.0.7", "").await.expect_err("wrong");
    let id = world.actor.user_id().expect("a user");
    world.engine.set_password(&world.actor, id, &secret("another horse battery")).await.expect("set");
    let token = world.engine.create_token(&world.actor, id, Scope::Admin, "script").await.expect("made");
    let link = world.engine.make_password_link(&world.actor, id).await.expect("a link");
    let told = log(&world, 50).await.join("\n");
    assert!(told.contains("sign_in_failed rep@world.test: Wrong address or password. From 10.0.0.7"), "{told}");
    for hidden in
        ["my cat is called Tom", "another horse battery", token.secret.expose_secret(), link.token.expose_secret()]
    {
        assert!(!told.contains(hidden), "{told}");
    }
}
