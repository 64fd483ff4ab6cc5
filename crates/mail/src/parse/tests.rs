//! Ordinary, odd and hostile messages.

use super::*;

fn read(raw: &str) -> Message {
    parse(raw.as_bytes()).unwrap()
}

#[test]
fn an_ordinary_message_is_read() {
    let message = read(
        "From: =?utf-8?q?Ad=C3=A4?= <Ada@Acme.example>\r\nTo: a@b.example, \"Bob, B.\" <bob@b.example>\r\nReply-To: r@acme.example\r\n\
         Subject: =?utf-8?B?R3LDvMOfZQ==?= an\r\n alle\r\nDate: Fri, 20 Nov 2026 23:30:00 -0800\r\nMessage-ID: <id 1@acme.example>\r\n\
         In-Reply-To: Your message of Friday <a@x> (Rep)\r\nReferences: <z@x>\r\n <a@x>\r\n\r\nHello\r\nWorld\r\n",
    );
    assert_eq!(message.from, [Address { name: Some("Adä".into()), email: "Ada@Acme.example".into() }]);
    assert_eq!(message.sender_address(), "ada@acme.example");
    assert_eq!(message.to[1].name.as_deref(), Some("Bob, B."));
    assert_eq!(message.reply_to[0].email, "r@acme.example");
    assert_eq!(message.subject, "Grüße an alle");
    assert_eq!(message.message_id.as_deref(), Some("id1@acme.example"));
    assert_eq!(message.in_reply_to, ["a@x"]);
    assert_eq!(message.references, ["z@x", "a@x"]);
    assert_eq!(message.date.unwrap().rfc3339(), "2026-11-21T07:30:00Z");
    assert_eq!(message.local_date.unwrap().to_string(), "2026-11-20");
    assert_eq!(message.text.trim_end(), "Hello\nWorld");
}

#[test]
fn the_subject_of_a_thread_has_no_prefixes() {
    assert_eq!(read("Subject: Re: AW: Hello\n\nx").subject_of_thread(), "Hello");
    assert_eq!(read("Subject: Hello\n\nx").subject_of_thread(), "Hello");
}

#[test]
fn control_characters_do_not_come_through() {
    let message = read("From: a@b.example\nSubject: a\u{0}b\u{7}c\n\none\u{0}\u{8}\ttwo\rthree\n");
    assert!(!message.subject.chars().any(char::is_control), "{:?}", message.subject);
    assert!(!message.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{:?}", message.text);
}

#[test]
fn charsets_and_encodings_are_decoded() {
    let latin = b"Content-Type: text/plain; charset=iso-8859-1\n\nGr\xfc\xdfe";
    assert_eq!(parse(latin).unwrap().text, "Grüße");
    let japanese = b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$\"$j$,$H$&\x1b(B";
    assert_eq!(parse(japanese).unwrap().text, "ありがとう");
    let printable =
        b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=\n=C3=9Fe";
    assert_eq!(parse(printable).unwrap().text, "Grüße");
    let unknown = b"Content-Type: text/plain; charset=klingon\n\nHello \xff";
    assert!(parse(unknown).unwrap().text.starts_with("Hello"));
}

#[test]
fn an_empty_plain_part_gives_way_to_the_html() {
    let message = read(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n \n--b\nContent-Type: text/html\n\n<p>Hello <b>you</b></p><p>Second</p>\n--b--\n",
    );
    assert_eq!(message.text, "Hello you\n\nSecond");
    assert!(message.html.unwrap().contains("<b>you</b>"));
}

#[test]
fn attachments_are_named_and_not_taken_for_text() {
    let message = read(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello\n--b\nContent-Type: text/plain; name=notes.txt\n\
         Content-Disposition: attachment; filename=notes.txt\n\nsecret\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"a b.pdf\"\n\nxx\n--b--\n",
    );
    assert_eq!(message.text.trim(), "Hello");
    assert_eq!(message.attachments, ["notes.txt", "a b.pdf"]);
}

#[test]
fn parts_of_an_attached_message_follow_it_one_level_deeper() {
    let inner = "Subject: inner\nContent-Type: text/plain\n\nInner text\n";
    let plain = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nOuter\n--b\nContent-Type: message/rfc822\n\n{inner}--b--\n"
    );
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(inner);
    let encoded = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nOuter\n--b\nContent-Type: Message/RFC822\nContent-Transfer-Encoding: base64\n\n{encoded}\n--b--\n"
    );
    for raw in [plain, encoded] {
        let message = read(&raw);
        assert_eq!(message.text.trim(), "Outer");
        let at = message.parts.iter().position(|p| p.content_type == "message/rfc822").unwrap();
        let Content::Message(headers) = &message.parts[at].content else { panic!("no message") };
        assert_eq!(headers[0], ("subject".to_owned(), "inner".to_owned()));
        assert_eq!(message.parts[at + 1].depth, 1);
        assert_eq!(message.parts[at + 1].text().unwrap().trim(), "Inner text");
    }
}

