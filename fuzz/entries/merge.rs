//! What the fuzzer and the property tests feed with texts: merge tags.

use relance_domain::merge::{Format, Sender, Values, check, render, tags_in};
use relance_domain::person::{Fields, Kind, Person};
use relance_domain::{PersonId, time::Timestamp};

/// Longest text that a template may become, for each byte of it and of the values.
const MOST_OUTPUT: usize = 4 * 1024 * 1024;

/// Checks a text and renders it in every format for one person with unfriendly values.
pub fn render_merge_tags(text: &str, value: &str) {
    let accepted = check(text).is_ok();
    assert!(tags_in(text).len() <= text.len());
    let fields = Fields {
        first_name: value.to_owned(),
        last_name: value.to_owned(),
        organization_name: value.to_owned(),
        email: "ada@acme.example".to_owned(),
        ..Fields::default()
    };
    let time = Timestamp::from_ms(1_700_000_000_000);
    let person = Person {
        id: PersonId::from_uuid(Default::default()),
        kind: Kind::Lead,
        fields,
        created_at: time,
        updated_at: time,
    };
    let sender = Sender { name: value, email: "rep@relay.example", phone: value, signature_html: value };
    let values = Values { person: &person, company: None, sender, unsubscribe_url: Some("https://relay.example/u") };
    for format in [Format::Html, Format::Text, Format::Subject] {
        match render(text, format, &values) {
            Ok(rendered) => {
                assert!(accepted, "rendered what is refused when it is saved");
                assert!(rendered.text.len() <= MOST_OUTPUT);
                assert!(format != Format::Subject || !rendered.text.contains(['\r', '\n']), "{:?}", rendered.text);
            }
            Err(refused) => assert!(!refused.message.is_empty()),
        }
    }
}
