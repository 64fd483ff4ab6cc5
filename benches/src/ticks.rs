//! What one turn costs with few and with many enrollments that wait, and the same number due.
//!
//! Work must follow what is due, never what exists: the figures of both sizes should be about the same.

use crate::{
    Sizes,
    ground::{Grounds, Kind, MONDAY, Place},
    measure::{median, timed},
    report::{Report, number},
};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, Timestamp,
    enrollment::{Enrollment, PausedBy, State},
    sequence::Sequence,
    time::{DAY, MINUTE},
};
use relance_engine::{Clock, EngineError, Result, stepper::Stepper};
use relance_storage::enrollments::{self, StoredEnrollment};

/// Emails that are due in a turn.
const DUE: usize = 50;
/// Rows that wake up in a turn: half of them pauses that end, half tasks to create.
const WAKING: usize = 100;
/// Turns of which the median counts.
const TURNS: usize = 20;
/// People who share the enrollments; each is in as many sequences as needed.
const PEOPLE: usize = 10_000;
/// How many times the cost may grow from the small to the large size: the depth of indexes, not their length.
const GROWTH: f64 = 2.0;

/// Median milliseconds of each kind of turn.
struct Costs {
    sending: f64,
    waking: f64,
    nothing: f64,
}

/// Measures both sizes on one database.
pub async fn measure(grounds: &Grounds, kind: Kind, sizes: Sizes, report: &mut Report) -> anyhow::Result<()> {
    let few = 1_000.min(sizes.waiting);
    let small = measure_with(grounds, kind, few).await?;
    let large = measure_with(grounds, kind, sizes.waiting).await?;
    let name = kind.name();
    let (few, many) = (number(few as f64), number(sizes.waiting as f64));
    for (what, small, large) in [
        (format!("turn that claims {DUE} emails"), small.sending, large.sending),
        (format!("turn that wakes {WAKING} rows"), small.waking, large.waking),
        ("turn with nothing due".to_owned(), small.nothing, large.nothing),
    ] {
        report.figure(format!("Tick, {name}: {what}, {few} waiting"), format!("{} ms", number(small)));
        report.figure(format!("Tick, {name}: {what}, {many} waiting"), format!("{} ms", number(large)));
        report.at_most(format!("Tick, {name}: {what}, growth"), large / small, GROWTH, "×");
    }
    Ok(())
}

async fn measure_with(grounds: &Grounds, kind: Kind, waiting: usize) -> anyhow::Result<Costs> {
    let place = grounds.place(kind, Clock::standing(MONDAY)).await?;
    let engine = &place.engine;
    // Nothing is handed over: the port is never used.
    let mailboxes = place.mailboxes(100, 9).await?;
    let people = place.people(PEOPLE.min(waiting).max(DUE + TURNS * WAKING)).await?;
    fill(&place, &people, &mailboxes, waiting).await?;
    let _stepper = Stepper::start(engine.clone()).await?;
    let sending = median(TURNS, async || {
        engine.renew_leases().await?;
        let (took, claimed) = timed(turn(&place, mailboxes[0])).await;
        if claimed? != DUE {
            return Err(EngineError::Corrupt("a turn claimed another number of emails".to_owned()));
        }
        Ok(took)
    })
    .await?;
    let nothing = median(TURNS, async || {
        engine.renew_leases().await?;
        let (took, done) = timed(async {
            let claimed = turn(&place, mailboxes[1]).await?;
            Ok::<_, EngineError>((claimed, engine.wake_due().await?, engine.next_due().await?))
        })
        .await;
        if !matches!(done?, (0, 0, Some(_))) {
            return Err(EngineError::Corrupt("something was due".to_owned()));
        }
        Ok(took)
    })
    .await?;
    let waking = median(TURNS, async || {
        engine.clock.advance(MINUTE);
        let (took, woken) = timed(engine.wake_due()).await;
        if woken? != WAKING {
            return Err(EngineError::Corrupt("another number of rows woke up".to_owned()));
        }
        Ok(took)
    })
    .await?;
    Ok(Costs { sending, waking, nothing })
}

