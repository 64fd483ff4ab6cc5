//! Small people, plans and mailboxes for tests.

use jiff::{Zoned, civil::Date};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, StepId, TaskId, Timestamp, UserId, VersionId,
    enrollment::{Enrollment, State},
    mailbox::{Mailbox, MailboxState, Provider},
    person::{Fields, Kind, Person},
    schedule::{Day, MinuteOfDay, Schedule, ScheduleZone, Window, WindowFor},
    sequence::Plan,
    step::{Action, EmailText, Step, TaskKind, TaskMode, TaskText, Wait, WaitUnit},
    task::{Task, TaskState},
    workspace::Workspace,
};
use uuid::Uuid;

/// The instant of a local time such as `2026-11-24T09:00[Europe/Lisbon]`.
pub fn at(text: &str) -> Timestamp {
    let zoned: Zoned = text.parse().unwrap();
    Timestamp::from_zoned(&zoned)
}

/// The local time of an instant, to the minute.
pub fn local(at: Timestamp, zone: &str) -> String {
    at.zoned(&relance_domain::time::zone(zone).unwrap()).strftime("%a %Y-%m-%d %H:%M").to_string()
}

pub fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub fn step_id(n: u128) -> StepId {
    StepId::from_uuid(id(n))
}

pub const fn wait(amount: u32, unit: WaitUnit) -> Wait {
    Wait { amount, unit }
}

pub fn email(n: u128, wait: Wait) -> Step {
    let email = EmailText {
        subject: "Cold rooms at {{ person.company }}".into(),
        body_text: "Hello {{ person.first_name }}".into(),
        ..EmailText::default()
    };
    Step { id: step_id(n), wait, action: Action::AutomatedEmail { email } }
}

pub fn task(n: u128, wait: Wait, mode: TaskMode) -> Step {
    let task = TaskText { kind: TaskKind::Call, content: "Call".into(), due_in_days: 1, mode, overdue_days: 2 };
    Step { id: step_id(n), wait, action: Action::Task { task } }
}

pub fn plan(steps: Vec<Step>, schedule: Option<Schedule>) -> Plan {
    Plan { steps, schedule, ..Plan::default() }
}

pub fn window(from: &str, to: &str, only: WindowFor) -> Window {
    Window { from: MinuteOfDay::parse(from).unwrap(), to: MinuteOfDay::parse(to).unwrap(), only }
}

pub fn schedule(days: &[Day], windows: Vec<Window>) -> Schedule {
    Schedule { days: days.to_vec(), windows, time_zone: ScheduleZone::Person, holidays: Vec::new() }
}

pub fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn person() -> Person {
    let fields = Fields {
        first_name: "Rui".into(),
        last_name: "Almeida".into(),
        organization_name: "Porto Cold Storage".into(),
        email: "rui.almeida@portocold.example".into(),
        time_zone: "Europe/Lisbon".into(),
        ..Fields::default()
    };
    Person {
        id: PersonId::from_uuid(id(7)),
        kind: Kind::Lead,
        fields,
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
    }
}

pub fn workspace() -> Workspace {
    Workspace {
        name: "Halden Sensors".into(),
        time_zone: "Europe/Berlin".into(),
        schedule: Schedule::default(),
        holidays: Default::default(),
        postal_address: String::new(),
        people_visibility: relance_domain::user::Visibility::All,
        paused_at: None,
        revision: 1,
    }
}

/// A mailbox with this gap.
pub fn spaced(min_gap_seconds: u32) -> Mailbox {
    Mailbox { min_gap_seconds, ..mailbox() }
}

pub fn mailbox() -> Mailbox {
    Mailbox {
        id: MailboxId::from_uuid(id(8)),
        user_id: UserId::from_uuid(id(9)),
        address: "nora@halden.example".into(),
        from_name: "Nora Lindqvist".into(),
        provider: Provider::Sandbox,
        smtp: None,
        imap: None,
        aliases: Vec::new(),
        signature_html: String::new(),
        time_zone: "Europe/Berlin".into(),
        daily_quota: 200,
        ramp_up: None,
        watched_folders: Vec::new(),
        is_default: false,
        jitter_percent: 50,
        min_gap_seconds: 60,
        away: Vec::new(),
        state: MailboxState::Connected,
        revision: 1,
        proved_at: None,
        last_sent_at: None,
        created_at: Timestamp::from_ms(0),
    }
}

pub fn enrollment(state: State) -> Enrollment {
    Enrollment {
        id: EnrollmentId::from_uuid(id(1)),
        person_id: PersonId::from_uuid(id(7)),
        sequence_id: SequenceId::from_uuid(id(2)),
        version_id: VersionId::from_uuid(id(3)),
        mailbox_id: Some(MailboxId::from_uuid(id(8))),
        actor_id: UserId::from_uuid(id(9)),
        state,
        revision: 1,
        address_key: None,
        done_steps: Vec::new(),
        moved_by_hand: false,
        last_step_at: None,
        enrolled_at: Timestamp::from_ms(0),
    }
}

pub fn open_task(step: StepId, created_at: Timestamp, due_at: Timestamp) -> Task {
    Task {
        id: TaskId::from_uuid(id(5)),
        person_id: None,
        owner_id: UserId::from_uuid(id(9)),
        enrollment_id: None,
        step_id: Some(step),
        delivery_id: None,
        kind: TaskKind::Call,
        content: "Call".into(),
        due_at,
        state: TaskState::Open,
        closed_at: None,
        created_at,
    }
}
