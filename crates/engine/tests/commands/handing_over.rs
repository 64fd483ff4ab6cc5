use super::*;
use relance_domain::{
    MailboxId, UserId,
    enrollment::{PausedBy, State},
    mailbox::Provider,
    time::DAY,
};
use relance_engine::{
    commands::{bulk::BulkDone, hand_over::HandOver, mailboxes::NewMailbox, tasks::NewTask, templates::TemplateFields},
    jobs::run_next_job,
};

/// A rep with a sandbox mailbox of their own.
async fn rep_with_mailbox(world: &World, email: &str) -> (UserId, MailboxId) {
    let rep = user(world, email, Role::Rep).await;
    let id = rep.user_id().expect("a user");
    let new = NewMailbox {
        user_id: Some(id),
        address: email.to_owned(),
        from_name: "Ida".to_owned(),
        provider: Provider::Sandbox,
        smtp: None,
        imap: None,
        aliases: Vec::new(),
        signature_html: String::new(),
        time_zone: "Europe/Paris".to_owned(),
        daily_quota: None,
        min_gap_seconds: Some(0),
        jitter_percent: None,
        ramp_up: None,
        watched_folders: Vec::new(),
        away: Vec::new(),
        check: false,
    };
    (id, world.engine.connect_mailbox(&rep, new).await.expect("connected").id)
}

fn all_to(to: UserId) -> HandOver {
    HandOver { to, work: true, people: true }
}

async fn owner(world: &World, id: PersonId) -> Option<UserId> {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::people::find(&mut tx, id).await.expect("readable").expect("a person").fields.owner_id
}

#[tokio::test]
async fn what_a_deactivated_rep_left_goes_on_from_the_others_mailbox_in_the_same_thread() {
    let mut world = monday().await;
    let boss = user(&world, "boss@world.test", Role::Admin).await;
    let (ida, mailbox) = rep_with_mailbox(&world, "ida@world.test").await;
    let id = world.enroll("ada@prospect.test").await;
    let person = stored(&world, id).await.enrollment.person_id;
    let rep = world.actor.user_id().expect("a user");
    world.engine.edit_person(&world.actor, person, |fields| fields.owner_id = Some(rep)).await.expect("owned");
    let task = NewTask {
        person_id: Some(person),
        owner_id: None,
        kind: TaskKind::Call,
        content: "Call".to_owned(),
        due_at: None,
    };
    let task = world.engine.create_task(&world.actor, task).await.expect("a task");
    world.engine.deactivate_user(&boss, rep).await.expect("deactivated");
    let held = world.engine.work_of(&boss, rep).await.expect("counted");
    assert_eq!((held.running, held.paused, held.tasks, held.people), (0, 1, 1, 1));
    world.engine.clock.advance(10 * DAY);

    let (_, done) = world.engine.hand_over(&boss, rep, all_to(ida)).await.expect("handed over");
    assert!(matches!(done, BulkDone::Rows(rows) if rows.len() == 3));
    let after = stored(&world, id).await.enrollment;
    assert_eq!((after.actor_id, after.mailbox_id), (ida, Some(mailbox)));
    assert!(matches!(after.state, State::Active { .. }), "what the deactivation held goes on: {:?}", after.state);
    assert_eq!(owner(&world, person).await, Some(ida));
    let mut tx = world.engine.store.read().await.expect("a view");
    assert_eq!(storage::tasks::find(&mut tx, task.id).await.expect("readable").expect("a task").owner_id, ida);
    drop(tx);

    world.run_due().await;
    let sent = deliveries(&world, id).await;
    assert_eq!(sent.iter().map(|email| email.mailbox_id).collect::<Vec<_>>(), [world.mailbox, mailbox]);
    assert_eq!(sent[1].in_reply_to.as_deref(), Some(sent[0].message_id.as_str()));
    assert_eq!(sent[1].subject, "Re: Hello");
    let told = history(&world, person).await;
    let given: Vec<_> = told.iter().filter(|event| event.kind == ActivityKind::HandedOver).collect();
    assert_eq!(given.len(), 2, "the sequence and the task");
    assert!(
        given.iter().all(|event| event.summary == "Handed over from Rep to ida" && event.actor_id == boss.user_id())
    );
    assert_eq!(codes(world.engine.hand_over(&boss, rep, all_to(ida)).await), ["nothing_to_do"]);
}

