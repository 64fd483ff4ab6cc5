//! Fixtures: every kind of message, and for every automatic form the human mail that looks like it.

use jiff::civil::{Date, date};
use relance_domain::inbound::{Bounce, Hardness, Kind};

use super::*;
use crate::parse::parse;

fn ours() -> Ours {
    Ours { addresses: vec!["rep@relay.example".into(), "sales@relay.example".into()] }
}

/// A message of Ada's, written on Friday 20 November 2026.
fn from_ada(subject: &str, headers: &str, body: &str) -> String {
    format!(
        "Return-Path: <ada@acme.example>\nFrom: Ada Lovelace <ada@acme.example>\nTo: rep@relay.example\nSubject: {subject}\n\
         Date: Fri, 20 Nov 2026 10:00:00 +0100\nMessage-ID: <ada-1@acme.example>\nMIME-Version: 1.0\n{headers}\
         Content-Type: text/plain; charset=utf-8\n\n{body}"
    )
}

/// Ada answers in our thread.
fn answer(headers: &str, body: &str) -> String {
    from_ada("Re: A question about Acme", &format!("In-Reply-To: <ours-1@relay.example>\n{headers}"), body)
}

/// A message of a mail system.
fn from_system(subject: &str, body: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.relay.example>\nTo: rep@relay.example\nSubject: {subject}\n\
         Date: Fri, 20 Nov 2026 10:00:00 +0100\nMessage-ID: <dsn-1@mx.relay.example>\nAuto-Submitted: auto-replied\n\n{body}"
    )
}

/// A standard delivery report.
fn report(fields: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.relay.example\nTo: rep@relay.example\nSubject: Undelivered Mail Returned to Sender\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nThis is the mail system at host mx.relay.example.\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.relay.example\n\nFinal-Recipient: rfc822; Ada@Acme.example\n{fields}\n\n\
         --b\nContent-Type: message/rfc822\n\nMessage-ID: <ours-1@relay.example>\nTo: ada@acme.example\nSubject: A question\n\nHello\n--b--\n"
    )
}

fn judged(raw: &str) -> Judgement {
    let message = parse(raw.as_bytes()).unwrap();
    understand(&message, &ours())
}

fn kind(raw: &str) -> Kind {
    judged(raw).kind
}

fn bounce(raw: &str) -> Bounce {
    match kind(raw) {
        Kind::Bounce(bounce) => bounce,
        other => panic!("expected a bounce, got {other:?}"),
    }
}

fn is_reply(raw: &str) {
    let judgement = judged(raw);
    assert!(matches!(judgement.kind, Kind::Reply { .. }), "{judgement:?}\n{raw}");
}

fn is_auto_reply(raw: &str) {
    let judgement = judged(raw);
    assert!(matches!(judgement.kind, Kind::AutoReply { .. }), "{judgement:?}\n{raw}");
    assert!(!judgement.evidence.is_empty());
}

fn is_doubtful(raw: &str) {
    let judgement = judged(raw);
    assert!(matches!(judgement.kind, Kind::Doubtful { .. }), "{judgement:?}\n{raw}");
}

fn is_other(raw: &str, what: &str) {
    assert_eq!(kind(raw), Kind::Other { what: what.into() }, "{raw}");
}

// Delivery reports

#[test]
fn a_standard_report_is_a_bounce_with_all_it_says() {
    let bounce = bounce(&report(
        "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <ada@acme.example>: User unknown\n    in virtual mailbox table",
    ));
    assert_eq!(bounce.hardness, Hardness::Hard);
    assert_eq!(bounce.status.as_deref(), Some("5.1.1"));
    assert_eq!(
        bounce.diagnostic.as_deref(),
        Some("550 5.1.1 <ada@acme.example>: User unknown in virtual mailbox table")
    );
    assert_eq!(bounce.recipients, ["ada@acme.example"]);
    assert_eq!(bounce.original_message_id.as_deref(), Some("ours-1@relay.example"));
}

