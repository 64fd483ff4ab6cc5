//! Drives the business clock of the demo: in steps to the next thing that is due, never past one that waits.

use relance_domain::Timestamp;
use relance_engine::{Engine, EngineError, prospects::Prospects};
use relance_storage::{self as storage, workspace::ClockOffset};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks.
const TICK: Duration = Duration::from_millis(100);
/// Looks between two notes of the offset in the database.
const NOTE_EVERY: u32 = 10;

/// Moves the clock and lets the prospects answer until `stop`.
pub async fn drive(engine: Engine, stop: CancellationToken) {
    let mut prospects = Prospects::new(engine.clone(), engine.now());
    let mut ticks: u32 = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
        ticks = ticks.wrapping_add(1);
        if let Err(error) = step(&engine, &mut prospects, ticks.is_multiple_of(NOTE_EVERY)).await {
            tracing::warn!(%error, "the demo's clock could not move");
        }
    }
    if let Err(error) = note(&engine).await {
        tracing::warn!(%error, "the demo's time could not be stored");
    }
}

async fn step(engine: &Engine, prospects: &mut Prospects, note_it: bool) -> Result<(), EngineError> {
    for mailbox in prospects.answer().await? {
        // The answer is read before time goes on, so nothing that it ends can leave first.
        engine.proofs.prove(mailbox).await;
    }
    let speed = engine.clock.speed().extra_ms_per_second();
    if speed > 0 {
        let budget = speed * i64::try_from(TICK.as_millis()).unwrap_or(0) / 1_000;
        let now = engine.now();
        let next = [engine.next_due().await?, prospects.next_answer_at().await?].into_iter().flatten().min();
        engine.clock.advance(stride(now, next, budget));
        engine.signals.due.notify_waiters();
    }
    if note_it {
        note(engine).await?;
    }
    Ok(())
}

/// How far time may go: up to what is due next, and not at all while something due waits to be done.
fn stride(now: Timestamp, next: Option<Timestamp>, budget: i64) -> i64 {
    next.map_or(budget, |next| next.since(now).clamp(0, budget))
}

async fn note(engine: &Engine) -> Result<(), EngineError> {
    let clock = ClockOffset { offset_ms: engine.clock.offset_ms(), at: engine.now() };
    let mut tx = engine.store.begin().await?;
    storage::workspace::store_clock_offset(&mut tx, clock).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::stride;
    use relance_domain::Timestamp;

    #[test]
    fn time_stops_at_what_is_due_next_and_waits_while_it_is_not_done() {
        let now = Timestamp::from_ms(1_000_000);
        assert_eq!(stride(now, None, 500), 500);
        assert_eq!(stride(now, Some(now.plus_ms(200)), 500), 200);
        assert_eq!(stride(now, Some(now.plus_ms(900)), 500), 500);
        assert_eq!(stride(now, Some(now), 500), 0);
        assert_eq!(stride(now, Some(now.plus_ms(-50)), 500), 0);
    }
}
