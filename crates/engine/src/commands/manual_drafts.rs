//! The draft of a manual email as its rep edits it: merge tags that have a value are filled in, the others stay, so that
//! they are filled when the value arrives.
//!
//! Conditions and the unsubscribe link are left as they are; they are made when the email leaves.

use relance_domain::{
    merge::{Format, Values, render},
    step::EmailText,
};

/// The words with the values of this person in place of their tags.
pub(crate) fn filled(email: &EmailText, values: &Values) -> EmailText {
    EmailText {
        subject: fill(&email.subject, Format::Text, values),
        body_html: fill(&email.body_html, Format::Html, values),
        body_text: fill(&email.body_text, Format::Text, values),
        ..email.clone()
    }
}

fn fill(text: &str, format: Format, values: &Values) -> String {
    if text.contains("{%") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}").map(|end| start + end + 2) else { break };
        let tag = &rest[start..end];
        out.push_str(&rest[..start]);
        out.push_str(value_of(tag, format, values).as_deref().unwrap_or(tag));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The value of one tag; `None` if it has none, or one that would be read as a tag again.
fn value_of(tag: &str, format: Format, values: &Values) -> Option<String> {
    if tag.contains("unsubscribe") {
        return None;
    }
    let rendered = render(tag, format, values).ok().filter(|rendered| rendered.missing.is_empty())?;
    let is_plain = !["{{", "{%", "{#"].iter().any(|mark| rendered.text.contains(mark));
    is_plain.then_some(rendered.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::{
        PersonId, Timestamp,
        merge::Sender,
        person::{Fields, Kind, Person},
    };

    #[test]
    fn values_stand_in_a_draft_and_what_is_missing_stays_a_tag() {
        let fields = Fields { first_name: "Ada & Co".into(), last_name: "{{ x }}".into(), ..Fields::default() };
        let at = Timestamp::from_ms(0);
        let id = PersonId::from_uuid(uuid::Uuid::from_u128(1));
        let person = Person { id, kind: Kind::Lead, fields, created_at: at, updated_at: at };
        let sender = Sender { name: "Nora", ..Sender::default() };
        let values = Values { person: &person, company: None, sender, unsubscribe_url: Some("https://u.test") };
        let email = EmailText {
            subject: "Hi {{ person.first_name }}".into(),
            body_html:
                "<p>{{ person.first_name }}, {{ person.industry }}, {{ person.last_name }}, {{ sender.name }}</p>"
                    .into(),
            body_text: "{{ person.title | default('there') }} {% if person.title %}x{% endif %}".into(),
            ..EmailText::default()
        };
        let draft = filled(&email, &values);
        assert_eq!(draft.subject, "Hi Ada & Co");
        assert_eq!(draft.body_html, "<p>Ada &amp; Co, {{ person.industry }}, {{ person.last_name }}, Nora</p>");
        assert_eq!(draft.body_text, email.body_text, "a text with conditions is left alone");
    }
}