#[test]
fn the_servers_words_decide_between_hard_and_soft_before_its_code() {
    for (fields, hardness) in [
        ("Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 mailbox is full", Hardness::Soft),
        ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 No such user here", Hardness::Hard),
        ("Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 Over quota", Hardness::Soft),
        ("Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 rejected for policy reasons", Hardness::Soft),
        (
            "Action: failed\nStatus: 5.7.26\nDiagnostic-Code: smtp; 550-5.7.26 does not pass authentication checks (SPF and DKIM)",
            Hardness::Soft,
        ),
        (
            "Action: failed\nStatus: 5.1.8\nDiagnostic-Code: smtp; 553 5.1.8 Domain of sender address does not exist",
            Hardness::Soft,
        ),
        (
            "Action: failed\nStatus: 4.4.1\nDiagnostic-Code: smtp; connect to acme.example: Connection timed out",
            Hardness::Soft,
        ),
        ("Action: failed\nStatus: 5.4.4\nDiagnostic-Code: x-postfix; Host or domain name not found", Hardness::Hard),
        (
            "Action: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp; 556 5.1.10 Recipient address has null MX",
            Hardness::Hard,
        ),
        (
            "Action: failed\nStatus: 5.4.1\nDiagnostic-Code: smtp; 550 5.4.1 Recipient address rejected: Access denied",
            Hardness::Hard,
        ),
        ("Action: failed\nStatus: 5.1.1", Hardness::Hard),
        ("Action: failed\nStatus: 5.3.0", Hardness::Soft),
    ] {
        assert_eq!(bounce(&report(fields)).hardness, hardness, "{fields}");
    }
}

#[test]
fn a_delay_and_a_delivery_are_no_failures() {
    assert_eq!(bounce(&report("Action: delayed\nStatus: 4.4.1\nWill-Retry-Until: Tue")).hardness, Hardness::Delayed);
    assert_eq!(bounce(&report("Action: delivered\nStatus: 2.1.5")).hardness, Hardness::Delivered);
    assert_eq!(bounce(&report("Action: relayed\nStatus: 2.1.9")).hardness, Hardness::Delivered);
    let warning = from_system(
        "Warning: could not send message for past 4 hours",
        "THIS IS A WARNING MESSAGE ONLY\nYOU DO NOT NEED TO RESEND YOUR MESSAGE\n",
    );
    assert_eq!(bounce(&warning).hardness, Hardness::Delayed);
}

#[test]
fn home_made_notices_are_recognised_by_two_signs() {
    let qmail = from_system(
        "failure notice",
        "Hi. This is the qmail-send program at mx.relay.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<ada@acme.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <rep@relay.example>\nMessage-ID: <ours-1@relay.example>\nTo: ada@acme.example\n\nThe mailbox is full of ideas\n",
    );
    let bounce_of_qmail = bounce(&qmail);
    assert_eq!(bounce_of_qmail.hardness, Hardness::Hard);
    assert_eq!(bounce_of_qmail.status.as_deref(), Some("5.1.1"));
    assert_eq!(bounce_of_qmail.original_message_id.as_deref(), Some("ours-1@relay.example"));
    assert_eq!(bounce_of_qmail.recipients, ["ada@acme.example"]);

    let exim = from_system(
        "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered to one or more of its recipients.\n\n  ada@acme.example\n    SMTP error from remote mail server after RCPT TO:<ada@acme.example>:\n    550 Mailbox quota exceeded\n\n------ This is a copy of the message, including all the headers. ------\n\nMessage-ID:\n <ours-2@relay.example>\n",
    );
    let bounce_of_exim = bounce(&exim);
    assert_eq!(bounce_of_exim.hardness, Hardness::Soft);
    assert_eq!(bounce_of_exim.original_message_id.as_deref(), Some("ours-2@relay.example"));

    let german = from_system(
        "Unzustellbar: Eine Frage",
        "Ihre Nachricht konnte nicht zugestellt werden.\n\nada@acme.example: Empfänger unbekannt\n",
    );
    assert_eq!(bounce(&german).hardness, Hardness::Hard);
}

