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

/// Names and values as sent; a name may come several times (check boxes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed(BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<(String, String)>::deserialize(deserializer).map(Self::of_pairs)
    }
}

impl Typed {
    /// Of the pairs a form sent.
    pub fn of_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (name, value) in pairs {
            typed.0.entry(name).or_default().push(value);
        }
        typed
    }

    /// As the form of these fields begins.
    pub fn of(fields: &Fields) -> Self {
        let mut copy = fields.clone();
        let mut typed: BTreeMap<String, Vec<String>> =
            texts(&mut copy).into_iter().map(|(name, text)| (name.to_owned(), vec![text.clone()])).collect();
        let mut put = |name: &str, text: String| drop(typed.insert(name.to_owned(), vec![text]));
        put("other_emails", fields.other_emails.join(", "));
        put("owner_id", fields.owner_id.map(|id| id.to_string()).unwrap_or_default());
        put("is_organization", if fields.is_organization { "1" } else { "" }.to_owned());
        typed.insert("tags".to_owned(), fields.tags.clone());
        for (key, value) in &fields.custom_fields {
            typed.insert(format!("custom_fields.{key}"), texts_of(value));
        }
        Self(typed)
    }

    /// The last text of a field; empty if it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(|texts| texts.last()).map_or("", String::as_str)
    }

    /// Every text of a field.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Sent, perhaps empty.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sent and not empty.
    pub fn is_set(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// Puts a text in the place of what there was.
    pub fn set(&mut self, name: &str, text: impl Into<String>) {
        self.0.insert(name.to_owned(), vec![text.into()]);
    }

    /// Takes the fields of one row of a table (`ROW.field`) as a form of their own.
    pub fn row(&self, row: &str) -> Self {
        let of_row = self.0.iter().filter_map(|(name, texts)| {
            let name = name.strip_prefix("has.").map_or_else(
                || name.strip_prefix(row)?.strip_prefix('.').map(str::to_owned),
                |marked| marked.strip_prefix(row)?.strip_prefix('.').map(|name| format!("has.{name}")),
            );
            Some((name?, texts.clone()))
        });
        Self(of_row.collect())
    }

    /// No field of the form has a text.
    pub fn is_blank(&self) -> bool {
        let texts = self.0.iter().filter(|(name, _)| !name.starts_with("has.")).flat_map(|(_, texts)| texts);
        texts.into_iter().all(|text| text.trim().is_empty())
    }

    /// Writes what has a text into the fields; what was left empty is left alone.
    pub fn fill(&self, fields: &mut Fields) {
        let filled = self.0.iter().filter(|(_, texts)| texts.iter().any(|text| !text.trim().is_empty()));
        let filled = Self(filled.map(|(name, texts)| (name.clone(), texts.clone())).collect());
        // What cannot be read (an unknown user or zone) is refused where the fields are saved.
        filled.apply(fields).unwrap_or_default();
    }

    /// The rows a table sent, each once.
    pub fn rows(&self) -> Vec<String> {
        let rows = self.0.keys().filter_map(|name| name.trim_start_matches("has.").split_once('.').map(|(row, _)| row));
        let rows: std::collections::BTreeSet<&str> = rows.filter(|row| row.starts_with("per_")).collect();
        rows.into_iter().map(str::to_owned).collect()
    }

    /// Whether a field was in the form: sent, or a box that nobody ticked.
    fn was_there(&self, name: &str) -> bool {
        self.0.contains_key(name) || self.0.contains_key(&format!("has.{name}"))
    }

    /// Writes what was sent into the fields.
    pub fn apply(&self, fields: &mut Fields) -> Result<(), Vec<Refused>> {
        for (name, text) in texts(fields) {
            if let Some(typed) = self.0.get(name).and_then(|texts| texts.last()) {
                typed.trim().clone_into(text);
            }
        }
        if self.was_there("other_emails") {
            fields.other_emails = parts(&self.all("other_emails"));
        }
        if self.was_there("tags") {
            fields.tags = parts(&self.all("tags"));
        }
        if self.was_there("is_organization") {
            fields.is_organization = self.is_set("is_organization");
        }
        self.apply_custom(fields);
        match self.0.get("owner_id").map(|_| self.get("owner_id")) {
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

    /// Texts of custom fields: what kind of value they stand for is judged where they are saved.
    fn apply_custom(&self, fields: &mut Fields) {
        let names: std::collections::BTreeSet<&str> =
            self.0.keys().map(|name| name.trim_start_matches("has.")).collect();
        for (name, key) in names.into_iter().filter_map(|name| Some((name, name.strip_prefix("custom_fields.")?))) {
            let texts: Vec<String> = self.all(name).into_iter().filter(|text| !text.trim().is_empty()).collect();
            let is_many = self.0.contains_key(&format!("has.{name}"));
            let same = fields.custom_fields.get(key).is_some_and(|value| texts_of(value) == texts);
            match texts.as_slice() {
                _ if same => {}
                [] => drop(fields.custom_fields.remove(key)),
                many if is_many => drop(fields.custom_fields.insert(key.to_owned(), many.to_vec().into())),
                [one, ..] => drop(fields.custom_fields.insert(key.to_owned(), one.trim().into())),
            }
        }
    }
}

/// A stored custom value as the texts of its field.
fn texts_of(value: &serde_json::Value) -> Vec<String> {
    use serde_json::Value as Json;
    match value {
        Json::Null => Vec::new(),
        Json::String(text) => vec![text.clone()],
        Json::Bool(yes) => vec![if *yes { "yes" } else { "no" }.to_owned()],
        Json::Array(items) => items.iter().flat_map(texts_of).collect(),
        other => vec![other.to_string()],
    }
}

/// What commas, semicolons and line breaks part.
fn parts(texts: &[String]) -> Vec<String> {
    let all = texts.iter().flat_map(|text| text.split([',', ';', '\n']));
    all.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
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
        fields.custom_fields.insert("days".into(), serde_json::json!(["Mon"]));
        let pairs = [
            ("industry", " Reefers "),
            ("tags", "a, b,,"),
            ("tags", "c"),
            ("custom_fields.seats", "14"),
            ("has.custom_fields.days", "1"),
            ("other_emails", "a@b.example; c@d.example"),
        ];
        let typed = Typed::of_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        typed.apply(&mut fields).expect("no refusal");
        assert_eq!((fields.first_name.as_str(), fields.industry.as_str()), ("Maya", "Reefers"));
        assert_eq!(fields.tags, ["a", "b", "c"]);
        assert_eq!(fields.other_emails, ["a@b.example", "c@d.example"]);
        assert_eq!(fields.custom_fields["seats"], "14");
        assert!(!fields.custom_fields.contains_key("days"), "a box that nobody ticked has no value");
        assert!(fields.is_organization, "a form without the box leaves it");
        assert_eq!(Typed::of(&fields).all("tags"), ["a", "b", "c"]);
    }

    #[test]
    fn an_unknown_zone_is_refused_at_its_field() {
        let typed = Typed::of_pairs(vec![("time_zone".to_owned(), "Mars/Phobos".to_owned())]);
        let refused = typed.apply(&mut Fields::default()).expect_err("a refusal");
        assert_eq!(refused[0].field.as_deref(), Some("time_zone"));
    }

    #[test]
    fn the_rows_of_a_table_are_forms_of_their_own() {
        let pairs = [("per_1.industry", "Looms"), ("has.per_2.custom_fields.days", "1"), ("sequence", "seq_1")];
        let typed = Typed::of_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        assert_eq!(typed.rows(), ["per_1", "per_2"]);
        assert_eq!(typed.row("per_1").get("industry"), "Looms");
        assert!(typed.row("per_2").was_there("custom_fields.days"));
    }
}
