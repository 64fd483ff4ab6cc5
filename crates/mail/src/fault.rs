//! What can go wrong on the wire, told apart so finely that a person can be given the cure.
//!
//! SMTP and IMAP share this one enum. [`Fault::code`] is stable and goes to logs, storage and the API;
//! [`Fault::sentence`] is for the screen: what happened, then what to do. What a failure means
//! for people, messages and mailboxes is not said here but in `smtp::verdict`.

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

    /// What happened and what to do about it, for the person who owns the mailbox.
    pub fn sentence(&self, direction: Direction) -> String {
        let (kind, implicit, starttls) = match direction {
            Direction::Sending => ("outgoing", 465, 587),
            Direction::Receiving => ("incoming", 993, 143),
        };
        match self {
            Fault::NameNotFound { host } => format!(
                "No server named {host} was found. Check the name of the {kind} server for typing errors."
            ),
            Fault::Refused { host, port } => format!(
                "{host} does not accept connections on port {port}. The usual ports for {kind} mail are {implicit} with TLS and {starttls} with STARTTLS; check what your provider says."
            ),
            Fault::TimedOut { host, at } => timed_out(host, *at, kind, implicit, starttls),
            Fault::Forbidden { host } => format!(
                "{host} is an address Relance never connects to, because it belongs to the machine's own network equipment. Enter the name of your {kind} mail server."
            ),
            Fault::NotEncrypted { host } => format!(
                "Your password would travel to {host} unprotected. Choose TLS or STARTTLS; no encryption is possible only for a server on this very machine."
            ),
            Fault::Tls(fault) => tls_sentence(fault, kind, implicit, starttls),
            Fault::StartTlsMissing => format!(
                "The {kind} server offers no STARTTLS on this port, so the connection would not be protected. Choose TLS with port {implicit}, or ask your provider."
            ),
            Fault::AuthRejected { reply } => format!(
                "The {kind} server did not accept the user name or password. Check both; many providers want an app password instead of your normal one. It said: {}",
                quoted(reply)
            ),
            Fault::TokenRejected { .. }
            | Fault::ConsentNeeded { .. }
            | Fault::ProviderSettings { .. }
            | Fault::TokenUnavailable { .. } => access_sentence(self, kind),
            Fault::AuthMechanismMissing => format!(
                "The {kind} server offers no sign-in with a password on this connection. Ask your provider whether password sign-in must be switched on first."
            ),
            Fault::Reply { reply, at } => reply_sentence(reply, *at, kind),
            Fault::Cut { at: Stage::FinalDot } => {
                "The connection was lost after the email was handed over, so it is not certain that it arrived. It is being checked; it is not sent again by itself.".into()
            }
            Fault::Cut { .. } => format!(
                "The {kind} server closed the connection. This is usually temporary: it is tried again by itself. If it stays so, check the port and the kind of encryption."
            ),
            Fault::BadAddress { address, .. } => format!(
                "{} is not an email address that mail servers understand. Correct the address.",
                quoted(address)
            ),
            Fault::BadMessage(what) => format!("The email can't be sent as it is: {what}. Change its text and try again."),
            Fault::TooLarge { limit } => format!(
                "The email is larger than the {} the {kind} server takes. Use smaller attachments, or links to them.",
                megabytes(*limit)
            ),
            Fault::Unsupported(what) => format!(
                "The {kind} server can't deliver to addresses with letters outside plain ASCII (it lacks {what}). Use another address of this person."
            ),
            Fault::Protocol(what) => format!(
                "The {kind} server answered in a way that makes no sense ({what}). Check name and port: there may be something else than a mail server."
            ),
            Fault::Io(what) => format!(
                "The connection to the {kind} server failed: {what}. Check the network of the machine Relance runs on."
            ),
        }
    }
}

