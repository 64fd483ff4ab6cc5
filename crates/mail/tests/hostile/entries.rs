//! What the fuzz targets feed, fed here with what proptest makes up: bytes, and mail with odd places in it.

#[path = "../../../../fuzz/entries/mail.rs"]
mod mail;
#[path = "../../../../fuzz/entries/merge.rs"]
mod merge;

use proptest::prelude::*;

/// Pieces that mail is made of, the broken ones among them.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: [&[u8]; 46] = [
        b"From: Ada <a@b.example>\r\n",
        b"From: MAILER-DAEMON\n",
        b"Return-Path: <>\n",
        b"Subject: Re: x\n",
        b"Subject: =?utf-8?B?////?=\n",
        b"Auto-Submitted: auto-replied\n",
        b"Auto-Submitted: no\n",
        b"In-Reply-To: <a@b>\n",
        b"References: <a@b> <c\n",
        b"Content-Type: text/plain; charset=utf-16\n",
        b"Content-Type: text/html\n",
        b"Content-Type: multipart/mixed; boundary=b\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n",
        b"Content-Type: message/rfc822\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Type: message/feedback-report\n",
        b"Content-Type: text/calendar; method=REPLY\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"\r\n",
        b"\n",
        b"--b\n",
        b"--b--\n",
        b"--",
        b"Final-Recipient: rfc822; a@b.example\n",
        b"Action: failed\nStatus: 5.1.1\n",
        b"Diagnostic-Code: smtp; 550 5.2.2 full\n",
        b"Feedback-Type: abuse\n",
        b"METHOD:REPLY\n",
        b"On Thu, 19 Nov 2026 at 09:00, Rep <r@b.example> wrote:\n",
        b"> quoted\n",
        b"-- \n",
        b"Sent from my iPhone\n",
        b"I am back on 31 February.\n",
        b"bis 30.11. ",
        "11月31日まで".as_bytes(),
        b"<blockquote>",
        b"<br",
        b"&#x110000;",
        b"<a@b.example>: ",
        b"550 5.1.1 ",
        b"user unknown\n",
        b"\x00\xff\xfe",
        b">>> DATA\n",
        b"unsubscribe\n",
        b"{\"notificationType\":\"Bounce\"}",
    ];
    prop_oneof![
        8 => prop::sample::select(words.to_vec()).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mail_of_odd_pieces_is_understood_within_bounds(pieces in prop::collection::vec(piece(), 0..60)) {
        mail::understand_mail(&pieces.concat());
    }

    #[test]
    fn bytes_are_understood_within_bounds(raw in prop::collection::vec(any::<u8>(), 0..600)) {
        mail::understand_mail(&raw);
    }

    #[test]
    fn answers_of_odd_bytes_are_judged(
        raw in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"0123456789-. \r\n".to_vec())], 0..120),
    ) {
        mail::judge_smtp_reply(&raw);
    }

    #[test]
    fn answers_of_servers_are_judged(text in "[245][0-9]{2}[- ]([245]\\.[0-9]{1,4}\\.[0-9]{1,4} )?.{0,80}(\r\n[245][0-9]{2}[- ].{0,40}){0,3}") {
        mail::judge_smtp_reply(text.as_bytes());
    }

    #[test]
    fn merge_tags_of_odd_pieces_are_rendered_or_refused(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "{{", "}}", "{%", "%}", "{#", "#}", " person.first_name ", "person", "sender.signature", "unsubscribe_link", "|",
                    "default('x')", "upper", "if ", "endif", "else", "for x in y", "'", "\"", "\n", "\\", "0", "(", ")", "[", "]", "~", "**",
                ]).prop_map(str::to_owned),
                ".{0,6}",
            ],
            0..24,
        ),
        value in "(.|\\n|\\r|\\{|<){0,40}",
    ) {
        merge::render_merge_tags(&pieces.concat(), &value);
    }
}
