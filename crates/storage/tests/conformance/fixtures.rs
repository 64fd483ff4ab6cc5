//! Rows that tests of other tables refer to, made by plain SQL so that they depend on no function under test.

use crate::harness::{at, id};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, UserId, VersionId,
    custom_field::{CustomField, FieldKind},
};
use relance_storage::{Tx, args};

/// A user, admin, number `n`.
pub async fn user(tx: &mut Tx, n: u128) -> UserId {
    let user: UserId = id(n);
    let email = format!("user{n}@team.example");
    tx.execute(
        "INSERT INTO users (id, email, email_key, name, role, time_zone, phone, password_hash, deactivated_at,
            created_at, updated_at) VALUES ($1, $2, $2, $3, 'admin', 'UTC', '', NULL, NULL, $4, $4)",
        args![user, email, format!("User {n}"), at(0)],
    )
    .await
    .expect("a user");
    user
}

/// A custom field number `n`.
pub async fn custom_field(tx: &mut Tx, n: u128, key: &str, kind: FieldKind, choices: &[&str]) -> CustomField {
    let field = CustomField {
        id: id(n),
        key: key.to_owned(),
        label: key.to_owned(),
        kind,
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
        position: u32::try_from(n).expect("small"),
        created_at: at(0),
        updated_at: at(0),
    };
    relance_storage::custom_fields::insert(tx, &field).await.expect("a custom field");
    field
}

/// A lead with the address `person{n}@prospect.example`, number `n`.
pub async fn person(tx: &mut Tx, n: u128) -> PersonId {
    let person: PersonId = id(n);
    let email = format!("person{n}@prospect.example");
    tx.execute(
        "INSERT INTO people (id, kind, first_name, last_name, organization_name, is_organization, company_id, title,
            email, email_key, other_emails, linkedin, x, facebook, phone, mobile, website, industry, address_line,
            address_city, address_postal_code, address_state, address_country, description, time_zone, owner_id,
            status, source, tags, custom_fields, name_key, organization_key, search_text, merged_into, deleted_at,
            created_at, updated_at)
        VALUES ($1, 'lead', 'Person', $2, '', $5, NULL, '', $3, $3, '[]', '', '', '', '', '', '', '', '', '', '', '',
            '', '', '', NULL, '', '', '[]', '{}', $2, '', $2, NULL, NULL, $4, $4)",
        args![person, format!("number {n}"), &email, at(0), false],
    )
    .await
    .expect("a person");
    tx.execute("INSERT INTO person_addresses (address_key, person_id) VALUES ($1, $2)", args![email, person])
        .await
        .expect("an address");
    person
}

/// An active sequence with one published version, both number `n`.
pub async fn sequence(tx: &mut Tx, n: u128) -> (SequenceId, VersionId) {
    let (sequence, version): (SequenceId, VersionId) = (id(n), id(n));
    tx.execute(
        "INSERT INTO sequences (id, name, name_key, description, state, draft, version_id, version, paused_at,
            revision, created_by, created_at, updated_at)
        VALUES ($1, $2, $3, '', 'active', '{}', $4, 1, NULL, 0, NULL, $5, $5)",
        args![sequence, format!("Sequence {n}"), format!("sequence {n}"), version, at(0)],
    )
    .await
    .expect("a sequence");
    tx.execute(
        "INSERT INTO sequence_versions (id, sequence_id, number, plan, published_by, published_at)
        VALUES ($1, $2, 1, '{}', NULL, $3)",
        args![version, sequence, at(0)],
    )
    .await
    .expect("a version");
    (sequence, version)
}

/// A sandbox mailbox of `user`, number `n`.
pub async fn mailbox(tx: &mut Tx, n: u128, user: UserId) -> MailboxId {
    let mailbox: MailboxId = id(n);
    let address = format!("box{n}@team.example");
    tx.execute(
        "INSERT INTO mailboxes (id, user_id, address, address_key, from_name, provider, aliases, signature_html,
            time_zone, daily_quota, min_gap_seconds, away, state, revision, created_at, updated_at)
        VALUES ($1, $2, $3, $3, 'Box', 'sandbox', '[]', '', 'UTC', 200, 60, '[]', 'connected', 0, $4, $4)",
        args![mailbox, user, address, at(0)],
    )
    .await
    .expect("a mailbox");
    mailbox
}

/// Where a made enrollment stands.
#[derive(Clone, Copy)]
pub enum Stands {
    /// Its next step is an email.
    Active,
    /// Its next step is a task.
    AtTask,
    /// Paused by a person.
    Paused,
    /// Blocked for a missing merge tag.
    Blocked,
    /// All steps are done.
    Finished,
}

/// An enrollment number `n` of `person` in sequence number `sequence` (see [`sequence`]) by `actor`, due at `due` seconds.
pub async fn enrollment(
    tx: &mut Tx,
    n: u128,
    person: PersonId,
    sequence: u128,
    actor: UserId,
    stands: Stands,
    due: i64,
) -> EnrollmentId {
    let enrollment: EnrollmentId = id(n);
    let finished = matches!(stands, Stands::Finished);
    let (state, action) = match stands {
        Stands::Active => ("active", Some("automated_email")),
        Stands::AtTask => ("active", Some("task")),
        Stands::Paused => ("paused", Some("automated_email")),
        Stands::Blocked => ("blocked", Some("automated_email")),
        Stands::Finished => ("finished", None),
    };
    let blocked = matches!(stands, Stands::Blocked);
    tx.execute(
        "INSERT INTO enrollments (id, person_id, sequence_id, version_id, mailbox_id, actor_id, state, step_id,
            step_action, position, due_at, wake_at, paused_until, paused_by, blocked_reason, blocked_detail, resumes_at,
            finished_reason, finished_at, finished_by, address_key, done_steps, steps_done, emails_sent, moved_by_hand,
            last_step_at, enrolled_at, revision, updated_at)
        VALUES ($1, $2, $3, $3, NULL, $4, $5, $6, $7, 1, $8, NULL, NULL, $9, $10, $11, NULL, $12, $13, NULL, NULL,
            '[]', 0, 0, $14, NULL, $15, 0, $15)",
        args![
            enrollment,
            person,
            id::<SequenceId>(sequence),
            actor,
            state,
            (!finished).then(|| id::<relance_domain::StepId>(n)),
            action,
            (!finished).then(|| at(due)),
            matches!(stands, Stands::Paused).then_some("person"),
            blocked.then_some("missing_merge_data"),
            blocked.then_some(r#"{"code":"missing_merge_data","tags":["person.industry"]}"#),
            finished.then_some("completed"),
            finished.then(|| at(due)),
            false,
            at(0)
        ],
    )
    .await
    .expect("an enrollment");
    enrollment
}
