use super::*;
use crate::smtp::wire::reply_from;

/// Answers as Gmail, Microsoft 365, Exchange, Postfix, Exim, Yahoo and others give them.
const REAL_ANSWERS: &[(Stage, &str, Scope, Hardness, Cause)] = &[
    // Gmail
    (
        Stage::RcptTo,
        "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550 5.1.1 double-checking the recipient's email address https://support.google.com/mail/?p=NoSuchUser",
        Recipient,
        Permanent,
        Address,
    ),
    (
        Stage::RcptTo,
        "550-5.2.1 The email account that you tried to reach is disabled. Learn more at\n550 5.2.1 https://support.google.com/mail/?p=DisabledUser",
        Recipient,
        Permanent,
        Address,
    ),
    (
        Stage::RcptTo,
        "452-4.2.2 The email account that you tried to reach is over quota. Please direct\n452 4.2.2 the recipient to https://support.google.com/mail/?p=OverQuotaTemp",
        Recipient,
        Temporary,
        Full,
    ),
    (
        Stage::RcptTo,
        "552-5.2.2 The email account that you tried to reach is over quota and inactive.\n552 5.2.2 https://support.google.com/mail/?p=OverQuotaPerm",
        Recipient,
        Permanent,
        Full,
    ),
    (
        Stage::RcptTo,
        "450-4.2.1 The user you are trying to contact is receiving mail at a rate that\n450 4.2.1 prevents additional messages from being delivered.",
        Recipient,
        Temporary,
        Busy,
    ),
    (
        Stage::RcptTo,
        "553-5.1.3 The recipient address <ada@> is not a valid RFC 5321 address.\n553 5.1.3 https://support.google.com/a/answer/3221692",
        Recipient,
        Permanent,
        Address,
    ),
    (
        Stage::Data,
        "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\n550 5.4.5 sending limits go to https://support.google.com/a/answer/166852",
        Mailbox,
        Temporary,
        Quota,
    ),
    (
        Stage::FinalDot,
        "550 5.4.5 Daily SMTP relay limit exceeded for user. For more information on Gmail sending limits go to https://support.google.com/a/answer/166852",
        Mailbox,
        Temporary,
        Quota,
    ),
    (
        Stage::RcptTo,
        "452-4.5.3 Your message has too many recipients. For more information on Gmail\n452 4.5.3 sending limits go to https://support.google.com/a/answer/166852",
        Mailbox,
        Temporary,
        Quota,
    ),
    (
        Stage::Auth,
        "535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials",
        Mailbox,
        Permanent,
        Auth,
    ),
    (
        Stage::Auth,
        "534-5.7.9 Application-specific password required. For more information, go to\n534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor",
        Mailbox,
        Permanent,
        Auth,
    ),
    (Stage::Auth, "534-5.7.14 Please log in via your web browser and then try again.", Mailbox, Permanent, Auth),
    (Stage::Auth, "454 4.7.0 Too many login attempts, please try again later.", Mailbox, Temporary, Auth),
    (
        Stage::Auth,
        "454 4.7.0 Cannot authenticate due to temporary system problem. Try again later.",
        Mailbox,
        Temporary,
        Auth,
    ),
    (Stage::MailFrom, "530 5.7.0 Must issue a STARTTLS command first.", Mailbox, Permanent, Auth),
    (
        Stage::MailFrom,
        "530-5.7.0 Authentication Required. For more information, go to\n530 5.7.0  https://support.google.com/mail/?p=WantAuthError",
        Mailbox,
        Permanent,
        Auth,
    ),
    (
        Stage::FinalDot,
        "552-5.7.0 This message was blocked because its content presents a potential\n552 5.7.0 security issue.",
        Message,
        Permanent,
        Content,
    ),
    (
        Stage::FinalDot,
        "550-5.7.1 [203.0.113.9] Our system has detected that this message is likely unsolicited mail.",
        Message,
        Permanent,
        Content,
    ),
    (
        Stage::FinalDot,
        "550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.",
        Mailbox,
        Permanent,
        Policy,
    ),
    (
        Stage::FinalDot,
        "550-5.7.25 [203.0.113.9] The IP address sending this message does not have a PTR record setup",
        Mailbox,
        Permanent,
        Policy,
    ),
    (
        Stage::FinalDot,
        "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating\n421 4.7.28 from your IP address.",
        Server,
        Temporary,
        Busy,
    ),
    (Stage::Banner, "421 4.7.0 Try again later, closing connection.", Server, Temporary, Busy),
    (Stage::FinalDot, "451 4.3.0 Mail server temporarily rejected message.", Server, Temporary, Busy),
    (Stage::FinalDot, "552 5.3.4 Your message exceeded Google's message size limits.", Message, Permanent, Content),
    (Stage::MailFrom, "555 5.5.2 Syntax error, goodbye. k12sm1", Mailbox, Permanent, Sender),
    // Microsoft 365, Outlook.com, Exchange
    (
        Stage::Auth,
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
        Mailbox,
        Permanent,
        Auth,
    ),
    (Stage::Auth, "535 5.7.3 Authentication unsuccessful", Mailbox, Permanent, Auth),
    (Stage::MailFrom, "530 5.7.57 Client not authenticated to send mail.", Mailbox, Permanent, Auth),
    (
        Stage::FinalDot,
        "554 5.2.252 SendAsDenied; ada@example.com not allowed to send as bob@example.com",
        Mailbox,
        Permanent,
        Sender,
    ),
    (
        Stage::FinalDot,
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        Mailbox,
        Permanent,
        Sender,
    ),
    (
        Stage::FinalDot,
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message",
        Mailbox,
        Temporary,
        Quota,
    ),
    (Stage::FinalDot, "554 5.2.252 RecipientRateLimit exceeded", Mailbox, Temporary, Quota),
    (
        Stage::FinalDot,
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
        Mailbox,
        Temporary,
        Quota,
    ),
    (Stage::FinalDot, "550 5.1.8 Access denied, bad outbound sender AS(42003)", Mailbox, Permanent, Sender),
    (
        Stage::FinalDot,
        "550 5.7.501 Service unavailable. Access denied, spam abuse detected from the sender.",
        Mailbox,
        Permanent,
        Policy,
    ),
    (
        Stage::RcptTo,
        "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.",
        Mailbox,
        Permanent,
        Policy,
    ),
    (
        Stage::RcptTo,
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
        Recipient,
        Permanent,
        Address,
    ),
    (
        Stage::RcptTo,
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        Recipient,
        Permanent,
        Address,
    ),
    (Stage::RcptTo, "550 5.7.64 TenantAttribution; Relay Access Denied", Mailbox, Permanent, Policy),
    (
        Stage::FinalDot,
        "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.",
        Server,
        Temporary,
        Busy,
    ),
    (Stage::RcptTo, "451 4.7.500 Server busy. Please try again later from [203.0.113.9].", Server, Temporary, Busy),
    (Stage::Hello, "421 4.3.2 Service not available, closing transmission channel", Server, Temporary, Busy),
    (Stage::RcptTo, "452 4.3.1 Insufficient system resources", Server, Temporary, Busy),
    (Stage::RcptTo, "550 Requested action not taken: mailbox unavailable", Recipient, Permanent, Address),
    (Stage::FinalDot, "552 5.3.4 Message size exceeds fixed maximum message size", Message, Permanent, Content),
    (Stage::RcptTo, "501 5.1.3 Invalid address", Recipient, Permanent, Address),
    (Stage::FinalDot, "550 5.2.2 STOREDRV.Deliver; mailbox full", Recipient, Permanent, Full),
    // Postfix and Dovecot
    (
        Stage::RcptTo,
        "550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
        Recipient,
        Permanent,
        Address,
    ),
    (
        Stage::RcptTo,
        "450 4.2.0 <bob@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.com.html",
        Recipient,
        Temporary,
        Busy,
    ),
    (Stage::RcptTo, "554 5.7.1 <bob@example.com>: Relay access denied", Mailbox, Permanent, Policy),
    (Stage::RcptTo, "454 4.7.1 <bob@example.com>: Relay access denied", Mailbox, Temporary, Auth),
    (
        Stage::RcptTo,
        "553 5.7.1 <ada@example.com>: Sender address rejected: not owned by user bob",
        Mailbox,
        Permanent,
        Sender,
    ),
    (
        Stage::RcptTo,
        "450 4.1.8 <ada@example.com>: Sender address rejected: Domain not found",
        Mailbox,
        Temporary,
        Sender,
    ),
    (
        Stage::RcptTo,
        "554 5.7.1 <unknown[203.0.113.9]>: Client host rejected: Access denied",
        Mailbox,
        Permanent,
        Policy,
    ),
    (
        Stage::RcptTo,
        "450 4.7.25 Client host rejected: cannot find your hostname, [203.0.113.9]",
        Mailbox,
        Temporary,
        Policy,
    ),
    (
        Stage::RcptTo,
        "554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.spamhaus.org",
        Mailbox,
        Permanent,
        Policy,
    ),
    (Stage::RcptTo, "451 4.3.5 Server configuration error", Server, Temporary, Busy),
    (Stage::RcptTo, "451 4.3.0 <bob@example.com>: Temporary lookup failure", Server, Temporary, Busy),
    (
        Stage::RcptTo,
        "552 5.2.2 <bob@example.com>: Recipient address rejected: Quota exceeded (mailbox for user is full)",
        Recipient,
        Permanent,
        Full,
    ),
    (
        Stage::RcptTo,
        "452 4.2.2 <bob@example.com> Quota exceeded (mailbox for user is full)",
        Recipient,
        Temporary,
        Full,
    ),
    (Stage::MailFrom, "452 4.3.1 Insufficient system storage", Server, Temporary, Busy),
    (Stage::MailFrom, "552 5.3.4 Message size exceeds fixed limit", Message, Permanent, Content),
    (
        Stage::MailFrom,
        "553 5.1.8 <ada@example.com>: Sender address rejected: Domain not found",
        Mailbox,
        Permanent,
        Sender,
    ),
    (Stage::Auth, "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", Mailbox, Permanent, Auth),
    (
        Stage::Auth,
        "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
        Mailbox,
        Temporary,
        Auth,
    ),
    (Stage::StartTls, "454 4.7.0 TLS not available due to local problem", Server, Temporary, Busy),
    (Stage::FinalDot, "554 5.7.1 Spam message rejected", Message, Permanent, Content),
    (Stage::FinalDot, "451 4.7.1 Service unavailable - try again later", Message, Temporary, Busy),
    (Stage::FinalDot, "421 4.4.2 mail.example.com Error: timeout exceeded", Server, Temporary, Busy),
    (Stage::Data, "554 5.5.1 Error: no valid recipients", Message, Permanent, Content),
    (Stage::RcptTo, "555 5.5.4 Unsupported option: FOO", Recipient, Permanent, Address),
    // Exim and hosters
    (Stage::RcptTo, "550 Unrouteable address", Recipient, Permanent, Address),
    (Stage::RcptTo, "550 No such user here", Recipient, Permanent, Address),
    (Stage::RcptTo, "550 relay not permitted", Mailbox, Permanent, Policy),
    (Stage::RcptTo, "550 relay not permitted, authentication required", Mailbox, Permanent, Auth),
    (Stage::RcptTo, "550 Sender verify failed", Mailbox, Permanent, Sender),
    (Stage::RcptTo, "451 Temporary local problem - please try later", Recipient, Temporary, Busy),
    (
        Stage::RcptTo,
        "550-Domain example.com has exceeded the max emails per hour (100/100 (100%)) allowed.\n550 Message discarded.",
        Mailbox,
        Temporary,
        Quota,
    ),
    (Stage::RcptTo, "451 Greylisting in action, please come back later", Recipient, Temporary, Busy),
    (Stage::FinalDot, "550 This message was classified as SPAM and may not be delivered", Message, Permanent, Content),
    (Stage::Auth, "535 Incorrect authentication data", Mailbox, Permanent, Auth),
    (Stage::Auth, "435 Unable to authenticate at present", Mailbox, Temporary, Auth),
    (Stage::Banner, "554 No SMTP service here", Server, Permanent, Policy),
    (Stage::Hello, "501 Syntactically invalid EHLO argument(s)", Server, Permanent, Protocol),
    // Yahoo, AOL, GMX, iCloud
    (
        Stage::RcptTo,
        "554 delivery error: dd This user doesn't have a yahoo.com account (bob@yahoo.com) [-5] - mta1.mail.example",
        Recipient,
        Permanent,
        Address,
    ),
    (
        Stage::MailFrom,
        "421 4.7.0 [TSS04] Messages from 203.0.113.9 temporarily deferred due to unexpected volume or user complaints",
        Server,
        Temporary,
        Busy,
    ),
    (
        Stage::MailFrom,
        "553 5.7.1 [BL21] Connections will not be accepted from 203.0.113.9, because the ip is in Spamhaus's list",
        Mailbox,
        Permanent,
        Policy,
    ),
    (
        Stage::FinalDot,
        "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
        Message,
        Permanent,
        Content,
    ),
    (Stage::RcptTo, "552 1 Requested mail action aborted, mailbox not found", Recipient, Permanent, Address),
    (Stage::MailFrom, "550 5.7.0 From address is not one of your addresses.", Mailbox, Permanent, Sender),
    (Stage::FinalDot, "554 Transaction failed. Reject due to policy restrictions.", Message, Permanent, Content),
    (Stage::RcptTo, "550 5.1.1 unknown user", Recipient, Permanent, Address),
    (Stage::RcptTo, "551 5.1.6 User not local; please try <forward@example.org>", Recipient, Permanent, Address),
    (Stage::RcptTo, "503 5.5.1 Error: need MAIL command", Server, Permanent, Protocol),
];