#[test]
fn a_header_of_failure_notices_is_proof_enough() {
    let raw = "From: someone@provider.example\nTo: rep@relay.example\nSubject: Hello\nX-Failed-Recipients: ada@acme.example\n\nAddress not found\n";
    assert_eq!(bounce(raw).recipients, ["ada@acme.example"]);
}

#[test]
fn a_server_that_knows_nobody_only_after_the_whole_message_is_filtering() {
    let raw = from_system(
        "Undelivered Mail Returned to Sender",
        "<ada@acme.example>: host mx.acme.example said: 550 Unknown user (in reply to end of DATA command)\n",
    );
    assert_eq!(bounce(&raw).hardness, Hardness::Soft);
}

#[test]
fn a_person_writing_about_failures_is_a_person() {
    is_reply(&answer("", "Your last mail could not be delivered to my colleague, mailbox full. Try me instead.\n"));
    is_reply(&from_ada(
        "Re: Undeliverable: your offer",
        "In-Reply-To: <ours-1@relay.example>\n",
        "I got this from the 550 team. Funny.\n",
    ));
    is_reply(&from_ada(
        "Delivery failed at our gate",
        "",
        "The parcel you sent was returned to sender. Can you send it again?\n\nAda\n",
    ));
    is_reply(&from_ada("Returned mail policy", "", "How do you handle this in your product?\n"));
}

#[test]
fn a_forwarded_failure_is_neither_answer_nor_failure() {
    is_doubtful(&from_ada(
        "Fwd: Undelivered Mail Returned to Sender",
        "",
        "See below.\n\n> <x@acme.example>: 550 User unknown\n",
    ));
}

#[test]
fn a_notification_in_json_is_read() {
    let raw = "From: AWS Notifications <no-reply@sns.amazonaws.com>\nTo: rep@relay.example\nSubject: AWS Notification Message\n\n\
        {\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\",\"bouncedRecipients\":[{\"emailAddress\":\"Ada@acme.example\",\
        \"status\":\"5.1.1\",\"diagnosticCode\":\"smtp; 550 5.1.1 user unknown\"}]},\"mail\":{\"headers\":[{\"name\":\"Message-ID\",\"value\":\"<ours-1@relay.example>\"}]}}\n\n--\nIf you wish to stop\n";
    let bounce = bounce(raw);
    assert_eq!((bounce.hardness, bounce.recipients), (Hardness::Hard, vec!["ada@acme.example".to_owned()]));
    assert_eq!(bounce.original_message_id.as_deref(), Some("ours-1@relay.example"));
}

// Complaints, receipts, challenges, calendars, lists

#[test]
fn a_feedback_report_is_a_complaint() {
    let raw = "From: fbl@provider.example\nTo: abuse@relay.example\nSubject: FW: A question\nMIME-Version: 1.0\n\
        Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\nThis is an email abuse report.\n\
        --b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: X/1\nVersion: 1\nOriginal-Rcpt-To: <Ada@acme.example>\n\n\
        --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <ours-1@relay.example>\nTo: <undisclosed@provider.example>\n\n--b--\n";
    assert_eq!(
        kind(raw),
        Kind::Complaint {
            feedback_type: "abuse".into(),
            recipient: Some("ada@acme.example".into()),
            original_message_id: Some("ours-1@relay.example".into()),
        }
    );
}

#[test]
fn a_read_receipt_is_no_answer() {
    let raw = from_ada("Read: A question", "", "").replace(
        "Content-Type: text/plain; charset=utf-8\n\n",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\nContent-Type: text/plain\n\nYour message was read.\n\
         --b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;ada@acme.example\nOriginal-Message-ID: <ours-9@relay.example>\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n",
    );
    is_other(&raw, "read receipt");
    let message = parse(raw.as_bytes()).unwrap();
    assert!(ids_referred_to(&message, &understand(&message, &ours())).contains(&"ours-9@relay.example".to_owned()));
}

