//! Walks every state × event of the two machines and writes what follows as a page of documentation.

use relance_domain::{
    StepId, Timestamp,
    delivery::{DeliveryEvent, DeliveryState},
    enrollment::{BlockReason, Event, FinishReason, PausedBy, State},
};
use std::fmt::Write;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_ms(1_000);
const DUE: Timestamp = Timestamp::from_ms(500);
const LATER: Timestamp = Timestamp::from_ms(2_000);

fn step(n: u128) -> StepId {
    StepId::from_uuid(Uuid::from_u128(n))
}

/// Every state of an enrollment by the name it has in the table.
pub fn enrollment_states() -> Vec<(&'static str, State)> {
    let blocked = |reason, resumes_at| State::Blocked { step: step(1), due: DUE, reason, resumes_at };
    vec![
        ("Active", State::Active { step: step(1), due: DUE }),
        ("Paused", State::Paused { step: step(1), due: DUE, until: Some(LATER), by: PausedBy::Person }),
        ("Blocked", blocked(BlockReason::QuotaReached, Some(LATER))),
        ("Blocked (uncertain)", blocked(BlockReason::DeliveryUncertain, None)),
        ("Blocked (held for review)", blocked(BlockReason::HeldForReview, None)),
        ("Finished (replied)", State::Finished { reason: FinishReason::Replied, at: DUE }),
        ("Finished (completed)", State::Finished { reason: FinishReason::Completed, at: DUE }),
    ]
}

/// Every event of an enrollment by the name it has in the table.
pub fn enrollment_events() -> Vec<(&'static str, Event)> {
    let reason = BlockReason::RecipientRefused { smtp: String::new() };
    vec![
        ("StepDone, more to come", Event::StepDone { step: step(1), next: Some((step(2), LATER)) }),
        ("StepDone, the last", Event::StepDone { step: step(1), next: None }),
        ("StepDone, another step", Event::StepDone { step: step(9), next: None }),
        ("Blocked", Event::Blocked { reason, resumes_at: None }),
        ("Released", Event::Released),
        ("Paused", Event::Paused { until: None, by: PausedBy::AutoReply }),
        ("Resumed", Event::Resumed),
        ("Rescheduled", Event::Rescheduled { due: LATER }),
        ("Moved", Event::Moved { to: Some((step(2), LATER)) }),
        ("Moved, nothing left", Event::Moved { to: None }),
        ("TaskReopened", Event::TaskReopened { step: step(8), due: DUE }),
        ("Ended", Event::Ended { reason: FinishReason::Stopped { by: None } }),
    ]
}

fn enrollment_words(before: &State, after: &State) -> String {
    if before == after {
        return "unchanged".to_owned();
    }
    let word = match after {
        State::Active { .. } => "**Active**".to_owned(),
        State::Paused { .. } => "**Paused**".to_owned(),
        State::Blocked { reason, .. } => format!("**Blocked** ({})", reason.code()),
        State::Finished { reason, .. } => format!("**Finished** ({})", reason.code()),
    };
    let due = match (before.due(), after.due()) {
        (Some(a), Some(b)) if a == b => "",
        (_, Some(b)) if b == NOW => ", due now",
        (_, Some(_)) => ", new due time",
        (_, None) => "",
    };
    let next = if after.step() == Some(step(2)) { ", next step" } else { "" };
    format!("{word}{next}{due}")
}

/// Every state of a delivery.
pub const DELIVERY_STATES: [DeliveryState; 10] = [
    DeliveryState::Planned,
    DeliveryState::Claimed { epoch: 1 },
    DeliveryState::Leaving { epoch: 1, at: DUE },
    DeliveryState::Sent { at: DUE },
    DeliveryState::Deferred { until: LATER, attempts: 1, since: DUE },
    DeliveryState::Refused,
    DeliveryState::Uncertain { at: DUE },
    DeliveryState::NotSent,
    DeliveryState::Cancelled,
    DeliveryState::Skipped,
];

