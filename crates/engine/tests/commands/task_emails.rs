use super::*;
use relance_domain::{
    TaskId,
    enrollment::State,
    task::{self, Task, TaskState},
};
use relance_engine::commands::{
    edits::EmailWords,
    mailboxes::MailboxChange,
    task_emails::{EmailTask, TaskEmail},
    tasks::NewTask,
    templates::TemplateFields,
};

async fn email_task(world: &World, person: PersonId) -> TaskId {
    let new = NewTask {
        person_id: Some(person),
        owner_id: None,
        kind: TaskKind::Email,
        content: "Answer her question".to_owned(),
        due_at: None,
    };
    world.engine.create_task(&world.actor, new).await.expect("created").id
}

fn saying(subject: &str, html: &str) -> TaskEmail {
    let words = EmailWords { subject: subject.to_owned(), body_html: html.to_owned(), ..EmailWords::default() };
    TaskEmail { words, mailbox_id: None }
}

async fn find(world: &World, id: TaskId) -> Task {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::tasks::find(&mut tx, id).await.expect("readable").expect("a task")
}

async fn ada(world: &World) -> Person {
    lead(world, named("Ada", "Lovelace", "ada@prospect.test")).await
}

#[tokio::test]
async fn an_email_from_a_task_leaves_once_at_any_hour_and_stands_in_the_history() {
    // A Sunday evening, when no sequence sends.
    let mut world = World::at("2026-11-22T21:00[Europe/Paris]", &[]).await;
    let person = ada(&world).await.id;
    let id = email_task(&world, person).await;
    let email = saying("About {{ person.first_name }}", "<p>Dear {{ person.last_name }}</p><script>x()</script>");
    let shown = world.engine.preview_task_email(&world.actor, EmailTask::Open(id), &email).await.expect("a preview");
    assert_eq!((shown.subject.as_str(), shown.html.as_str()), ("About Ada", "<p>Dear Lovelace</p>"));
    let done = world.engine.send_task_email(&world.actor, EmailTask::Open(id), &email).await.expect("sent");
    assert_eq!(done.state, TaskState::Done);
    assert_eq!(
        codes(world.engine.send_task_email(&world.actor, EmailTask::Open(id), &email).await),
        ["closed"],
        "a second click"
    );
    assert_eq!(world.run_due().await, 1);
    let enrollment = done.enrollment_id.expect("it left as an enrollment");
    let sent = deliveries(&world, enrollment).await;
    assert_eq!((sent.len(), sent[0].subject.as_str()), (1, "About Ada"));
    assert!(!stored(&world, enrollment).await.enrollment.state.is_ongoing());
    let kinds = kinds(&world, person).await;
    assert!(
        kinds.ends_with(&[ActivityKind::TaskCreated, ActivityKind::TaskDone, ActivityKind::EmailSent]),
        "{kinds:?}"
    );
    assert_eq!(codes(world.engine.reopen_task(&world.actor, id).await), ["too_late"]);
    let again = email_task(&world, person).await;
    world.engine.send_task_email(&world.actor, EmailTask::Open(again), &email).await.expect("another one, later");
    assert_eq!(world.run_due().await, 1);
    world.check().await;
}

#[tokio::test]
async fn an_answer_before_it_leaves_ends_it_as_every_email() {
    let mut world = monday().await;
    let enrolled = world.enroll("ada@prospect.test").await;
    world.run_due().await;
    let person = stored(&world, enrolled).await.enrollment.person_id;
    let id = email_task(&world, person).await;
    let none = MailboxChange { daily_quota: Some(0), ..MailboxChange::default() };
    world.engine.edit_mailbox(&world.actor, world.mailbox, none).await.expect("no slot today");
    let done = world
        .engine
        .send_task_email(&world.actor, EmailTask::Open(id), &saying("Hello", "<p>Hi</p>"))
        .await
        .expect("sent");
    world.run_due().await;
    let enrollment = done.enrollment_id.expect("an enrollment");
    assert!(
        matches!(stored(&world, enrollment).await.enrollment.state, State::Blocked { .. }),
        "visible, with its reason"
    );
    let another = email_task(&world, person).await;
    assert_eq!(
        codes(world.engine.send_task_email(&world.actor, EmailTask::Open(another), &saying("B", "<p>B</p>")).await),
        ["already_active"]
    );
    world.reply_from(enrolled).await;
    assert!(!stored(&world, enrollment).await.enrollment.state.is_ongoing(), "an answer ends what has not left");
    world.check().await;
}

