//! The words of every fault, for the person who owns the mailbox: what happened, then what to do.

use super::{Direction, Fault, Reply, Stage, TlsFault};

impl Fault {
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