#[test]
fn a_challenge_is_no_answer() {
    is_other(
        &from_ada(
            "Re: A question",
            "Precedence: bulk\n",
            "Please click the link below to have your message delivered and prove that you are human:\nhttps://challenge.example/1\n",
        ),
        "challenge",
    );
    is_reply(&answer("", "Before we talk, can you prove you are human? Your mails read like a robot's.\n"));
}

#[test]
fn a_calendar_answer_is_no_answer_but_an_invitation_is() {
    let with_calendar = |method: &str| {
        from_ada("Accepted: Demo", "", "").replace(
            "Content-Type: text/plain; charset=utf-8\n\n",
            &format!("Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee you there\n--b\nContent-Type: text/calendar; method={method}\n\nBEGIN:VCALENDAR\nMETHOD:{method}\nEND:VCALENDAR\n--b--\n"),
        )
    };
    is_other(&with_calendar("REPLY"), "calendar answer");
    is_reply(&with_calendar("REQUEST"));
}

#[test]
fn a_newsletter_is_no_answer_but_an_answer_through_a_list_is() {
    is_other(
        &from_ada("Acme news", "List-Unsubscribe: <https://acme.example/u>\n", "All the news of November.\n"),
        "bulk mail",
    );
    is_other(&from_ada("Acme news", "Precedence: bulk\n", "All the news of November.\n"), "bulk mail");
    is_reply(&answer("List-Id: <team.acme.example>\n", "We talked about it in the team. Yes, please.\n"));
}

#[test]
fn our_own_mail_is_never_an_answer() {
    let raw =
        answer("", "A copy to myself\n").replace("Ada Lovelace <ada@acme.example>", "Rep <Rep+crm@relay.example>");
    assert_eq!(kind(&raw), Kind::Own);
}

// Automatic answers and their human look-alikes

#[test]
fn headers_only_machines_write_are_proof() {
    for header in [
        "Auto-Submitted: auto-replied\n",
        "Auto-Submitted: auto-generated; owner=x\n",
        "X-Autoreply: yes\n",
        "X-Autorespond: x\n",
        "Precedence: auto_reply\n",
        "X-Precedence: auto-reply\n",
        "X-FC-MachineGenerated: true\n",
        "X-MS-Exchange-Inbox-Rules-Loop: ada@acme.example\n",
    ] {
        is_auto_reply(&answer(header, "I am not here.\n"));
    }
}

#[test]
fn headers_that_prove_nothing_leave_a_person_a_person() {
    for header in
        ["Auto-Submitted: no\n", "X-Auto-Response-Suppress: All\n", "X-Autoreply: no\n", "Precedence: normal\n"]
    {
        is_reply(&answer(header, "Yes, please call me on Monday.\n"));
    }
}

#[test]
fn subjects_of_automatic_answers_in_twelve_languages() {
    for subject in [
        "Automatic reply: A question about Acme",
        "Out of Office: A question",
        "Abwesenheitsnotiz: Eine Frage",
        "Automatische Antwort: Eine Frage",
        "Réponse automatique : Une question",
        "Absence du bureau",
        "Respuesta automática: Una pregunta",
        "Fuera de la oficina",
        "Risposta automatica: Una domanda",
        "Fuori sede",
        "Resposta automática: Uma pergunta",
        "Automatisch antwoord: Een vraag",
        "Afwezig: Een vraag",
        "Odpowiedź automatyczna: Pytanie",
        "Autosvar: En fråga",
        "Frånvaro",
        "Automatisk svar: Et spørgsmål",
        "自動応答: 質問",
        "自动回复: 问题",
        "[EXTERNAL] Automatic reply: A question",
        "Away until May 5",
    ] {
        is_auto_reply(&from_ada(subject, "In-Reply-To: <ours-1@relay.example>\n", "See above.\n"));
    }
}

