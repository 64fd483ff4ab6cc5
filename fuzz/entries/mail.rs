//! What the fuzzer and the property tests feed with bytes: received mail and the answers of SMTP servers.
//!
//! Each function panics when a promise is broken: what comes out is bounded, whatever goes in.

use relance_domain::inbound::Kind;
use relance_mail::smtp::{read_reply_of, verdict};
use relance_mail::understand::{Ours, ids_referred_to, not_understood, understand};
use relance_mail::{Stage, parse};

/// Takes a message apart and judges it.
pub fn understand_mail(raw: &[u8]) {
    let ours = Ours { addresses: vec!["rep@relay.example".to_owned()] };
    let message = match parse::parse(raw) {
        Ok(message) => message,
        Err(unreadable) => {
            assert!(matches!(not_understood(&unreadable).kind, Kind::Unreadable { .. }));
            return;
        }
    };
    assert!(message.parts.len() <= parse::MAX_PARTS + 1);
    assert!(message.parts.iter().all(|part| part.depth <= parse::MAX_NESTING + 1));
    assert!(message.text.len() <= parse::MAX_TEXT_BYTES);
    assert!(message.references.len() <= 200 && message.in_reply_to.len() <= 200);
    let judgement = understand(&message, &ours);
    assert!(!judgement.evidence.is_empty() && judgement.evidence.len() <= 200, "{judgement:?}");
    match &judgement.kind {
        Kind::Reply { visible_text, quoted_text } => {
            assert!(visible_text.len() + quoted_text.len() <= message.text.len() + 2);
        }
        Kind::Bounce(bounce) => {
            assert!(bounce.recipients.len() <= 50 && bounce.failures.len() <= 50);
            assert!(bounce.diagnostic.as_ref().is_none_or(|words| words.len() <= 1_000));
        }
        _ => {}
    }
    assert!(ids_referred_to(&message, &judgement).len() <= 1_000);
}

/// Reads an answer and judges it at every stage.
pub fn judge_smtp_reply(raw: &[u8]) {
    let Ok(reply) = read_reply_of(raw) else { return };
    assert!((100..600).contains(&reply.code));
    assert!(!reply.text.chars().any(|c| c.is_control() && c != '\n'));
    for at in [Stage::Hello, Stage::Auth, Stage::MailFrom, Stage::RcptTo, Stage::Data, Stage::FinalDot] {
        let judged = verdict::judge(&reply, at);
        assert_eq!(judged, verdict::judge(&reply, at));
    }
}