#[tokio::test]
async fn private_templates_of_who_leaves_are_not_lost() {
    let world = monday().await;
    let leaver = user(&world, "lea@world.test", Role::Rep).await;
    let (ida, _) = rep_with_mailbox(&world, "ida@world.test").await;
    let fields = TemplateFields { name: "Mine".to_owned(), subject: "Hello".to_owned(), ..TemplateFields::default() };
    let template = world.engine.create_template(&leaver, fields).await.expect("a template").id;
    let from = leaver.user_id().expect("a user");
    world.engine.deactivate_user(&world.actor, from).await.expect("deactivated");
    assert_eq!(world.engine.work_of(&world.actor, from).await.expect("counted").templates, 1);
    let people_only = HandOver { work: false, ..all_to(ida) };
    assert_eq!(codes(world.engine.hand_over(&world.actor, from, people_only).await), ["nothing_to_do"]);
    world.engine.hand_over(&world.actor, from, all_to(ida)).await.expect("handed over");
    let mut tx = world.engine.store.read().await.expect("a view");
    let after = storage::templates::find(&mut tx, template).await.expect("readable").expect("a template");
    assert_eq!((after.owner_id, after.shared), (Some(ida), false));
    drop(tx);
    assert_eq!(codes(world.engine.hand_over(&world.actor, from, all_to(ida)).await), ["nothing_to_do"]);
}

#[tokio::test]
async fn an_answer_to_the_former_mailbox_still_ends_what_was_handed_over() {
    let mut world = monday().await;
    let boss = user(&world, "boss@world.test", Role::Admin).await;
    let (ida, _) = rep_with_mailbox(&world, "ida@world.test").await;
    let id = world.enroll("ada@prospect.test").await;
    world.run_due().await;
    let rep = world.actor.user_id().expect("a user");
    world.engine.deactivate_user(&boss, rep).await.expect("deactivated");
    world.engine.hand_over(&boss, rep, all_to(ida)).await.expect("handed over");
    world.reply_from(id).await;
    assert!(!stored(&world, id).await.enrollment.state.is_ongoing());
    assert_eq!(world.advance(10 * DAY).await, 0);
}

#[tokio::test]
async fn a_pause_of_a_person_stays_when_the_work_is_handed_over_and_people_can_stay_too() {
    let mut world = monday().await;
    let (ida, _) = rep_with_mailbox(&world, "ida@world.test").await;
    let id = world.enroll("ada@prospect.test").await;
    let person = stored(&world, id).await.enrollment.person_id;
    let rep = world.actor.user_id().expect("a user");
    world.engine.edit_person(&world.actor, person, |fields| fields.owner_id = Some(rep)).await.expect("owned");
    world.engine.pause(&world.actor, id, None).await.expect("paused");
    let work = HandOver { people: false, ..all_to(ida) };
    world.engine.hand_over(&world.actor, rep, work).await.expect("handed over");
    let state = stored(&world, id).await.enrollment.state;
    assert!(matches!(state, State::Paused { by: PausedBy::Person, .. }), "{state:?}");
    assert_eq!(owner(&world, person).await, Some(rep));
    world.engine.hand_over(&world.actor, rep, HandOver { work: false, ..all_to(ida) }).await.expect("people too");
    assert_eq!(owner(&world, person).await, Some(ida));
}

