//! The fields of a person as pages show and ask for them: which belong together, what they are called, how they are
//! typed. Everyone's fields first, then the custom ones in the order of the settings.

use std::collections::BTreeMap;

use relance_domain::custom_field::{CustomField, FieldKind};
use relance_domain::person::{Fields, Kind, Person};
use relance_storage::{Tx, custom_fields, people_choices, users};

use super::control::Control;
use super::typed::Typed;
use crate::errors::{FormErrors, Result};
use crate::pages::form::Choice;

/// Tags that are offered.
const MOST_TAGS: usize = 24;

/// Fields that are shown and edited together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name in addresses.
    pub key: String,
    /// What it is called.
    pub label: String,
    /// The fields in it, in API spelling.
    pub names: Vec<String>,
}

/// What choices there are: read once for a form.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Users who can own people.
    pub owners: Vec<Choice>,
    /// Statuses in use.
    pub statuses: Vec<String>,
    /// Sources in use.
    pub sources: Vec<String>,
    /// Tags in use.
    pub tags: Vec<String>,
    /// Time zones.
    pub zones: Vec<String>,
    /// Custom fields.
    pub custom: Vec<CustomField>,
}

/// Key, label, fields; of leads only, of contacts only, or of both.
const GROUPS: [(&str, &str, &[&str], Option<Kind>); 19] = [
    ("name", "Name", &["first_name", "last_name"], None),
    ("title", "Job title", &["title"], None),
    ("organization", "Organisation", &["organization_name"], Some(Kind::Lead)),
    ("organization", "Company", &["organization_name", "company", "is_organization"], Some(Kind::Contact)),
    ("email", "Email", &["email"], None),
    ("other_emails", "Other emails", &["other_emails"], None),
    ("phone", "Phone", &["phone"], None),
    ("mobile", "Mobile", &["mobile"], None),
    ("status", "Status", &["status"], None),
    ("industry", "Industry", &["industry"], None),
    ("source", "Source", &["source"], None),
    ("owner", "Owner", &["owner_id"], None),
    ("tags", "Tags", &["tags"], None),
    ("website", "Website", &["website"], None),
    ("linkedin", "LinkedIn", &["linkedin"], None),
    ("social", "X and Facebook", &["x", "facebook"], None),
    (
        "address",
        "Address",
        &["address.line", "address.postal_code", "address.city", "address.state", "address.country"],
        None,
    ),
    ("time_zone", "Time zone", &["time_zone"], None),
    ("description", "Description", &["description"], None),
];

/// The groups of a kind of people.
pub fn groups(kind: Kind, custom: &[CustomField]) -> Vec<Group> {
    let everyones = GROUPS.iter().filter(|(.., of)| of.is_none_or(|of| of == kind));
    let everyones = everyones.map(|(key, label, names, _)| Group {
        key: (*key).to_owned(),
        label: (*label).to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    });
    let own =
        custom.iter().map(|field| Group { key: field.field(), label: field.label.clone(), names: vec![field.field()] });
    everyones.chain(own).collect()
}

/// The group that a field belongs to.
pub fn group_of(kind: Kind, custom: &[CustomField], key: &str) -> Option<Group> {
    let name = if key == "company_id" { "company" } else { key };
    groups(kind, custom).into_iter().find(|group| group.key == name || group.names.iter().any(|field| field == name))
}

/// Reads what can be chosen.
pub async fn offers(tx: &mut Tx, kind: Kind) -> Result<Offers> {
    let owners = users::list(tx).await?.into_iter().filter(|user| user.deactivated_at.is_none());
    let mut tags = people_choices::tags(tx).await?;
    tags.truncate(MOST_TAGS);
    Ok(Offers {
        owners: owners.map(|user| Choice::new(user.id, user.name)).collect(),
        statuses: people_choices::statuses(tx, kind).await?,
        sources: people_choices::sources(tx).await?,
        tags,
        zones: crate::pages::set_up::zones(),
        custom: custom_fields::list(tx).await?,
    })
}

