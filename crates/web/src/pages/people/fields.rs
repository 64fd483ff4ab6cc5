//! The columns of a list: the chosen ones that exist, in their order. The fields themselves are the storage's.

use relance_domain::person::Kind;
use relance_storage::people_fields::PeopleField;

/// The columns of someone who never chose any.
pub fn usual_columns(kind: Kind) -> Vec<String> {
    let second = if kind == Kind::Lead { "status" } else { "title" };
    ["organization_name", second, "ongoing_sequences", "completed_sequences", "next_email_at", "last_activity_at"]
        .map(str::to_owned)
        .to_vec()
}

/// The chosen columns that exist, in their order; the usual ones if none is chosen. The name always stands first.
pub fn columns<'a>(fields: &'a [PeopleField], chosen: &[String], kind: Kind) -> Vec<&'a PeopleField> {
    let usual = usual_columns(kind);
    let keys = if chosen.is_empty() { usual.as_slice() } else { chosen };
    let shown = |key: &String| fields.iter().find(|field| field.column && field.field == *key && key != "name");
    keys.iter().filter_map(shown).collect()
}

/// The field a rule names, by its long or short name.
pub fn find<'a>(fields: &'a [PeopleField], key: &str) -> Option<&'a PeopleField> {
    let key = match key {
        "tag" => "tags",
        "owner" => "owner_id",
        "company" => "company_id",
        "country" => "address.country",
        "city" => "address.city",
        "state" => "address.state",
        "postal_code" => "address.postal_code",
        key => key,
    };
    fields.iter().find(|field| field.field == key)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<PeopleField> {
    use relance_storage::people_fields::FieldType;
    let field = |field: &str, label: &str, field_type: FieldType| PeopleField {
        field: field.to_owned(),
        label: label.to_owned(),
        group: "Person",
        field_type,
        operations: field_type.operations(),
        choices: Vec::new(),
        column: true,
        sortable: true,
    };
    vec![
        field("name", "Name", FieldType::Name),
        field("organization_name", "Organisation", FieldType::Text),
        field("title", "Job title", FieldType::Text),
        field("status", "Status", FieldType::Text),
        field("owner_id", "Owner", FieldType::User),
        field("tags", "Tags", FieldType::Tags),
        field("address.country", "Country", FieldType::Text),
        field("sequence", "Sequence", FieldType::SequenceState),
        field("ongoing_sequences", "Ongoing sequences", FieldType::Sequences),
        field("completed_sequences", "Completed sequences", FieldType::Sequences),
        field("next_email_at", "Next email", FieldType::InstantOrNone),
        field("last_activity_at", "Last activity", FieldType::InstantOrNone),
        field("custom_fields.size", "Size", FieldType::Number),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_order_and_what_is_gone_is_left_out() {
        let fields = samples();
        let chosen = ["tags", "custom_fields.gone", "name", "status"].map(str::to_owned);
        let keys: Vec<&str> = columns(&fields, &chosen, Kind::Lead).iter().map(|field| field.field.as_str()).collect();
        assert_eq!(keys, ["tags", "status"]);
        assert_eq!(columns(&fields, &[], Kind::Contact).len(), 6);
        assert_eq!(find(&fields, "country").map(|field| field.label.as_str()), Some("Country"));
    }
}
