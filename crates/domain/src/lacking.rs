//! Complete data: which fields a sequence needs of a person, and which of them the person lacks.
//!
//! A tag is needed where it is put into a text of the sequence without a default; a tag that only decides a condition
//! is not. Tags of the sender, the unsubscribe link and those that always have a value (`person.name`) are no fields of
//! the person. Whether an email really waits is decided when it is rendered; this asks for the data beforehand.

use crate::{
    merge::needed_in,
    person::{Fields, Person},
    sequence::Plan,
};

/// A field a tag reads, in API spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Of the person: `industry`, `address.city`, `custom_fields.plan`.
    Person(String),
    /// Of the company they work at.
    Company(String),
}

impl Field {
    /// The field that this tag reads; `None` if no field of a person or company stands behind it.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let (root, field) = tag.split_once('.')?;
        let field = match field.strip_prefix("custom.") {
            Some(key) => format!("custom_fields.{key}"),
            None => field.to_owned(),
        };
        match (root, field.as_str()) {
            ("person", "name") => Some(Self::Person("last_name".to_owned())),
            ("person", "company") | ("company", "name") => Some(Self::Person("organization_name".to_owned())),
            ("person", _) => Some(Self::Person(field)),
            ("company", _) => Some(Self::Company(field)),
            _ => None,
        }
    }

    /// Its name in API spelling.
    pub fn name(&self) -> &str {
        match self {
            Self::Person(name) | Self::Company(name) => name,
        }
    }
}

/// The tags that the emails of a plan cannot do without, in the order of its steps, each once.
pub fn needed_tags(plan: &Plan) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for email in plan.steps.iter().filter_map(|step| step.action.email()) {
        for tag in [&email.subject, &email.body_html, &email.body_text].into_iter().flat_map(|text| needed_in(text)) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    tags
}

/// The fields that the emails of a plan cannot do without, each once.
pub fn needed_fields(plan: &Plan) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for field in needed_tags(plan).iter().filter_map(|tag| Field::of_tag(tag)) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// Those of `needed` that have no value for this person.
pub fn lacking(needed: &[Field], person: &Person, company: Option<&Person>) -> Vec<Field> {
    let is_there = |field: &&Field| match field {
        Field::Person(name) if name == "organization_name" => has_value(&person.fields, name) || company.is_some(),
        Field::Person(name) if name == "last_name" => {
            has_value(&person.fields, name) || has_value(&person.fields, "organization_name")
        }
        Field::Person(name) => has_value(&person.fields, name),
        Field::Company(name) => company.is_some_and(|company| has_value(&company.fields, name)),
    };
    needed.iter().filter(|field| !is_there(field)).cloned().collect()
}

/// Whether a field (API spelling) has a value.
pub fn has_value(fields: &Fields, name: &str) -> bool {
    use serde_json::Value as Json;
    let empty = |value: &Json| match value {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    };
    if let Some(key) = name.strip_prefix("custom_fields.") {
        return fields.custom_fields.get(key).is_some_and(|value| !empty(value));
    }
    let json = serde_json::json!(fields);
    let found = name.split('.').try_fold(&json, |value, part| value.get(part));
    found.is_some_and(|value| !empty(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        PersonId, StepId, Timestamp,
        person::Kind,
        step::{Action, EmailText, Step, Wait},
    };

    fn plan(subject: &str, body: &str) -> Plan {
        let email = EmailText { subject: subject.into(), body_html: body.into(), ..EmailText::default() };
        let step = Step {
            id: StepId::from_uuid(Default::default()),
            wait: Wait::IMMEDIATELY,
            action: Action::AutomatedEmail { email },
        };
        Plan { steps: vec![step], ..Plan::default() }
    }

    #[test]
    fn a_tag_without_a_default_needs_its_field_and_a_condition_needs_nothing() {
        let plan = plan(
            "{{ person.company }}",
            "{{ person.first_name | default(\"there\") }} {% if person.phone %}{{ person.mobile | title }}{% endif %}
            {{ person.custom.plan }} {{ company.website }} {{ sender.name }} {{ unsubscribe_link }}",
        );
        let names: Vec<_> = needed_fields(&plan).iter().map(|field| field.name().to_owned()).collect();
        assert_eq!(names, ["organization_name", "mobile", "custom_fields.plan", "website"]);
        let at = Timestamp::from_ms(0);
        let mut person = Person {
            id: PersonId::from_uuid(Default::default()),
            kind: Kind::Lead,
            fields: Fields { organization_name: "Kestrel".into(), ..Fields::default() },
            created_at: at,
            updated_at: at,
        };
        let lacks = |person: &Person, company| lacking(&needed_fields(&plan), person, company).len();
        assert_eq!(lacks(&person, None), 3);
        person.fields.mobile = "+44".into();
        person.fields.custom_fields.insert("plan".into(), 0.into());
        assert_eq!(lacks(&person, None), 1);
        let company = Person { fields: Fields { website: "k.example".into(), ..Fields::default() }, ..person.clone() };
        assert_eq!(lacks(&person, Some(&company)), 0);
    }
}
