//! Makes the demo's workspace by letting the real engine live through three weeks on a clock that is moved.

use super::{EMAIL, PASSWORD, house, people, sequences};
use relance_domain::{
    PersonId, SequenceId, Timestamp, UserId,
    delivery::DeliveryState,
    enrollment::State,
    mailbox::Provider,
    person::Kind,
    time::{DAY, HOUR, MINUTE},
    user::{Actor, Role},
};
use relance_engine::{
    Clock, Engine, Keys, Settings,
    commands::{
        enroll::OnMissing, mailboxes::NewMailbox, preflight::EnrollRequest, sandbox::SandboxAnswer,
        sequences::SequenceFields, workspace::SetUp,
    },
    ids::Ids,
    prospects::Prospects,
    stepper::Stepper,
};
use relance_storage::{self as storage, tasks::TaskFilter};
use secrecy::SecretString;

/// How much history there is.
const HISTORY_MS: i64 = 21 * DAY;
/// What the colleague of a prospect writes.
const COLLEAGUE_SAYS: &str =
    "I look after the cold rooms here and was given your message. What would a trial with two rooms cost?";

/// Makes everything, on the engine's own database.
pub async fn make(engine: &Engine) -> anyhow::Result<()> {
    let now = engine.clock.system_now();
    let past = at_the_past(engine, now.plus_ms(-HISTORY_MS))?;
    let admin = set_up(&past).await?;
    house::add_colleagues(&past, &admin).await?;
    house::add_field(&past, &admin).await?;
    house::add_templates(&past, &admin).await?;
    house::add_lists(&past, &admin).await?;
    let people = add_people(&past, &admin).await?;
    let sequences = add_sequences(&past, &admin).await?;
    let mut stepper = Stepper::start(past.clone()).await?;
    let mut prospects = Prospects::new(past.clone(), past.now());
    // From three weeks ago to the day before yesterday; five days always hold a working day, so that whenever the demo is
    // made somebody waits for a second email.
    let waves: [(i64, SequenceId, &[PersonId]); 5] = [
        (0, sequences[0], &people[0..9]),
        (3 * DAY, sequences[2], &people[30..36]),
        (11 * DAY, sequences[1], &people[9..16]),
        (16 * DAY, sequences[0], &people[16..24]),
        (19 * DAY, sequences[1], &people[24..28]),
    ];
    for (after, sequence, chosen) in waves {
        live_until(&past, &mut stepper, &mut prospects, now.plus_ms(after - HISTORY_MS)).await?;
        enroll(&past, &admin, sequence, chosen).await?;
    }
    live_until(&past, &mut stepper, &mut prospects, now.plus_ms(-HOUR)).await?;
    colleague_answers(&past, &admin, &people).await?;
    live_until(&past, &mut stepper, &mut prospects, now).await?;
    Ok(())
}

/// Someone else answers for the last of these who was written to and still is: it waits in the review tray.
async fn colleague_answers(engine: &Engine, admin: &Actor, people: &[PersonId]) -> anyhow::Result<()> {
    let asked = {
        let mut tx = engine.store.read().await?;
        let mut asked = None;
        for person in people {
            for stored in storage::enrollments::ongoing_of_person(&mut tx, *person, false).await? {
                if matches!(stored.enrollment.state, State::Active { .. }) {
                    let emails = storage::deliveries::of_enrollment(&mut tx, stored.enrollment.id).await?;
                    asked =
                        emails.into_iter().rfind(|email| matches!(email.state, DeliveryState::Sent { .. })).or(asked);
                }
            }
        }
        asked
    };
    let Some(email) = asked else { return Ok(()) };
    engine.sandbox_inbound(admin, email.mailbox_id, email.id, SandboxAnswer::Colleague, COLLEAGUE_SAYS).await?;
    Ok(())
}

/// An engine on the same database whose clock stands at `at`.
fn at_the_past(engine: &Engine, at: Timestamp) -> anyhow::Result<Engine> {
    let settings = Settings { demo: true, ..engine.settings.clone() };
    let keys = Keys::load_or_create(&engine.settings.data.join("secret.key"))?;
    Ok(Engine::new(engine.store.clone(), Clock::standing(at), Ids::random(), keys, engine.tls.clone(), settings))
}

