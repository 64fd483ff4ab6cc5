//! What a form says about a person, as text, and the fields it stands for.
//!
//! Only fields that were sent are changed, so that a form with a few fields leaves the others alone.

use std::collections::BTreeMap;

use relance_domain::Refused;
use relance_domain::person::Fields;
use serde::{Deserialize, Deserializer};

/// The names of all fields but custom ones: errors elsewhere stand above the form.
pub const NAMES: [&str; 26] = [
    "first_name",
    "last_name",
    "title",
    "organization_name",
    "is_organization",
    "email",
    "other_emails",
    "phone",
    "mobile",
    "website",
    "industry",
    "status",
    "source",
    "owner_id",
    "tags",
    "linkedin",
    "x",
    "facebook",
    "time_zone",
    "description",
    "address.line",
    "address.city",
    "address.postal_code",
    "address.state",
    "address.country",
    "company_id",
];

/// Names and values as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<(String, String)>::deserialize(deserializer).map(|pairs| Self(pairs.into_iter().collect()))
    }
}

impl Typed {
    /// As the form of these fields begins.
    pub fn of(fields: &Fields) -> Self {
        let mut copy = fields.clone();
        let mut typed: BTreeMap<String, String> =
            texts(&mut copy).into_iter().map(|(name, text)| (name.to_owned(), text.clone())).collect();
        typed.insert("other_emails".to_owned(), fields.other_emails.join(", "));
        typed.insert("tags".to_owned(), fields.tags.join(", "));
        typed.insert("owner_id".to_owned(), fields.owner_id.map(|id| id.to_string()).unwrap_or_default());
        typed.insert("is_organization".to_owned(), if fields.is_organization { "1" } else { "" }.to_owned());
        for (key, value) in &fields.custom_fields {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            typed.insert(format!("custom_fields.{key}"), text);
        }
        Self(typed)
    }

    /// The text of a field; empty if it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sent and not empty.
    pub fn is_set(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// Custom fields: name in the form, label, value.
    pub fn custom(&self) -> Vec<(String, String, String)> {
        let custom =
            self.0.iter().filter_map(|(name, value)| Some((name, name.strip_prefix("custom_fields.")?, value)));
        custom.map(|(name, key, value)| (name.clone(), key.replace('_', " "), value.clone())).collect()
    }

    /// Writes what was sent into the fields.
    pub fn apply(&self, fields: &mut Fields) -> Result<(), Vec<Refused>> {
        for (name, text) in texts(fields) {
            if let Some(typed) = self.0.get(name) {
                typed.trim().clone_into(text);
            }
        }
        let parts = |text: &str| {
            text.split([',', ';', '\n']).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        if let Some(text) = self.0.get("other_emails") {
            fields.other_emails = parts(text);
        }
        if let Some(text) = self.0.get("tags") {
            fields.tags = parts(text);
        }
        if self.0.contains_key("has_kind_of") {
            fields.is_organization = self.is_set("is_organization");
        }
        for (name, value) in &self.0 {
            let Some(key) = name.strip_prefix("custom_fields.") else { continue };
            set_custom(fields, key, value.trim());
        }
        match self.0.get("owner_id").map(String::as_str) {
            None => {}
            Some("") => fields.owner_id = None,
            Some(id) => match id.parse() {
                Ok(id) => fields.owner_id = Some(id),
                Err(_) => return Err(vec![Refused::at("owner_id", "unknown_user", "Choose an owner from the list.")]),
            },
        }
        if !super::form::is_zone(&fields.time_zone) {
            let message = "There is no such time zone. Choose one such as Europe/Paris.";
            return Err(vec![Refused::at("time_zone", "unknown_time_zone", message)]);
        }
        Ok(())
    }
}

/// A custom field keeps the sort of value it had.
fn set_custom(fields: &mut Fields, key: &str, text: &str) {
    if text.is_empty() {
        fields.custom_fields.remove(key);
        return;
    }
    let value = match fields.custom_fields.get(key) {
        Some(serde_json::Value::String(_)) | None => text.into(),
        Some(_) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    };
    fields.custom_fields.insert(key.to_owned(), value);
}

fn texts(fields: &mut Fields) -> [(&'static str, &mut String); 21] {
    [
        ("first_name", &mut fields.first_name),
        ("last_name", &mut fields.last_name),
        ("title", &mut fields.title),
        ("organization_name", &mut fields.organization_name),
        ("email", &mut fields.email),
        ("phone", &mut fields.phone),
        ("mobile", &mut fields.mobile),
        ("website", &mut fields.website),
        ("industry", &mut fields.industry),
        ("status", &mut fields.status),
        ("source", &mut fields.source),
        ("linkedin", &mut fields.linkedin),
        ("x", &mut fields.x),
        ("facebook", &mut fields.facebook),
        ("time_zone", &mut fields.time_zone),
        ("description", &mut fields.description),
        ("address.line", &mut fields.address.line),
        ("address.city", &mut fields.address.city),
        ("address.postal_code", &mut fields.address.postal_code),
        ("address.state", &mut fields.address.state),
        ("address.country", &mut fields.address.country),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_changes_what_it_sent_and_nothing_else() {
        let mut fields = Fields {
            first_name: "Maya".into(),
            industry: "Cold chain".into(),
            is_organization: true,
            ..Fields::default()
        };
        fields.custom_fields.insert("seats".into(), 12.into());
        let typed = Typed(
            [
                ("industry", " Reefers "),
                ("tags", "a, b,,"),
                ("custom_fields.seats", "14"),
                ("other_emails", "a@b.example; c@d.example"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        );
        typed.apply(&mut fields).expect("no refusal");
        assert_eq!((fields.first_name.as_str(), fields.industry.as_str()), ("Maya", "Reefers"));
        assert_eq!(fields.tags, ["a", "b"]);
        assert_eq!(fields.other_emails, ["a@b.example", "c@d.example"]);
        assert_eq!(fields.custom_fields["seats"], 14);
        assert!(fields.is_organization, "a form without the box leaves it");
        assert_eq!(Typed::of(&fields).get("tags"), "a, b");
    }

    #[test]
    fn an_unknown_zone_is_refused_at_its_field() {
        let typed = Typed([("time_zone".to_owned(), "Mars/Phobos".to_owned())].into());
        let refused = typed.apply(&mut Fields::default()).expect_err("a refusal");
        assert_eq!(refused[0].field.as_deref(), Some("time_zone"));
    }
}
