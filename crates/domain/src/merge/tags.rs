//! The known tags, their labels for the picker and their values.

use super::{Format, Values, is_bad};
use crate::person::{Fields, Person};
use minijinja::Value;
use serde::Serialize;

/// A tag as the picker shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KnownTag {
    /// As written between the braces.
    pub tag: &'static str,
    /// As people read it.
    pub label: &'static str,
}

const fn tag(tag: &'static str, label: &'static str) -> KnownTag {
    KnownTag { tag, label }
}

const KNOWN: [KnownTag; 45] = [
    tag("person.first_name", "First name"),
    tag("person.last_name", "Last name"),
    tag("person.name", "Full name"),
    tag("person.title", "Job title"),
    tag("person.company", "Company"),
    tag("person.organization_name", "Organisation"),
    tag("person.email", "Email"),
    tag("person.phone", "Phone"),
    tag("person.mobile", "Mobile"),
    tag("person.website", "Website"),
    tag("person.industry", "Industry"),
    tag("person.linkedin", "LinkedIn"),
    tag("person.x", "X"),
    tag("person.facebook", "Facebook"),
    tag("person.address.line", "Street"),
    tag("person.address.city", "City"),
    tag("person.address.postal_code", "Postal code"),
    tag("person.address.state", "State"),
    tag("person.address.country", "Country"),
    tag("person.description", "Description"),
    tag("person.source", "Source"),
    tag("person.status", "Status"),
    tag("person.time_zone", "Time zone"),
    tag("person.tags", "Tags"),
    tag("company.name", "Company: name"),
    tag("company.organization_name", "Company: organisation"),
    tag("company.email", "Company: email"),
    tag("company.phone", "Company: phone"),
    tag("company.mobile", "Company: mobile"),
    tag("company.website", "Company: website"),
    tag("company.industry", "Company: industry"),
    tag("company.linkedin", "Company: LinkedIn"),
    tag("company.x", "Company: X"),
    tag("company.facebook", "Company: Facebook"),
    tag("company.address.line", "Company: street"),
    tag("company.address.city", "Company: city"),
    tag("company.address.postal_code", "Company: postal code"),
    tag("company.address.state", "Company: state"),
    tag("company.address.country", "Company: country"),
    tag("company.description", "Company: description"),
    tag("sender.name", "Your name"),
    tag("sender.email", "Your email"),
    tag("sender.phone", "Your phone"),
    tag("sender.signature", "Your signature"),
    tag("unsubscribe_link", "Unsubscribe link"),
];

/// Every known tag with its label; custom fields come on top as `person.custom.KEY`.
pub const fn tags() -> &'static [KnownTag] {
    &KNOWN
}

/// The tag is known, or names a custom field.
pub(super) fn is_known(path: &str) -> bool {
    let custom = path.strip_prefix("person.custom.").or_else(|| path.strip_prefix("company.custom."));
    custom.is_some_and(|key| !key.is_empty() && !key.contains('.')) || KNOWN.iter().any(|known| known.tag == path)
}

/// What a tag stands for; `None` if it has no value.
pub(super) fn value(values: &Values, tag: &str, format: Format) -> Option<Value> {
    let (root, field) = tag.split_once('.').unwrap_or((tag, ""));
    let sender = &values.sender;
    match (root, field) {
        ("unsubscribe_link", _) => text(values.unsubscribe_url?),
        ("sender", "name") => text(sender.name),
        ("sender", "email") => text(sender.email),
        ("sender", "phone") => text(sender.phone),
        ("sender", "signature") => signature(sender.signature_html, format),
        ("person", "company") => match values.company {
            Some(company) => text(name_of(company)),
            None => text(&values.person.fields.organization_name),
        },
        ("person", field) => of_fields(&values.person.fields, field),
        ("company", "name") => match values.company {
            Some(company) => text(name_of(company)),
            None => text(&values.person.fields.organization_name),
        },
        ("company", field) => of_fields(&values.company?.fields, field),
        _ => None,
    }
}

fn name_of(company: &Person) -> &str {
    let fields = &company.fields;
    if fields.organization_name.is_empty() { &fields.last_name } else { &fields.organization_name }
}

fn text(value: &str) -> Option<Value> {
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    Some(Value::from(if value.contains(is_bad) { value.replace(is_bad, " ") } else { value.to_owned() }))
}

fn of_fields(fields: &Fields, field: &str) -> Option<Value> {
    if let Some(key) = field.strip_prefix("custom.") {
        return of_json(fields.custom_fields.get(key)?);
    }
    text(match field {
        "name" => {
            let full = format!("{} {}", fields.first_name.trim(), fields.last_name.trim());
            return text(&full).or_else(|| text(&fields.organization_name));
        }
        "tags" => return text(&fields.tags.join(", ")),
        "first_name" => &fields.first_name,
        "last_name" => &fields.last_name,
        "organization_name" => &fields.organization_name,
        "title" => &fields.title,
        "email" => &fields.email,
        "phone" => &fields.phone,
        "mobile" => &fields.mobile,
        "website" => &fields.website,
        "industry" => &fields.industry,
        "linkedin" => &fields.linkedin,
        "x" => &fields.x,
        "facebook" => &fields.facebook,
        "description" => &fields.description,
        "source" => &fields.source,
        "status" => &fields.status,
        "time_zone" => &fields.time_zone,
        "address.line" => &fields.address.line,
        "address.city" => &fields.address.city,
        "address.postal_code" => &fields.address.postal_code,
        "address.state" => &fields.address.state,
        "address.country" => &fields.address.country,
        _ => return None,
    })
}

/// Custom fields: text, number, yes/no or a list of them.
fn of_json(value: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    match value {
        Json::Null | Json::Object(_) => None,
        Json::Bool(yes) => Some(Value::from(*yes)),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Some(Value::from(whole)),
            (None, Some(real)) if real.fract() == 0.0 && real.abs() < 1e15 => Some(Value::from(real as i64)),
            (None, _) => Some(Value::from(number.to_string())),
        },
        Json::String(words) => text(words),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(of_json).map(|item| item.to_string()).collect();
            text(&items.join(", "))
        }
    }
}

fn signature(html: &str, format: Format) -> Option<Value> {
    match format {
        _ if html.trim().is_empty() => None,
        Format::Html => Some(Value::from_safe_string(html.to_owned())),
        Format::Text | Format::Subject => text(&without_markup(html)),
    }
}

/// A signature as plain text: tags removed, breaks and paragraphs as line breaks, the usual entities decoded.
fn without_markup(html: &str) -> String {
    let mut plain = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        let Some((name, after)) = tag.split_once('>') else {
            rest = "";
            break;
        };
        let name = name.trim_end_matches('/').trim().to_ascii_lowercase();
        if matches!(name.as_str(), "br" | "/p" | "/div" | "/tr" | "/li") {
            plain.push('\n');
        }
        rest = after;
    }
    plain.push_str(rest);
    for (entity, c) in [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
    {
        plain = plain.replace(entity, c);
    }
    plain.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}
