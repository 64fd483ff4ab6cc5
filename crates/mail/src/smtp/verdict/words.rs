//! The words and numbers of one answer, and the questions the table of verdicts asks of them.
//!
//! Providers disagree about codes far more than about words, so both are looked at. Phrases are in lower
//! case and were met in real answers; the test table beside holds them.

use crate::Reply;

/// An answer with its words in lower case, and the questions the table asks of it.
pub(super) struct Said {
    pub(super) code: u16,
    pub(super) enhanced: Option<(u8, u16, u16)>,
    words: String,
}

impl Said {
    pub(super) fn new(reply: &Reply) -> Said {
        let words = reply.text.replace('\n', " ").to_lowercase();
        Said { code: reply.code, enhanced: reply.enhanced, words }
    }

    pub(super) fn has(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.words.contains(phrase))
    }

    pub(super) fn subject(&self) -> Option<u16> {
        self.enhanced.map(|(_, subject, _)| subject)
    }

    pub(super) fn detail_of(&self, subject: u16) -> Option<u16> {
        self.enhanced.filter(|(_, s, _)| *s == subject).map(|(_, _, detail)| detail)
    }

    /// The provider's own limit on what this mailbox sends.
    pub(super) fn quota(&self) -> bool {
        matches!(self.enhanced, Some((5, 4, 5) | (4, 5, 3) | (5, 1, 90) | (4, 4, 5)))
            || self.has(&[
                "sending limit",
                "sending quota",
                "daily limit",
                "daily user",
                "hourly limit",
                "ratelimit",
                "rate limit exceeded",
                "submissionquotaexceeded",
                "message quota",
                "too many messages sent",
                "exceeded the maximum number of messages",
                "sent too many",
                "max emails per hour",
                "exceeded messaging limits",
                "daily smtp relay limit",
            ])
    }

    pub(super) fn wants_auth(&self) -> bool {
        matches!(self.code, 530 | 534 | 535 | 538)
            || matches!(self.enhanced, Some((5, 7, 57 | 139)))
            || self.has(&[
                "authentication required",
                "authentication is required",
                "not authenticated",
                "must authenticate",
                "please log in",
                "smtp auth",
                "must issue a starttls",
            ])
    }

    /// The sender's address, or this account's right to use it.
    pub(super) fn concerns_sender(&self) -> bool {
        matches!(self.enhanced, Some((_, 1, 7 | 8) | (5, 7, 60)))
            || self.has(&[
                "sender address rejected",
                "sendasdenied",
                "not allowed to send as",
                "send as this sender",
                "not owned by user",
                "sender rejected",
                "sender verify failed",
                "sender is not allowed",
                "unable to verify sender",
                "bad outbound sender",
            ])
    }

    /// The machine or network the mail comes from, or what it may do.
    pub(super) fn concerns_client(&self) -> bool {
        self.has(&[
            "client host",
            "relay",
            "helo command rejected",
            "ehlo",
            "blocked using",
            "blacklist",
            "block list",
            "blocklist",
            "spamhaus",
            "banned sending ip",
            "reverse dns",
            "ptr record",
            "poor reputation",
            "dynamic ip",
            "not permitted to",
        ])
    }

    pub(super) fn no_such_recipient(&self) -> bool {
        match self.enhanced {
            Some((_, 1, 1 | 2 | 3 | 4 | 6 | 10) | (_, 2, 1) | (5, 4, 1)) if !self.concerns_client() => {
                return true;
            }
            _ => {}
        }
        self.has(&[
            "recipient address rejected",
            "user unknown",
            "unknown user",
            "no such user",
            "recipientnotfound",
            "mailbox unavailable",
            "no mailbox here",
            "does not exist",
            "doesn't have a",
            "unrouteable address",
            "invalid recipient",
            "recipient rejected",
            "mailbox not found",
            "no such recipient",
            "account is disabled",
            "user doesn't exist",
            "mailbox is disabled",
        ])
    }

    pub(super) fn mailbox_full(&self) -> bool {
        self.detail_of(2) == Some(2)
            || self.has(&[
                "over quota",
                "mailbox full",
                "mailbox is full",
                "quota exceeded",
                "out of storage",
                "insufficient storage space",
            ])
    }

    pub(super) fn too_large(&self) -> bool {
        matches!(self.enhanced, Some((5, 3, 4) | (5, 2, 3)))
            || self.has(&["message size", "too large", "message too big"])
    }

    /// After the whole message was seen: is it this mailbox or its domain that is refused, not the content?
    pub(super) fn blocks_the_mailbox(&self) -> bool {
        matches!(self.detail_of(7), Some(20..=30 | 500..=799))
            || self.has(&[
                "blocked using",
                "spamhaus",
                "blacklist",
                "block list",
                "blocklist",
                "banned sending ip",
                "unauthenticated",
                "dmarc",
                "spf check",
                "poor reputation",
                "relay",
                "account has been suspended",
                "account is suspended",
                "not permitted to relay",
            ])
    }
}
