//! What can go wrong on the wire, told apart so finely that a person can be given the cure.
//!
//! SMTP and IMAP share this one enum. [`Fault::code`] is stable and goes to logs, storage and the API;
//! [`Fault::sentence`] is for the screen: what happened, then what to do. What a failure means
//! for people, messages and mailboxes is not said here but in `smtp::verdict`.

mod words;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which half of a mailbox a fault belongs to; it decides the words and the ports named in a cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// SMTP submission.
    Sending,
    /// IMAP.
    Receiving,
}

/// The step of a conversation at which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Opening the TCP connection.
    Connect,
    /// Waiting for the server's greeting.
    Banner,
    /// EHLO, or IMAP CAPABILITY.
    Hello,
    /// STARTTLS and the TLS handshake.
    StartTls,
    /// Signing in.
    Auth,
    /// MAIL FROM.
    MailFrom,
    /// RCPT TO.
    RcptTo,
    /// DATA, before any byte of the message.
    Data,
    /// Writing the message, before the final dot.
    Body,
    /// The final dot was written, or may have been.
    FinalDot,
    /// RSET.
    Reset,
    /// QUIT or LOGOUT.
    Quit,
    /// Reading mail over IMAP.
    Reading,
}

/// One complete SMTP answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The three digits; 0 for an IMAP answer.
    pub code: u16,
    /// The enhanced status code (RFC 3463), when the answer carries one.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The words without codes, lines joined by `\n`.
    pub text: String,
}

impl Reply {
    /// Whether the server said yes (2xx).
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code == 0 {
            // IMAP answers have no numbers.
            return f.write_str(&self.text.replace('\n', " "));
        }
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text.replace('\n', " "))?;
        }
        Ok(())
    }
}

/// Why a TLS handshake failed. There is no way to go on in spite of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The certificate's last day has passed.
    #[error("the certificate has expired")]
    Expired,
    /// The certificate's first day has not come.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The certificate is for other names than the one connected to.
    #[error("the certificate is for another name: {}", presented.join(", "))]
    WrongHost {
        /// The names in the certificate, when known.
        presented: Vec<String>,
    },
    /// The certificate was issued by nobody this machine trusts.
    #[error("the certificate's issuer is not trusted")]
    Untrusted,
    /// The server did not answer in TLS at all.
    #[error("the server does not speak TLS here")]
    NotTls,
    /// Anything else, in the TLS library's words.
    #[error("{0}")]
    Other(String),
}

/// A failure of the wire, of the settings that lead to it, or of what was to be sent over it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The name service knows no such host, or did not answer.
    #[error("no server named {host} was found")]
    NameNotFound {
        /// The name looked up.
        host: String,
    },
    /// The host is there but nothing listens on that port.
    #[error("{host} refuses connections on port {port}")]
    Refused {
        /// The host connected to.
        host: String,
        /// The port connected to.
        port: u16,
    },
    /// No answer in time.
    #[error("{host} did not answer in time ({at:?})")]
    TimedOut {
        /// The host that stayed silent.
        host: String,
        /// What it was asked.
        at: Stage,
    },
    /// The host is an address that is never connected to: link-local, metadata, multicast, unspecified.
    #[error("{host} is an address that is never connected to")]
    Forbidden {
        /// The host as configured.
        host: String,
    },
    /// A connection without encryption was asked for, to another machine.
    #[error("{host} is not this machine: a connection without encryption is refused")]
    NotEncrypted {
        /// The host as configured.
        host: String,
    },
    /// The TLS handshake failed.
    #[error("TLS: {0}")]
    Tls(TlsFault),
    /// The server offers no STARTTLS although the settings ask for it.
    #[error("the server offers no STARTTLS")]
    StartTlsMissing,
    /// User name or password were definitely refused.
    #[error("sign-in refused: {reply}")]
    AuthRejected {
        /// The server's words.
        reply: String,
    },
    /// The access token was definitely refused, also a fresh one.
    #[error("access refused: {reply}")]
    TokenRejected {
        /// The server's words.
        reply: String,
    },
    /// The owner of the mailbox withdrew the permission, or it ran out: only a person can give it again.
    #[error("{provider} no longer gives access: {why}")]
    ConsentNeeded {
        /// Who gave it.
        provider: &'static str,
        /// The provider's words.
        why: String,
    },
    /// The provider does not know this installation any more: its client id or secret is wrong or ran out.
    #[error("{provider} refuses the registration: {why}")]
    ProviderSettings {
        /// Who refuses.
        provider: &'static str,
        /// The provider's words.
        why: String,
    },
    /// No access token can be had at the moment.
    #[error("{provider} gives no access token: {why}")]
    TokenUnavailable {
        /// Who was asked.
        provider: &'static str,
        /// What happened.
        why: String,
    },
    /// The server offers no way to sign in that Relance speaks.
    #[error("no usable way to sign in is offered")]
    AuthMechanismMissing,
    /// The server answered, and not with yes.
    #[error("{at:?}: {reply}")]
    Reply {
        /// Its answer.
        reply: Reply,
        /// What it was asked.
        at: Stage,
    },
    /// The connection ended.
    #[error("the connection was cut ({at:?})")]
    Cut {
        /// What was going on.
        at: Stage,
    },
    /// An address that can't be written on the wire without changing its meaning.
    #[error("the address {address:?} can't be used")]
    BadAddress {
        /// The address as given.
        address: String,
        /// `MailFrom` for the sender's, `RcptTo` for the recipient's.
        at: Stage,
    },
    /// A message that can't be sent unchanged: bare line ends, NUL, or a line above 998 bytes.
    #[error("the message can't be sent: {0}")]
    BadMessage(String),
    /// The message is larger than the server takes.
    #[error("the message is larger than the {limit} bytes the server takes")]
    TooLarge {
        /// The server's limit in bytes.
        limit: u64,
    },
    /// The message needs an extension the server does not have.
    #[error("the server does not offer {0}")]
    Unsupported(&'static str),
    /// The server broke the rules of the protocol, or a call came out of order.
    #[error("unexpected: {0}")]
    Protocol(String),
    /// The operating system reported a failure.
    #[error("{0}")]
    Io(String),
}