#[test]
fn our_own_subject_behind_re_proves_nothing() {
    for subject in [
        "Re: Out of office plants for Acme",
        "AW: Abwesenheit im Team planen",
        "Re: Automatic reply to every lead",
        "RE: Holiday: the new planner",
    ] {
        is_reply(&from_ada(subject, "In-Reply-To: <ours-1@relay.example>\n", "Interesting. What does it cost?\n"));
    }
    is_reply(&from_ada("Vacation rentals", "", "Do you rent to companies?\n"));
    is_reply(&from_ada("Out of office tomorrow, can we talk on Friday?", "", "Friday at ten?\n"));
}

#[test]
fn a_person_who_says_that_they_are_away_is_a_person_when_they_quote_us() {
    is_reply(&answer(
        "",
        "I'm on vacation this week, let's talk on Monday.\n\nOn Thu, 19 Nov 2026 at 09:00, Rep <rep@relay.example> wrote:\n> Do you have time?\n",
    ));
}

#[test]
fn words_of_absence_without_any_proof_leave_a_doubt() {
    is_doubtful(&answer("", "I am out of the office until Monday. In urgent cases call my colleague.\n"));
    is_doubtful(&answer("", "Ich bin im Urlaub und ab dem 30.11. wieder da.\n"));
}

#[test]
fn polite_and_short_answers_without_a_quotation_are_no_machines() {
    for body in [
        "Thank you for your email. I am interested, please call me.\n",
        "Ich bin derzeit nicht interessiert, danke.\n",
        "Ik ben momenteel tevreden met onze leverancier.\n",
        "Let's talk when I return from the fair.\n",
        "Bob no longer works here, I took over his projects.\n",
    ] {
        is_reply(&answer("", body));
    }
}

#[test]
fn subjects_of_absence_that_people_write_too_need_another_sign() {
    for subject in ["Auto - Leasing", "Vacation", "Urlaub: Angebot", "Semester", "Away", "Ferie"] {
        is_reply(&from_ada(subject, "", "Can you make us an offer?\n"));
    }
    is_auto_reply(&from_ada("Vacation", "", "I'm on vacation until 30 November.\n"));
    is_auto_reply(&from_ada("Urlaub", "In-Reply-To: <ours-1@relay.example>\n", "Bis bald!\n"));
}

#[test]
fn a_machine_that_names_itself_is_a_machine() {
    is_auto_reply(&answer("", "This is an automated response. We have received your request.\n"));
    is_auto_reply(&answer("", "Dies ist eine automatische Antwort.\n"));
}

fn return_date_of(body: &str) -> Option<Date> {
    match kind(&answer("Auto-Submitted: auto-replied\n", body)) {
        Kind::AutoReply { return_date, sentence } => {
            assert_eq!(return_date.is_some(), sentence.is_some());
            return_date
        }
        other => panic!("expected an automatic answer, got {other:?}"),
    }
}

