//! At which command of the SMTP session a server said no: what it says means another thing at each.
//!
//! A refusal at MAIL is about the sender, at RCPT about the recipient, after DATA about the message: servers that first
//! take a recipient and then "do not know" it are filtering (RFC 5321 §3.3 and §4.2.5).

/// The command that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The notice does not say.
    Unknown,
    /// The sender's address.
    Mail,
    /// The recipient's address.
    Rcpt,
    /// The message itself.
    Data,
}

/// How mail servers name the command. Source: their own templates (Postfix `bounce(8)`, Exim `transports/smtp.c`,
/// qmail `qmail-remote.c`, Sendmail `deliver.c`, DragonFly `dma`, GMX, Yahoo, m-FILTER, Oracle Messaging Server).
const NAMES: &[(Stage, &[&str])] = &[
    (
        Stage::Data,
        &[
            "in reply to end of data",
            "in reply to data",
            "after end of data",
            "after data",
            "after pipelined data",
            "smtp command data",
            "smtp command--- data",
            "failed after i sent the message",
            "after data command",
            "did not like our data",
            "smtp transmission failure has occurred",
        ],
    ),
    (
        Stage::Rcpt,
        &[
            "in reply to rcpt to",
            "after rcpt to",
            "after rcpt command",
            "after pipelined rcpt to",
            "in response to the rcpt to command",
            "does not like recipient",
            "smtp command rcpt",
            "error after rcpt",
            "did not like our rcpt to",
            "smtp:rcpt",
            "[rcpt_to]",
            "rcpt to:<",
        ],
    ),
    (
        Stage::Mail,
        &[
            "in reply to mail from",
            "after mail from",
            "after pipelined mail from",
            "in response to the mail from command",
            "does not like sender",
            "smtp command mail",
            "did not like our mail from",
            "[mail_from]",
        ],
    ),
];

/// The stage a normalised notice tells of: by the words of its server, else by the last command of a transcript.
pub(super) fn stage_of(notice: &str) -> Stage {
    for (stage, names) in NAMES {
        if names.iter().any(|name| notice.contains(name)) {
            return *stage;
        }
    }
    match notice.rfind(">>> ").map(|at| &notice[at + 4..]) {
        // With pipelining DATA is only the last thing sent; the recipients were refused before it.
        Some(command) if command.starts_with("data") && !notice.contains("503 ") => Stage::Data,
        Some(command) if command.starts_with("rcpt") || command.starts_with("data") => Stage::Rcpt,
        Some(command) if command.starts_with("mail") => Stage::Mail,
        _ => Stage::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_found_in_the_words_of_each_server() {
        for (notice, stage) in [
            ("host mx said: 550 no (in reply to end of data command)", Stage::Data),
            ("smtp error from remote mail server after rcpt to:<a@b.example>: 550 no", Stage::Rcpt),
            ("smtp error from remote mail server after mail from:<a@b.example> size=10: 553 no", Stage::Mail),
            ("192.0.2.1 failed after i sent the message.", Stage::Data),
            (">>> data <<< 554 no", Stage::Data),
            (">>> data <<< 550 no <<< 503 5.0.0 need rcpt (recipient)", Stage::Rcpt),
            (">>> rcpt to:<a@b.example> <<< 550 no", Stage::Rcpt),
            ("550 no", Stage::Unknown),
        ] {
            assert_eq!(stage_of(notice), stage, "{notice}");
        }
    }
}