#[tokio::test]
async fn nobody_takes_over_who_could_not_go_on_with_it() {
    let mut world = monday().await;
    let rep = world.actor.user_id().expect("a user");
    let without = user(&world, "walter@world.test", Role::Rep).await;
    let walter = without.user_id().expect("a user");
    world.enroll("ada@prospect.test").await;
    let asked = |to| world.engine.hand_over(&world.actor, rep, all_to(to));
    assert_eq!(codes(asked(rep).await), ["same_user"]);
    assert_eq!(codes(asked(walter).await), ["no_mailbox"]);
    let nothing = HandOver { to: walter, work: false, people: false };
    assert_eq!(codes(world.engine.hand_over(&world.actor, rep, nothing).await), ["required"]);
    world.engine.deactivate_user(&world.actor, walter).await.expect("deactivated");
    assert_eq!(codes(asked(walter).await), ["deactivated"]);
    let manager = user(&world, "mia@world.test", Role::Manager).await;
    let refused = world.engine.hand_over(&manager, rep, all_to(walter)).await;
    assert!(matches!(refused, Err(EngineError::Forbidden(_))));
    let task = NewTask {
        person_id: None,
        owner_id: Some(walter),
        kind: TaskKind::Call,
        content: "Call".to_owned(),
        due_at: None,
    };
    assert_eq!(codes(world.engine.create_task(&world.actor, task).await), ["deactivated"]);
}

#[tokio::test]
async fn much_work_is_held_and_handed_over_chunk_by_chunk_and_after_a_restart() {
    let mut world = monday().await;
    let boss = user(&world, "boss@world.test", Role::Admin).await;
    let (ida, _) = rep_with_mailbox(&world, "ida@world.test").await;
    let sequence = world.sequence(plan(vec![task_step(&world, 0, TaskMode::Wait)])).await;
    let mut people = Vec::new();
    for number in 0..1_100 {
        people.push(world.person(&format!("p{number}@prospect.test")).await);
    }
    for chunk in people.chunks(1_000) {
        let request = EnrollRequest::new(sequence, chunk.to_vec());
        world.engine.enroll_many(&world.actor, &request, Default::default()).await.expect("enrolled");
    }
    let rep = world.actor.user_id().expect("a user");
    let done = world.engine.deactivate_user(&boss, rep).await.expect("deactivated");
    assert!(done.job.is_some() && done.ended.enrollments == 1_100);
    assert!(run_next_job(&world.engine).await.expect("a chunk"));
    let held = world.engine.work_of(&boss, rep).await.expect("counted");
    assert_eq!((held.running, held.paused), (600, 500), "a chunk is whole");
    world.restart().await;
    while run_next_job(&world.engine).await.expect("a chunk") {}
    assert_eq!(world.engine.work_of(&boss, rep).await.expect("counted").paused, 1_100);
    let (_, done) = world.engine.hand_over(&boss, rep, all_to(ida)).await.expect("begun");
    assert!(matches!(done, BulkDone::Job(_)));
    while run_next_job(&world.engine).await.expect("a chunk") {}
    let left = world.engine.work_of(&boss, rep).await.expect("counted");
    assert_eq!((left.running, left.paused), (0, 0));
    assert_eq!(world.engine.work_of(&boss, ida).await.expect("counted").running, 1_100);
}

#[tokio::test]
async fn reactivated_before_the_hold_is_through_nothing_more_is_held() {
    let mut world = monday().await;
    let boss = user(&world, "boss@world.test", Role::Admin).await;
    let id = world.enroll("ada@prospect.test").await;
    let rep = world.actor.user_id().expect("a user");
    world.engine.deactivate_user(&boss, rep).await.expect("deactivated");
    assert_eq!(world.engine.reactivate_user(&boss, rep).await.expect("back").deactivated_at, None);
    assert!(matches!(stored(&world, id).await.enrollment.state, State::Active { .. }));
    assert_eq!(codes(world.engine.reactivate_user(&boss, rep).await), ["active"]);
}
