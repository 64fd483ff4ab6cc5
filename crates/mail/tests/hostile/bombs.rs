//! Messages made to exhaust their reader: each is read or refused within bounds that are counted.

use relance_domain::inbound::Kind;
use relance_mail::parse::{MAX_NESTING, MAX_PARTS, MAX_TEXT_BYTES, parse};
use relance_mail::understand::{Ours, not_understood, understand};

use crate::counting::{Used, counted};

const MIB: usize = 1024 * 1024;

/// Reads and judges; the memory used is at most twelve times the message and 24 MiB.
fn bounded(name: &str, raw: &[u8]) -> Kind {
    let (kind, used) = counted(|| match parse(raw) {
        Ok(message) => {
            assert!(message.parts.len() <= MAX_PARTS + 1, "{name}");
            assert!(message.parts.iter().all(|part| part.depth <= MAX_NESTING + 1), "{name}");
            assert!(message.text.len() <= MAX_TEXT_BYTES, "{name}");
            let judgement = understand(&message, &Ours::default());
            assert!(judgement.evidence.len() <= 200, "{name}");
            judgement.kind
        }
        Err(unreadable) => not_understood(&unreadable).kind,
    });
    let Used { peak, total } = used;
    assert!(peak <= 12 * raw.len() + 24 * MIB, "{name}: {peak} bytes at once for {} bytes", raw.len());
    assert!(total <= 300 * raw.len() + 200 * MIB, "{name}: {total} bytes in all for {} bytes", raw.len());
    kind
}

fn refused(name: &str, raw: &[u8]) {
    let kind = bounded(name, raw);
    assert!(matches!(kind, Kind::Unreadable { .. }), "{name}: {kind:?}");
}

const MULTIPART: &str = "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n";

#[test]
fn nesting_headers_and_parts_without_end_are_refused() {
    refused("messages in messages", "Content-Type: message/rfc822\n\n".repeat(4_000).as_bytes());
    refused("parts", format!("{MULTIPART}{}--b--\n", "--b\n\nx\n".repeat(20_000)).as_bytes());
    refused("header lines", "X-Line: y\n".repeat(200_000).as_bytes());
    refused("one header", format!("Subject: {}\n\nx", "x".repeat(5 * MIB)).as_bytes());
    refused("header lines of a part", format!("{MULTIPART}--b\n{}\n\nx\n--b--\n", "A:b\n".repeat(500_000)).as_bytes());
    refused(
        "parameters of a part",
        format!("{MULTIPART}--b\nContent-Type: text/plain{}\n\nx\n--b--\n", ";\n a=b".repeat(200_000)).as_bytes(),
    );
    refused(
        "header lines of an attached message",
        format!("{MULTIPART}--b\nContent-Type: message/rfc822\n\n{}\n\nx\n--b--\n", "Xy:b\n".repeat(300_000))
            .as_bytes(),
    );
}