#[tokio::test]
async fn an_email_that_may_not_leave_is_refused_and_its_task_stays_open() {
    let world = monday().await;
    let person = ada(&world).await.id;
    let id = email_task(&world, person).await;
    let send = |email: TaskEmail| {
        let world = &world;
        async move { world.engine.send_task_email(&world.actor, EmailTask::Open(id), &email).await }
    };
    assert_eq!(codes(send(saying("{{ person.industry }}", "<p>Hi</p>")).await), ["missing_merge_data"]);
    assert_eq!(fields_of(send(saying("", "<p>Hi</p>")).await), ["subject"]);
    assert_eq!(fields_of(send(saying("Hello", " ")).await), ["body"]);
    assert_eq!(codes(send(saying("{{ person.nam }}", "<p>Hi</p>")).await).len(), 1);
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let theirs = world.engine.send_task_email(&rep, EmailTask::Open(id), &saying("Hello", "<p>Hi</p>")).await;
    assert!(matches!(theirs, Err(EngineError::Forbidden(_) | EngineError::NotFound(_))), "{theirs:?}");
    world.engine.suppress(&world.actor, "prospect.test", "asked us not to").await.expect("listed");
    assert_eq!(codes(send(saying("Hello", "<p>Hi</p>")).await), ["suppressed"]);
    let nowhere = lead(&world, named("Bob", "Nowhere", "")).await.id;
    let to_nobody = email_task(&world, nowhere).await;
    let refused =
        world.engine.send_task_email(&world.actor, EmailTask::Open(to_nobody), &saying("Hello", "<p>Hi</p>")).await;
    assert_eq!(codes(refused), ["no_email"]);
    assert_eq!(find(&world, id).await.state, TaskState::Open);
}

#[tokio::test]
async fn an_email_to_a_person_leaves_as_that_of_a_task_and_once_however_often_it_is_sent() {
    let mut world = monday().await;
    let person = ada(&world).await.id;
    let at = EmailTask::New(world.engine.new_task_id(), person);
    let begun = world.engine.begin_task_email(&world.actor, at, None).await.expect("begun");
    assert_eq!(begun.subject, "");
    let refused = world.engine.send_task_email(&world.actor, at, &saying("{{ person.industry }}", "<p>Hi</p>")).await;
    assert_eq!(codes(refused), ["missing_merge_data"]);
    let email = saying("About {{ person.first_name }}", "<p>Hi</p>");
    let done = world.engine.send_task_email(&world.actor, at, &email).await.expect("sent");
    assert_eq!((done.content.as_str(), done.state), ("Email: About Ada", TaskState::Done));
    assert_eq!(codes(world.engine.send_task_email(&world.actor, at, &email).await), ["closed"], "a second click");
    assert_eq!(world.run_due().await, 1);
    assert_eq!(codes(world.engine.send_task_email(&world.actor, at, &email).await), ["closed"], "a late one");
    assert!(kinds(&world, person).await.ends_with(&[ActivityKind::TaskDone, ActivityKind::EmailSent]));
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let at = EmailTask::New(world.engine.new_task_id(), person);
    let theirs = world.engine.send_task_email(&rep, at, &email).await;
    assert_eq!(codes(theirs), ["no_mailbox"], "from their own mailbox only");
    world.check().await;
}

#[tokio::test]
async fn it_is_taken_back_before_it_leaves_as_a_draft_that_can_be_edited_and_sent() {
    let mut world = monday().await;
    let person = ada(&world).await.id;
    let id = email_task(&world, person).await;
    let done = world
        .engine
        .send_task_email(&world.actor, EmailTask::Open(id), &saying("Hello", "<p>Hi</p>"))
        .await
        .expect("sent");
    world.engine.reopen_task(&world.actor, id).await.expect("taken back");
    assert_eq!(world.run_due().await, 0, "nothing leaves without its rep");
    let (enrollment, step) = (done.enrollment_id.expect("one"), done.step_id.expect("one"));
    let mut words = world.engine.email_to_edit(&world.actor, enrollment, step).await.expect("a draft").words;
    assert_eq!(words.subject, "Hello");
    words.subject = "Hello again".to_owned();
    world.engine.edit_email(&world.actor, enrollment, step, &words).await.expect("edited");
    world.engine.complete_task(&world.actor, id).await.expect("sent");
    assert_eq!(world.run_due().await, 1);
    assert_eq!(deliveries(&world, enrollment).await[0].subject, "Hello again");
    world.check().await;
}

