//! The four promises, on a whole installation with a clock that is moved: SQLite, and PostgreSQL where there is one.

use relance_domain::{
    enrollment::{BlockReason, FinishReason, PausedBy, State},
    person::Fields,
    schedule::Schedule,
    sequence::Plan,
    step::{Action, Step, TaskKind, TaskMode, TaskText, Wait, WaitUnit},
    time::{DAY, HOUR, MINUTE},
};
use relance_engine::commands::mailboxes::MailboxChange;
use relance_servers::fresh_postgres;
use relance_testkit::world::{self, Ground, World};

fn finished(state: &State) -> Option<&FinishReason> {
    match state {
        State::Finished { reason, .. } => Some(reason),
        _ => None,
    }
}

async fn a_reply_ends_the_sequence_on(ground: Ground) {
    let mut world = World::on(ground, "2026-03-02T09:00[Europe/Paris]", &[0, 3, 4]).await;
    let ada = world.enroll("ada@example.org").await;
    let bob = world.enroll("bob@example.org").await;
    world.advance(DAY).await;
    world.reply_from(ada).await;
    world.advance(10 * DAY).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0]);
    assert_eq!(world.sent_to("bob@example.org").await, [0, 1, 2]);
    assert_eq!(finished(&world.enrollment(ada).await.state), Some(&FinishReason::Replied));
    assert_eq!(finished(&world.enrollment(bob).await.state), Some(&FinishReason::Completed));
    world.check().await;
}

#[tokio::test]
async fn a_reply_ends_the_sequence_and_nobody_elses() {
    a_reply_ends_the_sequence_on(Ground::Sqlite).await;
}

#[tokio::test]
async fn a_reply_ends_the_sequence_on_postgresql_too() {
    let Some(database) = fresh_postgres().await else { return };
    a_reply_ends_the_sequence_on(Ground::Postgres(database)).await;
}

#[tokio::test]
async fn a_follow_up_answers_in_the_thread_of_the_first_email() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0, 1]).await;
    world.enroll("ada@example.org").await;
    world.advance(2 * DAY).await;
    let outbox = world.outbox().await;
    let [first, second] = outbox.as_slice() else { panic!("two emails, not {}", outbox.len()) };
    let header = |raw: &[u8], name: &str| {
        let text = String::from_utf8_lossy(raw).replace("\r\n ", " ").replace("\r\n\t", " ");
        text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned)).unwrap_or_default()
    };
    let id = header(first, "Message-ID");
    assert!(id.starts_with('<') && id.ends_with("@world.test>"), "{id}");
    assert_eq!(header(second, "In-Reply-To"), id);
    assert_eq!(header(second, "References"), id);
    assert_eq!(header(first, "Subject"), "Hello");
    assert_eq!(header(second, "Subject"), "Re: Hello");
    world.check().await;
}

#[tokio::test]
async fn an_out_of_office_note_pauses_until_the_return_and_is_no_answer() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0, 2]).await;
    let ada = world.enroll("ada@example.org").await;
    world.out_of_office(ada, Some(jiff::civil::date(2026, 3, 10))).await;
    let state = world.enrollment(ada).await.state;
    assert!(matches!(state, State::Paused { by: PausedBy::AutoReply, until: Some(_), .. }), "{state:?}");
    world.advance(5 * DAY).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0]);
    world.advance(5 * DAY).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0, 1]);
    world.check().await;
}

#[tokio::test]
async fn a_bounce_blocks_until_the_address_changes() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0, 2]).await;
    let ada = world.enroll("ada@example.org").await;
    world.bounce(ada).await;
    let state = world.enrollment(ada).await.state;
    assert!(matches!(&state, State::Blocked { reason: BlockReason::Bounced { .. }, .. }), "{state:?}");
    world.advance(5 * DAY).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0]);
    let person = world.enrollment(ada).await.person_id;
    let change = |fields: &mut Fields| fields.email = "ada@elsewhere.example".to_owned();
    world.engine.edit_person(&world.actor, person, change).await.expect("the address is changed");
    world.advance(DAY).await;
    assert_eq!(world.sent_to("ada@elsewhere.example").await, [1]);
    world.check().await;
}

#[tokio::test]
async fn a_missing_value_blocks_with_its_tag_and_its_arrival_releases() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[]).await;
    let mut step = world::email(&world.engine, 0, WaitUnit::Minutes, "About {{ person.industry }}");
    step.wait = Wait::IMMEDIATELY;
    world.sequence(Plan { steps: vec![step], schedule: None, ..Plan::default() }).await;
    let ada = world.enroll("ada@example.org").await;
    match world.enrollment(ada).await.state {
        State::Blocked { reason: BlockReason::MissingMergeData { tags }, .. } => assert_eq!(tags, ["person.industry"]),
        state => panic!("{state:?}"),
    }
    let person = world.enrollment(ada).await.person_id;
    let change = |fields: &mut Fields| fields.industry = "shipping".to_owned();
    world.engine.edit_person(&world.actor, person, change).await.expect("the value is set");
    world.advance(MINUTE).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0]);
    world.check().await;
}

#[tokio::test]
async fn a_stop_keeps_every_later_email_from_leaving() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0, 1, 1]).await;
    let ada = world.enroll("ada@example.org").await;
    let stopped = world.engine.stop(&world.actor, ada).await.expect("it is stopped");
    assert!(stopped.leaving.is_empty());
    world.advance(10 * DAY).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0]);
    world.check().await;
}