/// What a field is called.
pub fn label(name: &str, custom: &[CustomField]) -> String {
    if let Some(field) = custom.iter().find(|field| field.field() == name) {
        return field.label.clone();
    }
    match name {
        "first_name" => "First name",
        "last_name" => "Last name",
        "title" => "Job title",
        "organization_name" => "Organisation",
        "company" | "company_id" => "Works at",
        "is_organization" => "This contact is a company",
        "email" => "Email",
        "other_emails" => "Other emails",
        "phone" => "Phone",
        "mobile" => "Mobile",
        "website" => "Website",
        "industry" => "Industry",
        "status" => "Status",
        "source" => "Source",
        "owner_id" => "Owner",
        "tags" => "Tags",
        "linkedin" => "LinkedIn",
        "x" => "X",
        "facebook" => "Facebook",
        "address.line" => "Street and number",
        "address.postal_code" => "Postal code",
        "address.city" => "City",
        "address.state" => "State or region",
        "address.country" => "Country",
        "time_zone" => "Time zone",
        "description" => "Description",
        other => return other.rsplit('.').next().unwrap_or(other).replace('_', " "),
    }
    .to_owned()
}

fn words(all: &[String]) -> Vec<Choice> {
    all.iter().map(|word| Choice::new(word, word)).collect()
}

/// A field of a form with what was typed and what was refused.
pub fn control(name: &str, typed: &Typed, errors: &FormErrors, offers: &Offers) -> Control {
    let control = |kind| Control::new(kind, name, label(name, &offers.custom)).with(typed.get(name));
    let made = match name {
        "email" => control("email"),
        "phone" | "mobile" => control("tel"),
        "is_organization" => control("check"),
        "description" => control("textarea"),
        "other_emails" => {
            Control { hint: "Mail from these counts as mail from this person.".to_owned(), ..control("text") }
        }
        "status" => Control { list: "statuses".to_owned(), ..control("text").of(words(&offers.statuses)) },
        "source" => Control { list: "sources".to_owned(), ..control("text").of(words(&offers.sources)) },
        "company" => Control {
            list: "company-names".to_owned(),
            hint: "The name of a contact that is a company.".to_owned(),
            ..control("text")
        },
        "owner_id" => {
            let nobody = Choice::new("", "Nobody");
            control("select").of(std::iter::once(nobody).chain(offers.owners.iter().cloned()).collect())
        }
        "time_zone" => {
            let zones = offers.zones.iter().map(|zone| Choice::new(zone, zone.replace('_', " ")));
            control("select").of(std::iter::once(Choice::new("", "From the country")).chain(zones).collect())
        }
        "tags" => Control { values: typed.all("tags"), ..control("tags").of(words(&offers.tags)) },
        "address.country" => Control { hint: "A code such as GB decides the time zone.".to_owned(), ..control("text") },
        name => match offers.custom.iter().find(|field| field.field() == name) {
            Some(field) => custom(field, control, typed),
            None => control("text"),
        },
    };
    let error = errors.0.iter().find(|refused| {
        refused.field.as_deref().is_some_and(|at| at == name || at.starts_with(&format!("{name}[")))
            || (name == "company" && refused.field.as_deref() == Some("company_id"))
    });
    Control { error: error.map(|refused| refused.message.clone()).unwrap_or_default(), ..made }
}

