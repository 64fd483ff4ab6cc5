//! No value of a person, company or sender can add a header, a recipient or a part: composed with hostile values and
//! read back by two parsers that know nothing of each other.

use proptest::prelude::*;
use relance_domain::merge::{Format, Sender, Values, render};
use relance_domain::person::{Fields, Kind, Person};
use relance_domain::{PersonId, time::Timestamp};
use relance_mail::compose::{Attachment, Draft, ListUnsubscribe, compose, fill, message_id};

/// The second parser: RFC 5322 to the letter, and nothing it does not know is let through.
mod strict {
    /// Header fields with their unfolded values, and the body. Panics at what RFC 5322 does not allow.
    pub(super) fn split(message: &[u8]) -> (Vec<(String, String)>, &[u8]) {
        assert!(!message.windows(2).any(|w| w[0] != b'\r' && w[1] == b'\n'), "a bare LF");
        assert!(!message.windows(2).any(|w| w[0] == b'\r' && w[1] != b'\n'), "a bare CR");
        assert!(!message.contains(&0), "a NUL");
        let end = message.windows(4).position(|w| w == b"\r\n\r\n").expect("no end of the header");
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in message[..end].split(|&b| b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            assert!(line.len() <= 998 && !line.is_empty(), "a line of {} bytes", line.len());
            let text = std::str::from_utf8(line).expect("bytes that are no text");
            // Only an address outside ASCII stands unencoded (RFC 6532).
            assert!(text.chars().all(|c| !c.is_control() || c == '\t'), "a control character");
            if text.starts_with([' ', '\t']) {
                assert!(!text.trim().is_empty(), "an empty folded line");
                fields.last_mut().expect("a folded line first").1.push_str(text);
            } else {
                let (name, value) = text.split_once(':').expect("a line without a colon");
                assert!(!name.is_empty() && name.bytes().all(|b| (33..127).contains(&b)), "{name:?}");
                fields.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        (fields, &message[end + 4..])
    }

    /// The addresses of an address list, told apart by commas outside quotation marks and angle brackets.
    pub(super) fn addresses(value: &str) -> Vec<String> {
        let (mut found, mut quoted, mut escaped, mut current) = (Vec::new(), false, false, String::new());
        for c in value.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                ',' | ';' if !quoted => found.push(std::mem::take(&mut current)),
                c if !quoted => current.push(c),
                _ => {}
            }
        }
        assert!(!quoted, "a quotation mark without its second");
        found.push(current);
        found
            .iter()
            .map(|one| {
                one.rsplit_once('<').map_or(one.trim(), |(_, rest)| rest.trim().trim_end_matches('>')).to_owned()
            })
            .collect()
    }