#[test]
fn multiparts_in_multiparts_stay_within_bounds() {
    let mut raw = "From: a@b.example\n".to_owned();
    for depth in 0..1_000 {
        raw.push_str(&format!("Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n"));
    }
    bounded("multiparts", raw.as_bytes());
    bounded(
        "one border for all",
        format!("{}x", "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(1_000)).as_bytes(),
    );
}

#[test]
fn parameters_references_and_addresses_without_end_stay_within_bounds() {
    let parameters: String = (0..8_000).map(|n| format!("; a*{n}*=x")).collect();
    bounded("parameters", format!("Content-Type: text/plain{parameters}\n\nx").as_bytes());
    bounded("one endless parameter", format!("Content-Type: text/plain; a=\"{}\n\nx", "\\".repeat(90_000)).as_bytes());
    let ids: String = (0..9_000).map(|n| format!(" <{n}@x>")).collect();
    bounded("references", format!("References:{ids}\nIn-Reply-To:{}\n\nx", &ids[..9_000]).as_bytes());
    bounded("bare ids", format!("References: {}\n\nx", "abcdefghij ".repeat(9_000)).as_bytes());
    bounded("addresses", format!("To: {}\n\nx", "a@b.example, ".repeat(7_000)).as_bytes());
    bounded("groups", format!("To: {}\n\nx", "g: ".repeat(30_000)).as_bytes());
    bounded("comments", format!("From: {}\n\nx", "(".repeat(90_000)).as_bytes());
    bounded("encoded words", format!("Subject: {}\n\nx", "=?utf-8?q?a?= ".repeat(7_000)).as_bytes());
}

#[test]
fn endless_lines_and_texts_stay_within_bounds() {
    bounded("one line", format!("From: a@b.example\n\n{}", "x".repeat(8 * MIB)).as_bytes());
    bounded("lines", format!("From: a@b.example\n\n{}", "x\n".repeat(4 * MIB)).as_bytes());
    bounded("quotations", format!("From: a@b.example\n\n{}", "> x\n".repeat(2 * MIB)).as_bytes());
    bounded("rules", format!("From: a@b.example\n\n{}", "-----\n".repeat(MIB)).as_bytes());
    bounded(
        "attributions",
        format!("From: a@b.example\n\n{}", "On 1 May, Ada <a@b.example>\n".repeat(100_000)).as_bytes(),
    );
    bounded("phones", format!("From: a@b.example\n\nx\n{}", "Sent from my iPhone\n".repeat(200_000)).as_bytes());
    bounded("nothing", format!("From: a@b.example\n{}", "\n".repeat(8 * MIB)).as_bytes());
    bounded("NULs", &[b"From: a@b.example\n\n".as_slice(), &vec![0; 4 * MIB]].concat());
    bounded("NULs in the header", &[b"From: a@b.example\nSubject: ".as_slice(), &[0; 90_000], b"\n\nx"].concat());
    bounded("only a header byte", &vec![b':'; 4 * MIB]);
}

#[test]
fn html_without_end_stays_within_bounds() {
    let html = |text: String| format!("From: a@b.example\nContent-Type: text/html\n\n{text}");
    bounded("quotations", html("<blockquote>".repeat(50) + &"x<br>".repeat(200_000)).as_bytes());
    bounded("empty lines in quotations", html("<blockquote>".repeat(50) + &"<br>".repeat(250_000)).as_bytes());
    bounded("open tags", html("<a ".repeat(300_000)).as_bytes());
    bounded("open quotation marks", html("<a =\"><b ='>".repeat(80_000)).as_bytes());
    bounded("comments", html("<!--".repeat(250_000)).as_bytes());
    bounded("entities", html("&".repeat(MIB)).as_bytes());
    bounded("hidden", html("<style>".repeat(140_000)).as_bytes());
    bounded("tables", html("<table><tr><td>".repeat(60_000)).as_bytes());
}

#[test]
fn reports_about_everyone_stay_within_bounds() {
    let groups: String = (0..40_000)
        .map(|n| format!("Final-Recipient: rfc822; a{n}@b.example\nAction: failed\nStatus: 5.1.1\n\n"))
        .collect();
    let report = String::from(
        "From: MAILER-DAEMON@b.example\nReturn-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; \
         boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; b.example\n\n",
    );
    bounded("too many groups", format!("{report}{groups}--b--\n").as_bytes());
    let kind = bounded("groups", format!("{report}{}--b--\n", &groups[..400_000]).as_bytes());
    let Kind::Bounce(bounce) = kind else { panic!("{kind:?}") };
    assert_eq!((bounce.recipients.len(), bounce.failures.len()), (50, 50));
    let long = format!(
        "Final-Recipient: rfc822; a@b.example\nAction: failed\nDiagnostic-Code: smtp; {}\n\n",
        "no ".repeat(80_000)
    );
    let kind = bounded("a long diagnostic", format!("{report}{long}--b--\n").as_bytes());
    let Kind::Bounce(bounce) = kind else { panic!("{kind:?}") };
    assert!(bounce.diagnostic.is_some_and(|words| words.len() <= 1_000));
    let notice: String = (0..30_000).map(|n| format!("<a{n}@b.example>: no such user here\n")).collect();
    let raw = format!("From: MAILER-DAEMON@b.example\nReturn-Path: <>\nSubject: failure notice\n\n{notice}");
    let kind = bounded("a long notice", raw.as_bytes());
    let Kind::Bounce(bounce) = kind else { panic!("{kind:?}") };
    assert_eq!(bounce.failures.len(), 50);
}

/// Charsets that mail names, and names that are none.
const CHARSETS: &[&str] = &[
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-9",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "windows-874",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "x-mac-cyrillic",
    "ibm866",
    "cp850",
    "gbk",
    "gb2312",
    "gb18030",
    "big5",
    "euc-jp",
    "iso-2022-jp",
    "shift_jis",
    "euc-kr",
    "iso-2022-kr",
    "utf-7",
    "utf-16",
    "utf-16be",
    "utf-16le",
    "utf-32",
    "hz-gb-2312",
    "tis-620",
    "viscii",
    "x-user-defined",
    "unknown-8bit",
    "klingon",
    "",
    "\"",
    "utf-8\0",
    "../../etc/passwd",
];

#[test]
fn text_in_every_charset_and_none_is_read() {
    let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).chain(*b"\x1b$B\x1b(J~{~}+-\r\n").collect();
    for label in CHARSETS {
        for encoding in ["8bit", "7bit", "base64", "quoted-printable", "x-uuencode", "binary"] {
            let head = format!(
                "From: a@b.example\nSubject: =?{label}?q?=FF=FE=00?= =?{label}?b?////AAA=?=\nContent-Type: text/plain; \
                 charset={label}\nContent-Transfer-Encoding: {encoding}\n\n"
            );
            let raw = [head.as_bytes(), &bytes, b"////AAAA=FF=00"].concat();
            let message = parse(&raw).unwrap_or_else(|unreadable| panic!("{label} {encoding}: {unreadable}"));
            let clean = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
            assert!(clean(&message.text) && clean(&message.subject), "{label} {encoding}");
            bounded(label, &raw);
        }
    }
}