#[test]
fn messages_past_a_limit_are_unreadable() {
    let long_header = format!("Subject: {}\n\nx", "x".repeat(MAX_HEADER_BYTES));
    let many_parts = format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(1_100));
    let very_many_parts = format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(9_000));
    let nested = format!("{}x", "Content-Type: message/rfc822\n\n".repeat(200));
    let digests = format!("{}x", "Content-Type: multipart/digest; boundary=b\n\n--b\n\n".repeat(200));
    for raw in [long_header, many_parts, very_many_parts, nested] {
        let unreadable = parse(raw.as_bytes()).unwrap_err();
        assert!(unreadable.why.starts_with("The "), "{unreadable}");
    }
    assert!(parse(digests.as_bytes()).is_ok());
}

#[test]
fn nesting_without_end_costs_no_stack() {
    for unit in ["Content-Type: message/rfc822\n\n", "Content-Type: message/rfc822\nContent-Type: message/global\n\n"] {
        let raw = unit.repeat(4_000);
        assert!(parse(raw.as_bytes()).is_err());
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(&raw);
        let hidden = format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{encoded}");
        assert!(parse(hidden.as_bytes()).is_err());
    }
}

#[test]
fn references_without_end_keep_the_first_and_the_newest() {
    let all: String = (0..3_000).map(|n| format!(" <{n}@x>")).collect();
    let message = read(&format!("References:{all}\n\nx"));
    assert_eq!(message.references.len(), MAX_REFERENCES);
    assert_eq!(message.references[0], "0@x");
    assert_eq!(message.references[MAX_REFERENCES - 1], "2999@x");
}

#[test]
fn odd_bytes_are_read_or_refused_but_never_panic() {
    let odd: [&[u8]; 9] = [
        b"",
        b"\n",
        b"\0\0\0",
        b"From",
        b"Content-Type: multipart/mixed; boundary=\"\"\n\n--\n--\n--",
        b"Content-Type: message/rfc822\n\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n--b\n--b--",
        b"Subject: =?utf-8?B?////?=\n\n\xff\xfe",
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n!!!!",
    ];
    for raw in odd {
        let outcome = parse(raw);
        assert!(outcome.is_ok() || !outcome.unwrap_err().why.is_empty());
    }
}

#[test]
fn ids_are_found_in_any_dress() {
    assert_eq!(ids("<a@b> <c@d>"), ["a@b", "c@d"]);
    assert_eq!(ids("a@b"), ["a@b"]);
    assert_eq!(ids("<unclosed@x <b@c>"), ["unclosed@x", "b@c"]);
    assert_eq!(ids("nothing here"), Vec::<String>::new());
}

#[test]
fn html_is_read_as_lines() {
    assert_eq!(html_to_text("<div>a</div><div>b<br>c</div>"), "a\nb\nc");
    assert_eq!(html_to_text("<ul><li>one</li><li>two</li></ul>"), "- one\n- two");
    assert_eq!(html_to_text("a<blockquote>q1<br>q2</blockquote>b"), "a\n> q1\n> q2\nb");
    assert_eq!(html_to_text("1 &lt; 2 &amp;&nbsp;3 &eacute; &#8364; &bogus; &"), "1 < 2 & 3 é € &bogus; &");
    assert_eq!(html_to_text("<script>alert('<p>')</script>x<!-- <p>no</p> -->y"), "xy");
    assert_eq!(html_to_text("a <b>c</b> 1 < 2 <"), "a c 1 < 2 <");
    assert_eq!(html_to_text("<pre>a\n  b</pre>"), "a\n  b");
    assert_eq!(html_to_text("<p title=\"a > b\">x</p>"), "x");
    assert_eq!(html_to_text(&"<blockquote>".repeat(10_000)), "");
}