    /// How many parts a body has, by its border.
    pub(super) fn parts(body: &[u8], border: &str) -> (usize, usize) {
        let lines = || body.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let opens = format!("--{border}");
        let closes = format!("--{border}--");
        (
            lines().filter(|line| *line == opens.as_bytes()).count(),
            lines().filter(|line| *line == closes.as_bytes()).count(),
        )
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let evil = vec![
        "\r\nBcc: eve@evil.example",
        "\nBcc: eve@evil.example",
        "\rBcc: eve@evil.example",
        "\r\n\r\n<script>",
        "\r\n.\r\nMAIL FROM:<eve@evil.example>",
        "\n.\nRCPT TO:<eve@evil.example>",
        "Ada\" <eve@evil.example>, \"",
        "Ada <eve@evil.example>",
        "eve@evil.example,",
        ";",
        ",",
        "\\",
        "\"",
        "(",
        ")",
        "=?utf-8?q?=0D=0ABcc:_eve@evil.example?=",
        "=?utf-8?b?DQpCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?=",
        "\u{2028}Bcc: eve@evil.example",
        "\u{85}Bcc: eve@evil.example",
        "\0",
        "\u{b}Bcc: x",
        "\u{c}Bcc: x",
        "--=_a_",
        "--=_m_",
        "\r\n--",
        "{{ person.email }}",
        "{% for %}",
        "</p>",
        "=0D=0A",
        "%0d%0aBcc: eve@evil.example",
        "\u{feff}",
        "\u{202e}",
        "ﬀ",
        "👍",
        "From ",
        "\nFrom eve",
        ".",
        "..",
    ];
    prop::collection::vec(prop_oneof![3 => prop::sample::select(evil).prop_map(str::to_owned), 2 => ".{0,12}"], 1..5)
        .prop_map(|pieces| pieces.concat())
}

fn person_of(value: &str) -> Person {
    let time = Timestamp::from_ms(1_700_000_000_000);
    let text = || value.to_owned();
    let fields = Fields {
        first_name: text(),
        last_name: text(),
        organization_name: text(),
        title: text(),
        email: "ada@acme.example".to_owned(),
        phone: text(),
        website: text(),
        industry: text(),
        description: text(),
        source: text(),
        ..Fields::default()
    };
    Person { id: PersonId::from_uuid(uuid::Uuid::nil()), kind: Kind::Lead, fields, created_at: time, updated_at: time }
}

const SUBJECT: &str =
    "{{ person.first_name | default('') }} of {{ person.company | default('') }}, {{ sender.name | default('') }}";
const TEXT: &str = "Hi {{ person.first_name | default('') }},\n{{ person.title | default('') }}\n{{ person.industry | default('') }}\n\n{{ sender.phone | default('') }}";
const HTML: &str = "<p>Hi {{ person.first_name | default('') }},</p><p>{{ person.name | default('') }}</p>";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_merge_value_adds_a_header_a_recipient_or_a_part(value in hostile(), sender_name in hostile(), file in hostile(), with_file in any::<bool>()) {
        let person = person_of(&value);
        let company = person_of(&sender_name);
        let sender = Sender { name: &sender_name, email: "rep@relay.example", phone: &value, signature_html: "" };
        let values = Values { person: &person, company: Some(&company), sender, unsubscribe_url: Some("https://relay.example/u") };
        let rendered = |text: &str, format| render(text, format, &values).unwrap().text;
        let subject = rendered(SUBJECT, Format::Subject);
        prop_assert!(!subject.contains(['\r', '\n']), "{subject:?}");
        let attachments = if with_file {
            vec![Attachment { name: file.clone(), mime: file, hash: [7; 32] }]
        } else {
            Vec::new()
        };
        let draft = Draft {
            from_name: sender_name.clone(),
            from: "rep@relay.example".into(),
            to_name: person.name(),
            to: "ada@acme.example".into(),
            subject,
            html: Some(rendered(HTML, Format::Html)),
            text: rendered(TEXT, Format::Text),
            date: 1_700_000_000_000,
            message_id: message_id(b"secret", &[1; 16], &[2; 16], 0, "relay.example"),
            list_unsubscribe: Some(ListUnsubscribe { mailto: None, url: Some("https://relay.example/u".into()) }),
            attachments,
            ..Draft::default()
        };
        let files = std::collections::HashMap::from([([7; 32], value.clone().into_bytes())]);
        let bytes = fill(&compose(&draft).unwrap(), &files).unwrap();

        let names = ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type"];
        let (fields, body) = strict::split(&bytes);
        prop_assert_eq!(fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
        let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap();
        prop_assert_eq!(strict::addresses(&field("To")), ["ada@acme.example"]);
        prop_assert_eq!(strict::addresses(&field("From")), ["rep@relay.example"]);
        let border = field("Content-Type").split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        prop_assert_eq!(strict::parts(body, &border), (2, 1));

        let read = mail_parser::MessageParser::new().parse(&bytes).unwrap();
        prop_assert_eq!(read.headers().len(), names.len());
        prop_assert_eq!(read.to().unwrap().iter().filter_map(|a| a.address()).collect::<Vec<_>>(), ["ada@acme.example"]);
        prop_assert_eq!(read.from().unwrap().iter().filter_map(|a| a.address()).collect::<Vec<_>>(), ["rep@relay.example"]);
        prop_assert!(read.cc().is_none() && read.bcc().is_none() && read.header("Bcc").is_none());
        prop_assert_eq!(read.parts.len(), if with_file { 5 } else { 3 });
        prop_assert_eq!(read.attachment_count(), usize::from(with_file));
    }

    #[test]
    fn no_address_value_reaches_the_wire_unless_it_is_one_address(local in hostile(), domain in hostile()) {
        for to in [format!("{local}@{domain}"), local.clone(), format!("ada@acme.example{local}"), format!("{local}ada@acme.example")] {
            let draft = Draft {
                from: "rep@relay.example".into(),
                to: to.clone(),
                text: "x".into(),
                message_id: message_id(b"secret", &[1; 16], &[2; 16], 0, "relay.example"),
                ..Draft::default()
            };
            let Ok(bytes) = compose(&draft) else { continue };
            let (fields, _) = strict::split(&bytes);
            prop_assert_eq!(fields.len(), 8, "{:?}", to);
            let read = mail_parser::MessageParser::new().parse(&bytes).unwrap();
            prop_assert_eq!(read.to().unwrap().iter().count(), 1, "{:?}", to);
        }
    }
}
