use crate::state_table::{
    DELIVERY_EVENTS, DELIVERY_STATES, FINISH_CODES, block_reasons, enrollment_events, enrollment_states, page,
};
use relance_domain::{
    Timestamp,
    delivery::{DeliveryEvent, DeliveryState, retry_after_ms},
    enrollment::{BlockReason, Event, FinishReason, State, tag_words},
    time::{HOUR, SECOND},
};

#[test]
fn the_documentation_of_the_state_machines_is_up_to_date() {
    let written = include_str!("../../../../docs/state-machines.md");
    assert_eq!(written, page(), "run `cargo run -p relance-domain --example state_machines`");
}

#[test]
fn nothing_leaves_an_end() {
    for (name, event) in enrollment_events() {
        let finished = State::Finished { reason: FinishReason::Replied, at: Timestamp::from_ms(1) };
        if let Ok(after) = finished.clone().after(event, Timestamp::from_ms(2)) {
            assert_eq!(after, finished, "{name}");
        }
    }
}

#[test]
fn every_unfinished_enrollment_can_be_ended() {
    for (name, state) in enrollment_states() {
        let ended = state.clone().after(Event::Ended { reason: FinishReason::Converted }, Timestamp::from_ms(2));
        assert_eq!(ended.is_ok_and(|state| !state.is_ongoing()), state.is_ongoing(), "{name}");
    }
}

#[test]
fn a_step_that_is_not_the_current_one_moves_nothing_on() {
    let other = enrollment_events().remove(2).1;
    for (name, state) in enrollment_states() {
        let after = state.clone().after(other.clone(), Timestamp::from_ms(2));
        assert!(after.is_err() || after == Ok(state), "{name}");
    }
}

#[test]
fn a_resumed_or_released_step_is_never_due_in_the_past() {
    let now = Timestamp::from_ms(9_000);
    for (name, state) in enrollment_states() {
        for event in [Event::Resumed, Event::Released] {
            if let Ok(State::Active { due, .. }) = state.clone().after(event, now) {
                assert_eq!(due, now, "{name}");
            }
        }
    }
}

#[test]
fn what_is_uncertain_or_held_for_review_is_not_hidden_behind_a_pause() {
    for (name, state) in enrollment_states() {
        let paused = state.clone().after(enrollment_events().remove(5).1, Timestamp::from_ms(2));
        let must_stay = matches!(
            state,
            State::Blocked { reason: BlockReason::DeliveryUncertain | BlockReason::HeldForReview, .. }
                | State::Finished { .. }
        );
        assert_eq!(paused.is_err(), must_stay, "{name}");
        if let Err(refused) = paused {
            assert!(refused.message.ends_with("cannot be paused."), "{}", refused.message);
        }
    }
}

#[test]
fn an_email_that_may_have_left_is_never_cancelled_skipped_or_taken_again() {
    use DeliveryEvent as E;
    let may_have_left = [
        DeliveryState::Leaving { epoch: 1, at: Timestamp::from_ms(1) },
        DeliveryState::Uncertain { at: Timestamp::from_ms(1) },
        DeliveryState::Sent { at: Timestamp::from_ms(1) },
    ];
    for state in may_have_left {
        for event in [E::Claim { epoch: 1 }, E::Leave { epoch: 1 }, E::Cancel, E::Skip, E::GiveBack] {
            assert!(state.after(event, Timestamp::from_ms(2)).is_err(), "{state:?} {event:?}");
        }
    }
}

#[test]
fn only_the_owner_of_a_claim_passes_the_point_of_no_return() {
    for state in DELIVERY_STATES {
        for (name, event) in DELIVERY_EVENTS {
            if let Ok(DeliveryState::Leaving { .. }) = state.after(event, Timestamp::from_ms(2)) {
                assert_eq!((state, name), (DeliveryState::Claimed { epoch: 1 }, "Leave, by its owner"));
            }
        }
    }
}

#[test]
fn what_is_final_takes_no_further_event() {
    for state in DELIVERY_STATES {
        let accepts = DELIVERY_EVENTS.iter().any(|(_, event)| state.after(*event, Timestamp::from_ms(2)).is_ok());
        assert_eq!(accepts, !state.is_final(), "{}", state.as_str());
    }
}

#[test]
fn retries_double_from_thirty_seconds_to_an_hour() {
    let waits: Vec<i64> = (1..=9).map(|attempts| retry_after_ms(attempts) / SECOND).collect();
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    assert_eq!(retry_after_ms(u32::MAX), HOUR);
    assert_eq!(retry_after_ms(0), 30 * SECOND);
}

#[test]
fn every_reason_reads_back_from_its_code_and_has_its_sentences() {
    for reason in block_reasons() {
        let json = serde_json::to_value(&reason).unwrap();
        assert_eq!(json["code"], reason.code());
        assert_eq!(serde_json::from_value::<BlockReason>(json).unwrap(), reason);
        assert!(!reason.sentence().is_empty() && reason.releases().ends_with('.'));
    }
    for code in FINISH_CODES {
        let reason = FinishReason::from_code(code, None).unwrap();
        assert_eq!(reason.code(), code);
        assert!(!reason.words().is_empty());
    }
    assert_eq!(FinishReason::from_code("other", None), None);
    let words = |tags: &[&str]| tag_words(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>());
    assert_eq!(words(&["person.first_name"]), "first name");
    assert_eq!(words(&["person.title", "person.industry", "sender.phone"]), "title, industry and phone");
}