#[test]
fn real_answers_are_judged_as_people_would() {
    let mut wrong = Vec::new();
    for (at, words, scope, hardness, cause) in REAL_ANSWERS {
        let reply = reply_from(words);
        let verdict = judge(&reply, *at);
        let wanted = Verdict { scope: *scope, hardness: *hardness, cause: *cause };
        let as_fault = judge(&Fault::Reply { reply, at: *at }, Stage::FinalDot);
        if verdict != wanted || as_fault != wanted {
            wrong.push(format!("{at:?} {words}\n   judged {verdict:?}\n   wanted {wanted:?}"));
        }
    }
    assert!(REAL_ANSWERS.len() >= 60);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

const STAGES: [Stage; 13] = [
    Stage::Connect,
    Stage::Banner,
    Stage::Hello,
    Stage::StartTls,
    Stage::Auth,
    Stage::MailFrom,
    Stage::RcptTo,
    Stage::Data,
    Stage::Body,
    Stage::FinalDot,
    Stage::Reset,
    Stage::Quit,
    Stage::Reading,
];

#[test]
fn every_4xx_is_temporary_and_every_421_concerns_the_server() {
    for at in STAGES {
        for code in 400..500 {
            let verdict = judge(&reply_from(&format!("{code} words")), at);
            assert_eq!(verdict.hardness, Temporary, "{code} {at:?}");
            assert!(code != 421 || verdict.scope == Server);
        }
    }
}

#[test]
fn signing_in_and_policy_never_mark_a_person() {
    for at in STAGES {
        for words in ["530 5.7.0 x", "534 x", "535 5.7.8 x", "538 x", "454 4.7.0 x"] {
            assert_ne!(judge(&reply_from(words), at).scope, Recipient, "{words} {at:?}");
        }
    }
    for detail in 0..999 {
        let verdict = judge(&reply_from(&format!("550 5.7.{detail} refused")), Stage::RcptTo);
        assert_eq!(verdict.scope, Mailbox, "5.7.{detail}");
    }
}

#[test]
fn no_complete_answer_after_the_dot_is_uncertain_and_nothing_else_is() {
    let host = || "h".to_owned();
    let uncertain = [
        Fault::Cut { at: Stage::FinalDot },
        Fault::TimedOut { host: host(), at: Stage::FinalDot },
        Fault::Protocol("garbage".into()),
        Fault::Io("host unreachable".into()),
    ];
    for fault in &uncertain {
        assert_eq!(judge(fault, Stage::FinalDot).hardness, Uncertain, "{fault}");
    }
    for words in ["354 go on", "250 ok", "150 hm"] {
        assert_eq!(judge(&reply_from(words), Stage::FinalDot).hardness, Uncertain);
    }
    for at in STAGES.into_iter().filter(|at| *at != Stage::FinalDot) {
        for fault in [
            Fault::Cut { at },
            Fault::TimedOut { host: host(), at },
            Fault::Protocol("garbage".into()),
            Fault::Io("x".into()),
            Fault::Reply { reply: reply_from("250 ok"), at },
        ] {
            assert_eq!(judge(&fault, at).hardness, Temporary, "{fault}");
        }
    }
    // The connection was lost before the dot was written: that is known, whoever asks.
    assert_eq!(judge(&Fault::Cut { at: Stage::Body }, Stage::FinalDot).hardness, Temporary);
}

#[test]
fn settings_and_certificates_hold_the_mailbox_until_someone_acts() {
    let host = || "h".to_owned();
    for (fault, cause) in [
        (Fault::Tls(TlsFault::Expired), Cause::Tls),
        (Fault::Tls(TlsFault::WrongHost { presented: vec![] }), Cause::Tls),
        (Fault::Tls(TlsFault::Untrusted), Cause::Tls),
        (Fault::StartTlsMissing, Settings),
        (Fault::Forbidden { host: host() }, Settings),
        (Fault::NotEncrypted { host: host() }, Settings),
        (Fault::AuthMechanismMissing, Settings),
        (Fault::AuthRejected { reply: "535".into() }, Auth),
        (Fault::BadAddress { address: String::new(), at: Stage::MailFrom }, Sender),
    ] {
        let verdict = judge(&fault, Stage::Connect);
        assert_eq!((verdict.hardness, verdict.cause), (Permanent, cause), "{fault}");
        assert!(matches!(verdict.scope, Mailbox | Server), "{fault}");
    }
    let bad = Fault::BadAddress { address: String::new(), at: Stage::RcptTo };
    assert_eq!(judge(&bad, Stage::RcptTo), is(Recipient, Permanent, Address));
    assert_eq!(judge(&Fault::TooLarge { limit: 1 }, Stage::MailFrom), is(Message, Permanent, Content));
}