/// Every event of a delivery by the name it has in the table.
pub const DELIVERY_EVENTS: [(&str, DeliveryEvent); 13] = [
    ("Claim", DeliveryEvent::Claim { epoch: 2 }),
    ("Leave, by its owner", DeliveryEvent::Leave { epoch: 1 }),
    ("Leave, by another", DeliveryEvent::Leave { epoch: 2 }),
    ("Accepted", DeliveryEvent::Accepted),
    ("Deferred", DeliveryEvent::Deferred { until: LATER }),
    ("Refused", DeliveryEvent::Refused),
    ("LostTrack", DeliveryEvent::LostTrack),
    ("FoundSent", DeliveryEvent::FoundSent),
    ("FoundNotSent", DeliveryEvent::FoundNotSent),
    ("Resend", DeliveryEvent::Resend { at: LATER }),
    ("Cancel", DeliveryEvent::Cancel),
    ("Skip", DeliveryEvent::Skip),
    ("GiveBack", DeliveryEvent::GiveBack),
];

/// The page `docs/state-machines.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# State machines\n\n\
         Generated from the code by walking every state × event: `cargo run -p relance-domain --example state_machines`.\n\
         A dash means that the event is refused in that state. *Unchanged* means that it is accepted and tells nothing new.\n\n\
         ## Enrollment\n\n\
         `relance_domain::enrollment::State::after`. The public words are active, paused, blocked, completed.\n\n",
    );
    let states = enrollment_states();
    table(&mut page, states.iter().map(|(name, _)| (*name).to_owned()), enrollment_events(), |event| {
        states
            .iter()
            .map(|(_, state)| match state.clone().after(event.clone(), NOW) {
                Ok(after) => enrollment_words(state, &after),
                Err(_) => "–".to_owned(),
            })
            .collect()
    });
    page.push_str(
        "\n## Delivery\n\n\
         `relance_domain::delivery::DeliveryState::after`. Leaving is durable before the final dot and is never left by a timer.\n\n",
    );
    table(
        &mut page,
        DELIVERY_STATES.iter().map(|state| state.as_str().to_owned()),
        DELIVERY_EVENTS.to_vec(),
        |event| {
            DELIVERY_STATES
                .iter()
                .map(|state| match state.after(*event, NOW) {
                    Ok(after) => format!("**{}**", after.as_str()),
                    Err(_) => "–".to_owned(),
                })
                .collect()
        },
    );
    page.push_str("\n## Reasons\n\n| blocked | what happened | what releases it | retry |\n|---|---|---|---|\n");
    for reason in block_reasons() {
        let retry = if reason.retryable() { "yes" } else { "no" };
        let _ = writeln!(page, "| `{}` | {} | {} | {retry} |", reason.code(), reason.sentence(), reason.releases());
    }
    page.push_str("\n| finished | the sequence ended because |\n|---|---|\n");
    for code in FINISH_CODES {
        let reason = FinishReason::from_code(code, None).map_or("", |reason| reason.words());
        let _ = writeln!(page, "| `{code}` | {reason} |");
    }
    page
}

/// Every reason of a block.
pub fn block_reasons() -> Vec<BlockReason> {
    vec![
        BlockReason::MissingMergeData { tags: vec!["person.industry".into()] },
        BlockReason::NoRecipient,
        BlockReason::RecipientRefused { smtp: "550 5.1.1 …".into() },
        BlockReason::Bounced { dsn: "5.1.1 …".into() },
        BlockReason::DuplicateAddress,
        BlockReason::QuotaReached,
        BlockReason::MailboxDisconnected,
        BlockReason::AuthFailed,
        BlockReason::MailboxSettings { what: "…".into() },
        BlockReason::DeliveryUncertain,
        BlockReason::TemplateError { what: "…".into() },
        BlockReason::LateStart,
        BlockReason::HeldForReview,
    ]
}

/// Every code of an end.
pub const FINISH_CODES: [&str; 12] = [
    "completed",
    "replied",
    "converted",
    "person_deleted",
    "stopped",
    "unsubscribed",
    "bounced",
    "complained",
    "suppressed",
    "meeting_booked",
    "status_changed",
    "sequence_archived",
];

fn table<E>(
    page: &mut String,
    states: impl Iterator<Item = String>,
    events: Vec<(&'static str, E)>,
    cells: impl Fn(&E) -> Vec<String>,
) {
    let states: Vec<String> = states.collect();
    let _ = writeln!(page, "| event | {} |", states.join(" | "));
    let _ = writeln!(page, "|---|{}", "---|".repeat(states.len()));
    for (name, event) in events {
        let _ = writeln!(page, "| {name} | {} |", cells(&event).join(" | "));
    }
}