#[tokio::test]
async fn it_begins_with_the_values_of_a_template_and_with_the_signature_else() {
    let world = monday().await;
    let person = ada(&world).await.id;
    let id = email_task(&world, person).await;
    let fields = TemplateFields {
        name: "Answer".to_owned(),
        subject: "Re {{ person.first_name }}".to_owned(),
        body_html: "<p>Hi {{ person.first_name }}, {{ person.industry }}</p>".to_owned(),
        shared: true,
        ..TemplateFields::default()
    };
    let template = world.engine.create_template(&world.actor, fields).await.expect("written").id;
    let words = world.engine.begin_task_email(&world.actor, EmailTask::Open(id), Some(template)).await.expect("begun");
    assert_eq!((words.subject.as_str(), words.body_html.as_str()), ("Re Ada", "<p>Hi Ada, {{ person.industry }}</p>"));
    let signed =
        MailboxChange { signature_html: Some("<p>Nora<script>x()</script></p>".to_owned()), ..Default::default() };
    let mailbox = world.engine.edit_mailbox(&world.actor, world.mailbox, signed).await.expect("signed");
    assert_eq!(mailbox.signature_html, "<p>Nora</p>", "cleaned as bodies are");
    let words = world.engine.begin_task_email(&world.actor, EmailTask::Open(id), None).await.expect("begun");
    assert!(words.body_html.contains("{{ sender.signature }}"));
}

#[tokio::test]
async fn a_task_of_a_sequence_that_asks_for_an_email_moves_its_sequence_on() {
    let mut world = monday().await;
    let mut step = task_step(&world, 0, TaskMode::Wait);
    if let Action::Task { task } = &mut step.action {
        task.kind = TaskKind::Email;
    }
    world.sequence(plan(vec![step, email_step(&world, 2, "Next", "<p>Next</p>")])).await;
    let enrolled = world.enroll("ada@prospect.test").await;
    let mut tx = world.engine.store.read().await.expect("a view");
    let task = storage::tasks::of_enrollments(&mut tx, &[enrolled]).await.expect("readable").pop().expect("a task");
    drop(tx);
    world
        .engine
        .send_task_email(&world.actor, EmailTask::Open(task.id), &saying("By hand", "<p>Hi</p>"))
        .await
        .expect("sent");
    assert_eq!(world.run_due().await, 1);
    assert_eq!(stored(&world, enrolled).await.step_action.as_deref(), Some("automated_email"));
    world.check().await;
}

#[tokio::test]
async fn the_sequence_of_emails_from_tasks_is_in_no_list_and_nobodys_to_change() {
    let world = monday().await;
    let person = ada(&world).await.id;
    let id = email_task(&world, person).await;
    world.engine.send_task_email(&world.actor, EmailTask::Open(id), &saying("Hello", "<p>Hi</p>")).await.expect("sent");
    let request = EnrollRequest::new(task::EMAILS, vec![person]);
    assert!(matches!(world.engine.enroll(&world.actor, &request).await, Err(EngineError::NotFound("sequence"))));
    let edited = world.engine.edit_sequence(&world.actor, task::EMAILS, |_| {}).await;
    assert!(matches!(edited, Err(EngineError::NotFound("sequence"))), "{edited:?}");
    let archived = world.engine.archive_sequence(&world.actor, task::EMAILS, true).await;
    assert!(matches!(archived, Err(EngineError::NotFound("sequence"))), "{archived:?}");
    let paused = world.engine.pause_sequence(&world.actor, task::EMAILS).await;
    assert!(matches!(paused, Err(EngineError::NotFound("sequence"))), "{paused:?}");
    let mut tx = world.engine.store.read().await.expect("a view");
    let filter = storage::sequences::SequenceFilter::default();
    let listed = storage::sequences::page(&mut tx, filter, None, 50).await.expect("listed");
    assert!(listed.iter().all(|(sequence, _)| sequence.id != task::EMAILS));
    let row = storage::people_lists::find_row(&mut tx, person).await.expect("readable").expect("a row");
    assert!(row.ongoing.is_empty(), "an email from a task is no sequence");
    assert!(row.next_email.at().is_some(), "it is the next email all the same");
}
