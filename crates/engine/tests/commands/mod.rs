//! Every command, on a real database, with what it writes and what it refuses.

mod attaching;
mod bulk;
mod domains;
mod editing;
mod enrolling;
mod filling;
mod forecasting;
mod handing_over;
mod history;
mod importing;
mod key_change;
mod mailboxes;
mod on_postgres;
mod pace;
mod people;
mod previews;
mod publishing;
mod resolving;
mod reviewing;
mod sequences;
mod speed;
mod stopping;
mod suppressing;
mod tags;
mod task_emails;
mod tasks;
mod templates;
mod users;

pub use mailboxes::real_mailbox;
use relance_domain::{
    DeliveryId, EnrollmentId, PersonId, SequenceId, StepId,
    activity::{Activity, ActivityKind},
    delivery::{Delivery, DeliveryState},
    person::{Fields, Kind, Person},
    sequence::Plan,
    step::{Action, EmailText, Step, TaskKind, TaskMode, TaskText, Wait, WaitUnit},
    user::{Actor, Role},
};
use relance_engine::{
    EngineError, Result,
    commands::{preflight::EnrollRequest, users::NewUser},
};
use relance_storage::{self as storage, enrollments::StoredEnrollment};
use relance_testkit::World;
use secrecy::SecretString;

/// A Monday morning with a sequence of two emails, the second in the same thread three days later.
pub async fn monday() -> World {
    World::at("2026-11-23T09:00[Europe/Paris]", &[0, 3]).await
}

/// The codes of a refusal; any other error or success fails the test.
pub fn codes<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    match result {
        Err(EngineError::Refused(refused)) => refused.into_iter().map(|refused| refused.code).collect(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The fields a refusal names.
pub fn fields_of<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    match result {
        Err(EngineError::Refused(refused)) => refused.into_iter().filter_map(|refused| refused.field).collect(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Another user.
pub async fn user(world: &World, email: &str, role: Role) -> Actor {
    let new = NewUser {
        email: email.to_owned(),
        name: email.split('@').next().unwrap_or_default().to_owned(),
        role,
        time_zone: String::new(),
        team_id: None,
        password: Some(SecretString::from("a long enough password")),
    };
    let user = world.engine.add_user(&world.actor, new).await.expect("the user is added");
    Actor::User { id: user.id, role }
}

/// A lead with these names.
pub fn named(first: &str, last: &str, email: &str) -> Fields {
    Fields { first_name: first.to_owned(), last_name: last.to_owned(), email: email.to_owned(), ..Fields::default() }
}

pub async fn lead(world: &World, fields: Fields) -> Person {
    world.engine.create_person(&world.actor, Kind::Lead, fields).await.expect("the lead is created")
}

pub async fn stored(world: &World, id: EnrollmentId) -> StoredEnrollment {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::enrollments::find(&mut tx, id).await.expect("readable").expect("an enrollment")
}

/// The history of a person, oldest first.
pub async fn history(world: &World, person: PersonId) -> Vec<Activity> {
    let mut tx = world.engine.store.read().await.expect("a view");
    let mut found = storage::activities::list_of_person(&mut tx, person, &[], None, 500).await.expect("readable");
    found.reverse();
    found
}

pub async fn kinds(world: &World, person: PersonId) -> Vec<ActivityKind> {
    history(world, person).await.into_iter().map(|event| event.kind).collect()
}

pub async fn deliveries(world: &World, id: EnrollmentId) -> Vec<Delivery> {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::deliveries::of_enrollment(&mut tx, id).await.expect("readable")
}

/// Puts an email of the current step into this state, as a sender that works at this moment would.
pub async fn put_delivery(world: &World, id: EnrollmentId, state: DeliveryState) -> DeliveryId {
    let stored = stored(world, id).await;
    let step = stored.enrollment.state.step().expect("a current step");
    let delivery = Delivery {
        id: world.engine.new_delivery_id(),
        enrollment_id: id,
        person_id: stored.enrollment.person_id,
        step_id: step,
        generation: 1,
        mailbox_id: world.mailbox,
        state,
        message_id: format!("{}@world.test", world.engine.new_delivery_id()),
        recipient: "ada@prospect.test".to_owned(),
        subject: "Hello".to_owned(),
        html: "<p>Hello</p>".to_owned(),
        text: "Hello".to_owned(),
        attachments: Vec::new(),
        in_reply_to: None,
        references: Vec::new(),
        smtp_reply: Some("550 no such user".to_owned()),
        attempts: 1,
        created_at: world.engine.now(),
    };
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    storage::deliveries::insert(&mut tx, &delivery).await.expect("stored");
    tx.commit().await.expect("committed");
    delivery.id
}

/// Blocks an enrollment as the engine would.
pub async fn block(world: &World, id: EnrollmentId, reason: relance_domain::enrollment::BlockReason) {
    let stored = stored(world, id).await;
    let event = relance_domain::enrollment::Event::Blocked { reason, resumes_at: None };
    let state = stored.enrollment.state.clone().after(event, world.engine.now()).expect("it can be blocked");
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    let change = storage::enrollments::Change::of(&stored, &state);
    assert!(storage::enrollments::save(&mut tx, change, world.engine.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
}

/// An email step with this subject and text.
pub fn email_step(world: &World, days: u32, subject: &str, html: &str) -> Step {
    let email = EmailText { subject: subject.to_owned(), body_html: html.to_owned(), ..EmailText::default() };
    Step {
        id: world.engine.new_step_id(),
        wait: Wait { amount: days, unit: WaitUnit::Days },
        action: Action::AutomatedEmail { email },
    }
}

/// A task step of this mode.
pub fn task_step(world: &World, days: u32, mode: TaskMode) -> Step {
    let task = TaskText {
        kind: TaskKind::Call,
        content: "Call {{ person.last_name }}".to_owned(),
        due_in_days: 1,
        mode,
        overdue_days: 2,
    };
    Step {
        id: world.engine.new_step_id(),
        wait: Wait { amount: days, unit: WaitUnit::Days },
        action: Action::Task { task },
    }
}

/// A manual email step.
pub fn manual_step(world: &World) -> Step {
    let email =
        EmailText { subject: "By hand".to_owned(), body_html: "<p>By hand</p>".to_owned(), ..EmailText::default() };
    let task = TaskText {
        kind: TaskKind::Email,
        content: "Send it".to_owned(),
        due_in_days: 0,
        mode: TaskMode::Wait,
        overdue_days: 0,
    };
    Step { id: world.engine.new_step_id(), wait: Wait::IMMEDIATELY, action: Action::ManualEmail { email, task } }
}

/// A plan of these steps, sending at any time.
pub fn plan(steps: Vec<Step>) -> Plan {
    Plan { steps, schedule: None, ..Plan::default() }
}

pub async fn enroll(world: &World, sequence: SequenceId, person: PersonId) -> EnrollmentId {
    let request = EnrollRequest::new(sequence, vec![person]);
    world.engine.enroll(&world.actor, &request).await.expect("the person is enrolled").id
}

pub fn step_ids(plan: &Plan) -> Vec<StepId> {
    plan.steps.iter().map(|step| step.id).collect()
}

/// A custom field of this kind.
pub async fn custom_field(
    world: &World,
    label: &str,
    kind: relance_domain::custom_field::FieldKind,
    choices: &[&str],
) -> relance_domain::custom_field::CustomField {
    let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
    let new =
        relance_engine::commands::custom_fields::NewCustomField { label: label.to_owned(), kind, choices, key: None };
    world.engine.create_custom_field(&Actor::System, new).await.expect("the field is defined")
}