async fn set_up(engine: &Engine) -> anyhow::Result<Actor> {
    let set_up = SetUp {
        workspace_name: "Halden Sensors".to_owned(),
        time_zone: "Europe/Paris".to_owned(),
        email: EMAIL.to_owned(),
        name: "Nora Lindqvist".to_owned(),
        password: SecretString::from(PASSWORD),
    };
    let user = engine.set_up(set_up).await?;
    let admin = Actor::User { id: user.id, role: Role::Admin };
    engine
        .edit_workspace(&admin, |workspace| {
            workspace.postal_address = "Halden Sensors, 12 rue des Docks, Lyon".to_owned();
        })
        .await?;
    let mailbox = NewMailbox {
        user_id: Some(user.id),
        address: EMAIL.to_owned(),
        from_name: "Nora Lindqvist".to_owned(),
        provider: Provider::Sandbox,
        smtp: None,
        imap: None,
        aliases: Vec::new(),
        signature_html: "<p>Nora Lindqvist<br>Halden Sensors</p>".to_owned(),
        time_zone: "Europe/Paris".to_owned(),
        daily_quota: None,
        min_gap_seconds: None,
        jitter_percent: None,
        ramp_up: None,
        watched_folders: Vec::new(),
        away: Vec::new(),
        check: false,
    };
    engine.connect_mailbox(&admin, mailbox).await?;
    Ok(admin)
}

async fn add_people(engine: &Engine, admin: &Actor) -> anyhow::Result<Vec<PersonId>> {
    let owner: Option<UserId> = admin.user_id();
    let mut ids = Vec::new();
    for (place, (kind, mut fields)) in people::all().into_iter().enumerate() {
        fields.owner_id = owner;
        house::count_cold_rooms(&mut fields, place);
        ids.push(engine.create_person(admin, kind, fields).await?.id);
    }
    debug_assert!(people::all().iter().any(|(kind, _)| *kind == Kind::Contact));
    Ok(ids)
}

async fn add_sequences(engine: &Engine, admin: &Actor) -> anyhow::Result<[SequenceId; 3]> {
    let depots = activate(engine, admin, sequences::winter_depots(engine)).await?;
    let fair = activate(engine, admin, sequences::trade_fair(engine)).await?;
    let renewal = activate(engine, admin, sequences::service_renewal(engine)).await?;
    Ok([depots, fair, renewal])
}

async fn activate(engine: &Engine, admin: &Actor, fields: SequenceFields) -> anyhow::Result<SequenceId> {
    let sequence = engine.create_sequence(admin, fields).await?;
    Ok(engine.activate_sequence(admin, sequence.id).await?.id)
}

async fn enroll(engine: &Engine, admin: &Actor, sequence_id: SequenceId, people: &[PersonId]) -> anyhow::Result<()> {
    let request = EnrollRequest {
        sequence_id,
        person_ids: people.to_vec(),
        mailbox_id: None,
        actor_id: None,
        start_at: None,
        start_step: None,
    };
    engine.enroll_many(admin, &request, OnMissing::Start).await?;
    Ok(())
}

/// Nora does her tasks on the day after they are due, but for those of the last two days.
async fn do_tasks(engine: &Engine, end: Timestamp) -> anyhow::Result<()> {
    let now = engine.now();
    if end.since(now) < 2 * DAY {
        return Ok(());
    }
    let filter = TaskFilter { open: Some(true), due_before: Some(now.plus_ms(-4 * HOUR)), ..TaskFilter::default() };
    let due = {
        let mut tx = engine.store.read().await?;
        storage::tasks::page(&mut tx, filter, None, 50).await?
    };
    for task in due {
        engine.complete_task(&Actor::System, task.task.id).await?;
    }
    Ok(())
}

/// Moves the clock to `end`, from one thing that is due to the next.
async fn live_until(
    engine: &Engine,
    stepper: &mut Stepper,
    prospects: &mut Prospects,
    end: Timestamp,
) -> anyhow::Result<()> {
    loop {
        prospects.answer().await?;
        stepper.run_due().await?;
        do_tasks(engine, end).await?;
        let now = engine.now();
        if now >= end {
            return Ok(());
        }
        let next = [engine.next_due().await?, prospects.next_answer_at().await?].into_iter().flatten().min();
        let next = next.map_or(end, |next| next.max(now.plus_ms(MINUTE / 60)));
        engine.clock.advance(next.min(end).since(now).clamp(1, 12 * HOUR));
    }
}