/// One turn of a mailbox up to the commit of what it claims; how many emails it claimed.
async fn turn(place: &Place, mailbox: MailboxId) -> Result<usize> {
    let engine = &place.engine;
    let gone = || EngineError::NotFound("mailbox");
    let due = engine.due_mailboxes().await?;
    let (_, epoch) = due.into_iter().find(|(id, _)| *id == mailbox).ok_or_else(gone)?;
    let situation = engine.situation(mailbox, DUE as u32).await?.ok_or_else(gone)?;
    let plan = engine.plan_turn(&situation, epoch);
    Ok(engine.commit_turn(&situation, plan, epoch).await?.len())
}

/// Enrollments that wait, and those that come up.
async fn fill(place: &Place, people: &[PersonId], mailboxes: &[MailboxId], waiting: usize) -> anyhow::Result<()> {
    let mut all = Vec::new();
    let mut left = waiting;
    while left > 0 {
        let sequence = place.sequence(vec![place.email(0, "Hello"), place.task(3)]).await?;
        for (number, person) in people.iter().take(left).enumerate() {
            let mailbox = mailboxes[number % mailboxes.len()];
            // Spread over 30 days, in no order.
            let at = MONDAY.plus_ms(DAY + (number as i64 * 7_919 + left as i64 * 104_729) % (30 * DAY));
            let state = if number.is_multiple_of(5) { paused(&sequence, at, at) } else { active(&sequence, 0, at) };
            all.push(stored(place, &sequence, *person, mailbox, state));
        }
        left -= left.min(people.len());
        store(place, &mut all).await?;
    }
    let sequence = place.sequence(vec![place.email(0, "Hello"), place.task(3)]).await?;
    let mut comers = people.iter();
    for person in comers.by_ref().take(DUE) {
        all.push(stored(place, &sequence, *person, mailboxes[0], active(&sequence, 0, MONDAY)));
    }
    for turn in 1..=TURNS as i64 {
        let at = MONDAY.plus_ms(turn * MINUTE);
        for (number, person) in comers.by_ref().take(WAKING).enumerate() {
            let later = MONDAY.plus_ms(40 * DAY);
            let state = if number.is_multiple_of(2) { paused(&sequence, later, at) } else { active(&sequence, 1, at) };
            all.push(stored(place, &sequence, *person, mailboxes[2], state));
        }
    }
    store(place, &mut all).await?;
    place.settle().await
}

async fn store(place: &Place, all: &mut Vec<StoredEnrollment>) -> Result<()> {
    for chunk in all.chunks(2_000) {
        let mut tx = place.engine.store.begin().await?;
        enrollments::insert_many(&mut tx, chunk).await?;
        tx.commit().await?;
    }
    all.clear();
    Ok(())
}

fn active(sequence: &Sequence, step: usize, due: Timestamp) -> State {
    State::Active { step: sequence.draft.steps[step].id, due }
}

fn paused(sequence: &Sequence, due: Timestamp, until: Timestamp) -> State {
    State::Paused { step: sequence.draft.steps[0].id, due, until: Some(until), by: PausedBy::Person }
}

fn stored(place: &Place, sequence: &Sequence, person: PersonId, mailbox: MailboxId, state: State) -> StoredEnrollment {
    let position = state.step().and_then(|id| sequence.draft.position(id)).unwrap_or(1);
    let enrollment = Enrollment {
        id: place.engine.new_enrollment_id(),
        person_id: person,
        sequence_id: sequence.id,
        version_id: sequence.version_id.unwrap_or_else(|| place.engine.new_version_id()),
        mailbox_id: Some(mailbox),
        actor_id: place.user,
        revision: 0,
        address_key: Some(format!("{}@bench.test", EnrollmentId::from_uuid(person.uuid()))),
        done_steps: Vec::new(),
        moved_by_hand: false,
        last_step_at: None,
        enrolled_at: MONDAY,
        state,
    };
    StoredEnrollment {
        step_action: Some(sequence.draft.steps[position - 1].action.as_str().to_owned()),
        position: position as u32,
        wake_at: enrollments::wake_of(&enrollment.state, false),
        emails_sent: 0,
        finished_by: None,
        updated_at: MONDAY,
        enrollment,
    }
}