/// The words of faults of mailboxes whose owner gave a permission in place of a password.
fn access_sentence(fault: &Fault, kind: &str) -> String {
    match fault {
        Fault::TokenRejected { reply } => format!(
            "The {kind} server did not accept the permission of this mailbox. Choose Connect again; if that does not help, ask whoever runs your mail whether IMAP and SMTP are switched on for it. It said: {}",
            quoted(reply)
        ),
        Fault::ConsentNeeded { provider, .. } => format!(
            "{provider} no longer lets Relance use this mailbox: the permission was withdrawn or has run out. Choose Connect again."
        ),
        Fault::ProviderSettings { provider, why } => format!(
            "{provider} does not accept the registration of Relance. An admin must correct it under Settings, Mailboxes, Gmail and Microsoft 365. It said: {}",
            quoted(why)
        ),
        Fault::TokenUnavailable { provider, why } => format!(
            "{provider} could not be asked for access to this mailbox ({why}). This is usually temporary: it is tried again by itself."
        ),
        other => other.to_string(),
    }
}

fn timed_out(host: &str, at: Stage, kind: &str, implicit: u16, starttls: u16) -> String {
    match at {
        Stage::Connect => format!(
            "{host} did not answer. Check the name and port of the {kind} server; a firewall may also stand in between."
        ),
        Stage::Banner | Stage::StartTls => format!(
            "{host} took the connection but said nothing. The port may want the other kind of encryption: {implicit} goes with TLS, {starttls} with STARTTLS."
        ),
        Stage::FinalDot => format!(
            "{host} did not confirm the email in time, so it is not certain that it arrived. It is being checked; it is not sent again by itself."
        ),
        _ => format!("{host} stopped answering. This is usually temporary: it is tried again by itself."),
    }
}

fn tls_sentence(fault: &TlsFault, kind: &str, implicit: u16, starttls: u16) -> String {
    match fault {
        TlsFault::Expired => format!(
            "The certificate of the {kind} server has expired, so it can't prove who it is. Whoever runs the server must renew it; nothing was sent to it."
        ),
        TlsFault::NotYetValid => format!(
            "The certificate of the {kind} server is not valid yet. Check the date and time of both machines, or ask whoever runs the server."
        ),
        TlsFault::WrongHost { presented } if presented.is_empty() => format!(
            "The certificate of the {kind} server is for another name. Enter the server's name exactly as your provider gives it."
        ),
        TlsFault::WrongHost { presented } => format!(
            "The certificate of the {kind} server is for {}, not for the name you entered. Enter the server's name exactly as your provider gives it.",
            presented.join(", ")
        ),
        TlsFault::Untrusted => format!(
            "The certificate of the {kind} server was issued by an authority this machine does not know. If it is your company's own, ask your administrator to start Relance with --tls-ca and that authority's certificate."
        ),
        TlsFault::NotTls => format!(
            "The {kind} server does not speak TLS on this port. Port {implicit} goes with TLS, {starttls} with STARTTLS."
        ),
        TlsFault::Other(what) => {
            format!("No protected connection to the {kind} server could be made ({what}). Ask whoever runs the server.")
        }
    }
}

fn reply_sentence(reply: &Reply, at: Stage, kind: &str) -> String {
    let said = quoted(&reply.to_string());
    let temporary = (400..500).contains(&reply.code);
    let what = match at {
        Stage::Auth => "can't check the sign-in at the moment",
        Stage::MailFrom => "did not accept the sender's address",
        Stage::RcptTo => "did not accept the recipient's address",
        Stage::Data | Stage::Body | Stage::FinalDot => "did not accept the email",
        _ => "did not want to talk",
    };
    let cure = if temporary {
        "It is tried again by itself."
    } else {
        match at {
            Stage::MailFrom => "Check that this mailbox may send with that address.",
            Stage::RcptTo => "Check the address.",
            Stage::Data | Stage::Body | Stage::FinalDot => "Its words below say why.",
            _ => "Ask your provider.",
        }
    };
    format!("The {kind} server {what}. {cure} It said: {said}")
}

/// The server's words as a quotation of bounded length.
fn quoted(words: &str) -> String {
    const MOST: usize = 300;
    let mut short: String = words.chars().take(MOST).collect();
    if short.len() < words.len() {
        short.push('…');
    }
    format!("“{short}”")
}

fn megabytes(bytes: u64) -> String {
    match bytes / 1_000_000 {
        0 => format!("{} kB", bytes / 1_000),
        whole => format!("{whole} MB"),
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