#[test]
fn return_dates_are_found_in_twelve_languages() {
    for (body, expected) in [
        // The day of writing is Friday 20 November 2026.
        ("I am out of the office and will be back on Monday 23 November.", date(2026, 11, 23)),
        ("I will return on December 1st, 2026. Thank you.", date(2026, 12, 1)),
        ("I'm away from November 18 through November 27 with limited access to email.", date(2026, 11, 28)),
        ("I am out of office until Tuesday.", date(2026, 11, 24)),
        ("I'll be back next week.", date(2026, 11, 23)),
        ("Back in the office on 12/1.", date(2026, 12, 1)),
        ("I return on 4 January.", date(2027, 1, 4)),
        ("I will be back on 2026-12-03.", date(2026, 12, 3)),
        ("Ich bin bis 30.11. nicht im Büro.", date(2026, 12, 1)),
        ("Ich bin ab dem 7. Dezember wieder erreichbar.", date(2026, 12, 7)),
        (
            "Ich bin vom 16.11.2026 bis einschließlich 27.11.2026 im Urlaub. Ab 30.11.2026 bin ich wieder da.",
            date(2026, 11, 30),
        ),
        ("Am Montag bin ich wieder im Büro.", date(2026, 11, 23)),
        ("Je suis absent du bureau jusqu'au 5 décembre.", date(2026, 12, 6)),
        ("Je serai de retour le lundi 30 novembre 2026.", date(2026, 11, 30)),
        ("Estaré fuera de la oficina hasta el 4 de diciembre de 2026.", date(2026, 12, 5)),
        ("Sono assente fino al 27 novembre.", date(2026, 11, 28)),
        ("Tornerò il 30 novembre.", date(2026, 11, 30)),
        ("Estou de férias até 27 de novembro.", date(2026, 11, 28)),
        ("Ik ben terug op maandag 30 november.", date(2026, 11, 30)),
        ("Ik ben afwezig tot en met 27 november.", date(2026, 11, 28)),
        ("Jestem na urlopie do 27 listopada.", date(2026, 11, 28)),
        ("Jag är tillbaka den 30 november.", date(2026, 11, 30)),
        ("Jeg er tilbage mandag den 30. november.", date(2026, 11, 30)),
        ("11月27日まで休暇をいただいております。", date(2026, 11, 28)),
        ("我将于11月30日返回办公室。", date(2026, 11, 30)),
    ] {
        assert_eq!(return_date_of(body), Some(expected), "{body}");
    }
}

#[test]
fn a_date_that_is_no_return_is_not_taken_for_one() {
    for body in [
        "I am out of the office. Our summer party was on 3 July 2026.",
        "I am away. Call +49 30 1234-5678 or visit us at 12.30 in room 5.",
        "We received your message. Ticket 2026-4711.",
        "I was back on 3 March 2020.",
    ] {
        assert_eq!(return_date_of(body), None, "{body}");
    }
}

// Wishes

#[test]
fn a_short_wish_for_no_more_mail_is_one() {
    for body in [
        "Unsubscribe",
        "please remove me from your list.\n\nAda",
        "STOP emailing me!",
        "Bitte abmelden.",
        "Merci de me désabonner.",
        "Por favor, darme de baja.",
        "Take me off.\n\n-- \nAda Lovelace\nAcme Ltd",
        "unsubscribe\n\nOn Thu, 19 Nov 2026 at 09:00, Rep <rep@relay.example> wrote:\n> Do you have time?",
    ] {
        assert_eq!(kind(&answer("", body)), Kind::UnsubscribeRequest, "{body}");
    }
    assert_eq!(kind(&from_ada("unsubscribe", "", "")), Kind::UnsubscribeRequest);
    assert_eq!(
        kind(&from_ada(
            "Unsubscribe",
            "Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n",
            "Apple Mail sent this email to unsubscribe."
        )),
        Kind::UnsubscribeRequest
    );
}

#[test]
fn a_longer_answer_that_mentions_unsubscribing_is_an_answer() {
    is_reply(&answer(
        "",
        "Thanks for the mail. I had to unsubscribe from most vendors' lists this year because nobody reads them any more, but yours looks useful for our team in Berlin. Can you send me the price list?\n",
    ));
    is_reply(&answer("", "How many of your customers' leads unsubscribe?\n"));
    is_reply(&answer(
        "",
        "Sounds good, let's talk.\n\nOn Thu, 19 Nov 2026 at 09:00, Rep <rep@relay.example> wrote:\n> Hello\n> To unsubscribe click here\n",
    ));
}

// Answers, folded

fn visible(raw: &str) -> String {
    match kind(raw) {
        Kind::Reply { visible_text, .. } => visible_text,
        other => panic!("expected a reply, got {other:?}"),
    }
}