#[tokio::test]
async fn a_pause_of_all_sending_holds_and_resuming_lets_go() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0, 1]).await;
    world.enroll("ada@example.org").await;
    world.engine.pause_workspace(&world.actor).await.expect("all sending is stopped");
    world.advance(3 * DAY).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0]);
    world.engine.resume_workspace(&world.actor).await.expect("sending goes on");
    world.advance(MINUTE).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0, 1]);
    world.check().await;
}

#[tokio::test]
async fn nothing_leaves_outside_the_window() {
    let mut world = World::at("2026-03-06T18:30[Europe/Paris]", &[]).await;
    let step = world::email(&world.engine, 0, WaitUnit::Minutes, "Hello");
    world.sequence(Plan { steps: vec![step], schedule: Some(Schedule::default()), ..Plan::default() }).await;
    world.enroll("ada@example.org").await;
    world.advance(2 * DAY).await;
    assert!(world.sent_to("ada@example.org").await.is_empty(), "Friday evening to Sunday");
    world.advance(15 * HOUR).await;
    assert_eq!(world.sent_to("ada@example.org").await, [0], "Monday 09:00");
    world.check().await;
}

#[tokio::test]
async fn the_quota_holds_what_is_beyond_it_until_the_next_day() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0]).await;
    let change = MailboxChange { daily_quota: Some(3), ..MailboxChange::default() };
    world.engine.edit_mailbox(&world.actor, world.mailbox, change).await.expect("the quota is set");
    let mut all = Vec::new();
    for n in 0..8 {
        all.push(world.enroll(&format!("p{n}@example.org")).await);
    }
    world.advance(HOUR).await;
    assert_eq!(world.outbox().await.len(), 3);
    let mut held = 0;
    for id in &all {
        if let State::Blocked { reason: BlockReason::QuotaReached, resumes_at: Some(_), .. } =
            world.enrollment(*id).await.state
        {
            held += 1;
        }
    }
    assert_eq!(held, 5);
    world.advance(DAY).await;
    assert_eq!(world.outbox().await.len(), 6);
    world.advance(DAY).await;
    assert_eq!(world.outbox().await.len(), 8);
    world.check().await;
}

#[tokio::test]
async fn the_gap_keeps_two_emails_of_a_mailbox_apart() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0]).await;
    let change = MailboxChange { min_gap_seconds: Some(60), ..MailboxChange::default() };
    world.engine.edit_mailbox(&world.actor, world.mailbox, change).await.expect("the gap is set");
    for n in 0..3 {
        world.enroll(&format!("p{n}@example.org")).await;
    }
    assert_eq!(world.outbox().await.len(), 1);
    world.advance(95_000).await;
    assert_eq!(world.outbox().await.len(), 2);
    world.advance(95_000).await;
    assert_eq!(world.outbox().await.len(), 3);
    world.check().await;
}

#[tokio::test]
async fn the_wait_after_a_task_starts_when_it_is_done() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[]).await;
    let task = TaskText {
        kind: TaskKind::Call,
        content: "Call".to_owned(),
        due_in_days: 0,
        mode: TaskMode::Wait,
        overdue_days: 0,
    };
    let steps = vec![
        Step { id: world.engine.new_step_id(), wait: Wait::IMMEDIATELY, action: Action::Task { task } },
        world::email(&world.engine, 1, WaitUnit::Days, "Hello"),
    ];
    world.sequence(Plan { steps, schedule: None, ..Plan::default() }).await;
    let ada = world.enroll("ada@example.org").await;
    world.advance(5 * DAY).await;
    assert!(world.sent_to("ada@example.org").await.is_empty(), "the call was not made");
    let task = {
        let mut tx = world.engine.store.read().await.expect("a view");
        let tasks = relance_storage::tasks::of_enrollments(&mut tx, &[ada]).await.expect("tasks");
        tasks.first().expect("a task").id
    };
    world.engine.complete_task(&world.actor, task).await.expect("the task is done");
    world.advance(23 * HOUR).await;
    assert!(world.sent_to("ada@example.org").await.is_empty(), "a day has not passed since the call");
    world.advance(2 * HOUR).await;
    assert_eq!(world.sent_to("ada@example.org").await, [1]);
    world.check().await;
}

#[tokio::test]
async fn a_conversion_or_deletion_ends_the_sequences() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0, 1]).await;
    let ada = world.enroll("ada@example.org").await;
    let bob = world.enroll("bob@example.org").await;
    let (ada_person, bob_person) = (world.enrollment(ada).await.person_id, world.enrollment(bob).await.person_id);
    world.engine.convert_person(&world.actor, ada_person, None).await.expect("converted");
    world.engine.delete_people(&world.actor, &[bob_person]).await.expect("deleted");
    world.advance(3 * DAY).await;
    assert_eq!(finished(&world.enrollment(ada).await.state), Some(&FinishReason::Converted));
    assert_eq!(finished(&world.enrollment(bob).await.state), Some(&FinishReason::PersonDeleted));
    assert_eq!(world.outbox().await.len(), 2);
    world.check().await;
}

#[tokio::test]
async fn an_unsubscribe_link_ends_everything_and_suppresses_the_address() {
    let mut world = World::at("2026-03-02T09:00[Europe/Paris]", &[0, 1]).await;
    let ada = world.enroll("ada@example.org").await;
    let token = world.engine.keys.unsubscribe_token(ada);
    world.engine.unsubscribe(&token).await.expect("unsubscribed");
    world.advance(3 * DAY).await;
    assert_eq!(finished(&world.enrollment(ada).await.state), Some(&FinishReason::Unsubscribed));
    assert_eq!(world.sent_to("ada@example.org").await, [0]);
    world.check().await;
}