fn custom(field: &CustomField, control: impl Fn(&'static str) -> Control, typed: &Typed) -> Control {
    let none = Choice::new("", "–");
    match field.kind {
        FieldKind::Text => control("text"),
        FieldKind::LongText => control("textarea"),
        FieldKind::Number => Control { hint: String::new(), ..control("text") },
        FieldKind::Date => control("date"),
        FieldKind::YesNo => control("select").of(vec![none, Choice::new("yes", "Yes"), Choice::new("no", "No")]),
        FieldKind::List => {
            let mut choices = vec![none];
            choices.extend(words(&field.choices));
            let chosen = typed.get(&field.field());
            if !chosen.is_empty() && !field.choices.iter().any(|choice| choice == chosen) {
                choices.push(Choice::new(chosen, chosen));
            }
            control("select").of(choices)
        }
        FieldKind::MultiList => {
            let mut choices = words(&field.choices);
            let values = typed.all(&field.field());
            choices.extend(words(
                &values.iter().filter(|value| !field.choices.contains(value)).cloned().collect::<Vec<_>>(),
            ));
            Control { values, ..control("checks").of(choices) }
        }
        FieldKind::Url => control("url"),
        FieldKind::Email => control("email"),
        FieldKind::Phone => control("tel"),
    }
}

/// What a group shows of a person: lines joined by commas; empty where nothing is known.
pub fn shown(group: &Group, person: &Person, names: &BTreeMap<String, String>, custom: &[CustomField]) -> String {
    let fields = &person.fields;
    let found = |id: Option<String>| id.and_then(|id| names.get(&id).cloned()).unwrap_or_default();
    match group.key.as_str() {
        "name" => format!("{} {}", fields.first_name, fields.last_name).trim().to_owned(),
        "organization" => match found(fields.company_id.map(|id| id.to_string())) {
            company if company.is_empty() => fields.organization_name.clone(),
            company => company,
        },
        "other_emails" => fields.other_emails.join(", "),
        "owner" => found(fields.owner_id.map(|id| id.to_string())),
        "tags" => fields.tags.join(", "),
        "time_zone" => match (fields.time_zone.as_str(), person.zone()) {
            ("", Some(zone)) => format!("{} from the country", zone.iana_name().unwrap_or_default()),
            (zone, _) => zone.replace('_', " "),
        },
        _ => joined(group, fields, custom),
    }
}

fn joined(group: &Group, fields: &Fields, custom: &[CustomField]) -> String {
    let typed = Typed::of(fields);
    let text = |name: &String| match custom.iter().find(|field| field.field() == *name) {
        Some(field) => fields.custom_fields.get(&field.key).map(|value| field.display(value)).unwrap_or_default(),
        None => typed.get(name).to_owned(),
    };
    group.names.iter().map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Where a value leads: mail, phone, a page; empty where it leads nowhere.
pub fn href(group: &Group, person: &Person, custom: &[CustomField]) -> String {
    let fields = &person.fields;
    let web = |text: &str| match text {
        text if text.starts_with("https://") || text.starts_with("http://") => text.to_owned(),
        text if text.contains('.') && !text.contains([' ', ':', '"']) => format!("https://{text}"),
        _ => String::new(),
    };
    match group.key.as_str() {
        "email" if !fields.email.is_empty() => format!("mailto:{}", fields.email),
        "phone" => crate::urls::telephone(&fields.phone),
        "mobile" => crate::urls::telephone(&fields.mobile),
        "website" => web(&fields.website),
        "linkedin" => web(&fields.linkedin),
        "organization" => fields.company_id.map(crate::urls::person).unwrap_or_default(),
        key => match custom.iter().find(|field| field.field() == key) {
            Some(field) if field.kind == FieldKind::Url => {
                web(fields.custom_fields.get(&field.key).and_then(|value| value.as_str()).unwrap_or_default())
            }
            _ => String::new(),
        },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use relance_domain::{CustomFieldId, PersonId, Timestamp};

    pub fn field(key: &str, kind: FieldKind, choices: &[&str]) -> CustomField {
        CustomField {
            id: CustomFieldId::from_uuid(Default::default()),
            key: key.into(),
            label: key.to_uppercase(),
            kind,
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            position: 0,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        }
    }

    #[test]
    fn every_kind_of_field_has_its_control_and_keeps_what_was_typed() {
        let custom: Vec<_> = FieldKind::ALL.into_iter().map(|kind| field(kind.as_str(), kind, &["a", "b"])).collect();
        let offers = Offers { custom, ..Offers::default() };
        let pairs =
            [("custom_fields.list", "gone"), ("custom_fields.multi_list", "b"), ("custom_fields.yes_no", "yes")];
        let typed = Typed::of_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        let errors = FormErrors::one("custom_fields.number", "This is not a number.");
        let kinds: Vec<_> =
            offers.custom.iter().map(|field| control(&field.field(), &typed, &errors, &offers)).collect();
        let names: Vec<_> = kinds.iter().map(|control| control.kind).collect();
        assert_eq!(names, ["text", "textarea", "text", "date", "select", "select", "checks", "url", "email", "tel"]);
        assert_eq!(kinds[2].error, "This is not a number.");
        assert!(kinds[5].choices.iter().any(|choice| choice.value == "gone"), "a choice that is no longer offered");
        assert!(kinds[6].has("b") && !kinds[6].has("a"));
    }

    #[test]
    fn a_field_leads_where_its_value_says_and_never_runs_anything() {
        let mut person = Person {
            id: PersonId::from_uuid(Default::default()),
            kind: Kind::Lead,
            fields: Fields { phone: "+44 20 1".into(), website: "javascript:alert(1)".into(), ..Fields::default() },
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        };
        let at = |key: &str, person: &Person| href(&group_of(Kind::Lead, &[], key).expect(key), person, &[]);
        assert_eq!(at("phone", &person), "tel:+44201");
        assert_eq!(at("website", &person), "");
        person.fields.website = "kestrel.example".into();
        assert_eq!(at("website", &person), "https://kestrel.example");
        assert_eq!(group_of(Kind::Lead, &[], "address.city").map(|group| group.key), Some("address".to_owned()));
    }
}