#[test]
fn the_quotation_is_folded_in_every_form() {
    for body in [
        "Yes.\n\nOn Thu, 19 Nov 2026 at 09:00, Rep <rep@relay.example> wrote:\n> Do you have time?\n",
        "Yes.\n\nOn Thursday, November 19, 2026, a very long name of a sender\n<rep@relay.example> wrote:\n\n> Do you have time?\n",
        "Yes.\n\nAm 19.11.2026 um 09:00 schrieb Rep <rep@relay.example>:\n> Haben Sie Zeit?\n",
        "Yes.\n\nLe jeu. 19 nov. 2026 à 09:00, Rep <rep@relay.example> a écrit :\n> Avez-vous le temps ?\n",
        "Yes.\n\nEl 19/11/2026 a las 9:00, Rep escribió:\n> ¿Tiene tiempo?\n",
        "Yes.\n\n-----Original Message-----\nFrom: Rep\nSent: Thursday\nTo: Ada\nSubject: A question\n\nDo you have time?\n",
        "Yes.\n\n________________________________\nFrom: Rep <rep@relay.example>\nSent: Thursday, November 19, 2026 9:00\nTo: Ada\nSubject: A question\n\nDo you have time?\n",
        "Yes.\n\nVon: Rep <rep@relay.example>\nGesendet: Donnerstag, 19. November 2026 09:00\nAn: Ada\nBetreff: Eine Frage\n\nHaben Sie Zeit?\n",
        "Yes.\n\nDe : Rep <rep@relay.example>\nEnvoyé : jeudi 19 novembre 2026 09:00\nÀ : Ada\nObjet : Une question\n\nAvez-vous le temps ?\n",
        "Yes.\n\nSent from my iPhone\n\n> On 19 Nov 2026, at 09:00, Rep <rep@relay.example> wrote:\n> \n> Do you have time?\n",
        "On Thu, 19 Nov 2026 at 09:00, Rep <rep@relay.example> wrote:\n> Do you have time?\n\nYes.\n",
        "Yes.\n-- \nAda Lovelace\nAcme Ltd\n",
    ] {
        let raw = answer("", body);
        assert_eq!(visible(&raw), "Yes.", "{body}");
        let Kind::Reply { quoted_text, .. } = kind(&raw) else { panic!("no reply") };
        assert!(!quoted_text.is_empty());
    }
}

#[test]
fn quotations_inside_an_answer_stay_with_it() {
    assert_eq!(visible(&answer("", "> Do you have time?\n\nYes.\n")), "> Do you have time?\n\nYes.");
}

#[test]
fn html_alone_is_read_and_its_quotation_folded() {
    let raw = answer("", "<html><head><style>p{color:red}</style></head><body><p>Yes &amp; no.</p><div class=\"gmail_quote\"><div>On Thu, Nov 19, 2026 at 9:00 AM Rep &lt;<a href=\"mailto:rep@relay.example\">rep@relay.example</a>&gt; wrote:<br></div><blockquote>Do you have time?</blockquote></div></body></html>")
        .replace("text/plain", "text/html");
    assert_eq!(visible(&raw), "Yes & no.");
}

#[test]
fn what_cant_be_read_is_kept_as_such() {
    let unreadable = parse(&b"X: y\n".repeat(30_000)).unwrap_err();
    assert!(matches!(not_understood(&unreadable).kind, Kind::Unreadable { .. }));
}

#[test]
fn ids_come_surest_first_and_once() {
    let raw = from_ada(
        "Re: x",
        "In-Reply-To: <b@x>\nReferences: <a@x> <b@x>\nX-Microsoft-Original-Message-ID: <c@x>\n",
        "Yes",
    );
    let message = parse(raw.as_bytes()).unwrap();
    assert_eq!(ids_referred_to(&message, &understand(&message, &ours())), ["b@x", "a@x", "c@x"]);
}

#[test]
fn every_judgement_can_be_shown_in_words() {
    for raw in [
        answer("", "Yes"),
        answer("Auto-Submitted: auto-replied\n", "Back on 23 November."),
        report("Action: failed\nStatus: 5.1.1"),
    ] {
        let judgement = judged(&raw);
        assert!(judgement.evidence.iter().all(|e| e.sentence().len() > 10), "{judgement:?}");
        assert!(!judgement.evidence.is_empty());
    }
}