impl Fault {
    /// A stable name for logs, storage and the API.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::NameNotFound { .. } => "name_not_found",
            Fault::Refused { .. } => "connection_refused",
            Fault::TimedOut { .. } => "timed_out",
            Fault::Forbidden { .. } => "forbidden_address",
            Fault::NotEncrypted { .. } => "not_encrypted",
            Fault::Tls(TlsFault::Expired) => "tls_expired",
            Fault::Tls(TlsFault::NotYetValid) => "tls_not_yet_valid",
            Fault::Tls(TlsFault::WrongHost { .. }) => "tls_wrong_host",
            Fault::Tls(TlsFault::Untrusted) => "tls_untrusted",
            Fault::Tls(TlsFault::NotTls) => "tls_missing",
            Fault::Tls(TlsFault::Other(_)) => "tls_failed",
            Fault::StartTlsMissing => "starttls_missing",
            Fault::AuthRejected { .. } => "auth_rejected",
            Fault::TokenRejected { .. } => "token_rejected",
            Fault::ConsentNeeded { .. } => "consent_needed",
            Fault::ProviderSettings { .. } => "provider_settings",
            Fault::TokenUnavailable { .. } => "token_unavailable",
            Fault::AuthMechanismMissing => "auth_mechanism_missing",
            Fault::Reply { .. } => "server_refused",
            Fault::Cut { .. } => "connection_cut",
            Fault::BadAddress { .. } => "bad_address",
            Fault::BadMessage(_) => "bad_message",
            Fault::TooLarge { .. } => "message_too_large",
            Fault::Unsupported(_) => "unsupported",
            Fault::Protocol(_) => "protocol_error",
            Fault::Io(_) => "io_error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_sentence_that_ends_and_names_its_direction_or_cause() {
        let reply = Reply { code: 550, enhanced: Some((5, 1, 1)), text: "No such user\nhere".into() };
        let host = || "mail.example.com".to_owned();
        let faults = [
            Fault::NameNotFound { host: host() },
            Fault::Refused { host: host(), port: 25 },
            Fault::TimedOut { host: host(), at: Stage::Connect },
            Fault::TimedOut { host: host(), at: Stage::Banner },
            Fault::TimedOut { host: host(), at: Stage::FinalDot },
            Fault::TimedOut { host: host(), at: Stage::Reading },
            Fault::Forbidden { host: host() },
            Fault::NotEncrypted { host: host() },
            Fault::Tls(TlsFault::Expired),
            Fault::Tls(TlsFault::NotYetValid),
            Fault::Tls(TlsFault::WrongHost { presented: vec![] }),
            Fault::Tls(TlsFault::WrongHost { presented: vec!["a.example".into()] }),
            Fault::Tls(TlsFault::Untrusted),
            Fault::Tls(TlsFault::NotTls),
            Fault::Tls(TlsFault::Other("handshake failure".into())),
            Fault::StartTlsMissing,
            Fault::AuthRejected { reply: "535 5.7.8 no".into() },
            Fault::TokenRejected { reply: "535 5.7.8 no (status 401)".into() },
            Fault::ConsentNeeded { provider: "Google", why: "invalid_grant".into() },
            Fault::ProviderSettings { provider: "Microsoft", why: "invalid_client".into() },
            Fault::TokenUnavailable { provider: "Google", why: "no answer".into() },
            Fault::AuthMechanismMissing,
            Fault::Reply { reply: reply.clone(), at: Stage::RcptTo },
            Fault::Cut { at: Stage::Data },
            Fault::Cut { at: Stage::FinalDot },
            Fault::BadAddress { address: "a b".into(), at: Stage::RcptTo },
            Fault::BadMessage("a line is too long".into()),
            Fault::TooLarge { limit: 35_000_000 },
            Fault::Unsupported("SMTPUTF8"),
            Fault::Protocol("garbage".into()),
            Fault::Io("network unreachable".into()),
        ];
        for fault in faults {
            for direction in [Direction::Sending, Direction::Receiving] {
                let sentence = fault.sentence(direction);
                assert!(sentence.ends_with(['.', '”']), "{sentence}");
                assert!(
                    sentence.chars().next().is_some_and(|c| !c.is_lowercase()) || sentence.starts_with("mail."),
                    "{sentence}"
                );
                assert!(!sentence.contains('\n'), "{sentence}");
            }
            assert!(!fault.code().is_empty() && !fault.to_string().is_empty());
        }
        assert_eq!(reply.to_string(), "550 5.1.1 No such user here");
    }
}
