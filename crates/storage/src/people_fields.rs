//! Every field people can be filtered by, sorted by and shown with: the one list that filters are compiled from and
//! pickers are built from.
//!
//! A field has a type, and the type its operations, each saying what it wants as a value. Custom fields come on top, as
//! `custom_fields.KEY`.

use crate::{custom_fields, error::Result, tx::Tx};
use relance_domain::custom_field::{CustomField, FieldKind};
use serde::Serialize;

/// What a field holds, which decides its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Text.
    Text,
    /// The name, in its compared form.
    Name,
    /// Every word of a person, as the search field asks.
    Search,
    /// Lead or contact.
    Kind,
    /// Yes or no.
    YesNo,
    /// A user.
    User,
    /// A contact that is a company.
    Company,
    /// Tags.
    Tags,
    /// Email addresses.
    Emails,
    /// An instant.
    Instant,
    /// An instant that may be missing.
    InstantOrNone,
    /// The sequences a person is or was in.
    Sequences,
    /// Sequence state.
    SequenceState,
    /// Code of what blocks an enrollment.
    BlockedReason,
    /// A number.
    Number,
    /// A day.
    Date,
    /// One of the choices.
    List,
    /// Some of the choices.
    MultiList,
}

/// What an operation wants as its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    /// Nothing.
    Nothing,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// A number.
    Number,
    /// A day, `2026-11-24`.
    Date,
    /// An instant, or a day for its beginning in UTC.
    Instant,
    /// `true` or `false`.
    YesNo,
    /// The id of a user.
    User,
    /// A list of ids of users.
    Users,
    /// The id of a person.
    Person,
    /// The id of a sequence.
    Sequence,
    /// The id of a sequence, or nothing for any.
    SequenceOrAny,
    /// One of the choices.
    Choice,
    /// A list of choices.
    Choices,
}

/// One way to compare a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// Its name in a rule.
    pub op: &'static str,
    /// As on pages.
    pub label: &'static str,
    /// What it wants as its value.
    pub value: Wants,
}

const fn op(op: &'static str, label: &'static str, value: Wants) -> Operation {
    Operation { op, label, value }
}

const IS_SET: Operation = op("is_set", "has a value", Wants::Nothing);
const IS_EMPTY: Operation = op("is_empty", "is empty", Wants::Nothing);
const BEFORE: Operation = op("before", "is before", Wants::Instant);
const AFTER: Operation = op("after", "is on or after", Wants::Instant);

const TEXT: &[Operation] = &[
    op("is", "is", Wants::Text),
    op("is_not", "is not", Wants::Text),
    op("in", "is one of", Wants::Texts),
    op("contains", "contains", Wants::Text),
    op("not_contains", "does not contain", Wants::Text),
    op("starts_with", "starts with", Wants::Text),
    IS_SET,
    IS_EMPTY,
];

const SEQUENCE_STATE: &[Operation] = &[
    op("in_none_now", "in no sequence now", Wants::Nothing),
    op("never_in_any", "never in a sequence", Wants::Nothing),
    op("ongoing_in", "ongoing in", Wants::SequenceOrAny),
    op("active_in", "active in", Wants::SequenceOrAny),
    op("paused_in", "paused in", Wants::SequenceOrAny),
    op("blocked_in", "blocked in", Wants::SequenceOrAny),
    op("finished_in", "completed", Wants::SequenceOrAny),
    op("not_ongoing_in", "not now in", Wants::Sequence),
    op("never_in", "never in", Wants::Sequence),
    op("lacks_data_for", "lacks data for", Wants::Sequence),
    op("has_data_for", "has all data for", Wants::Sequence),
];

const SEARCH: &[Operation] = &[op("matches", "matches", Wants::Text)];
const NAME: &[Operation] = &[op("contains", "contains", Wants::Text), op("starts_with", "starts with", Wants::Text)];
const KIND: &[Operation] = &[op("is", "is", Wants::Choice)];
const YES_NO: &[Operation] = &[op("is", "is", Wants::YesNo), IS_SET, IS_EMPTY];
const USER: &[Operation] = &[
    op("is", "is", Wants::User),
    op("is_not", "is not", Wants::User),
    op("in", "is one of", Wants::Users),
    op("is_set", "is anyone", Wants::Nothing),
    op("is_empty", "is nobody", Wants::Nothing),
];
const COMPANY: &[Operation] = &[op("is", "is", Wants::Person), op("is_not", "is not", Wants::Person), IS_SET, IS_EMPTY];
const TAGS: &[Operation] = &[
    op("has", "has", Wants::Text),
    op("has_not", "has not", Wants::Text),
    op("in", "has one of", Wants::Texts),
    IS_SET,
    IS_EMPTY,
];
const EMAILS: &[Operation] =
    &[op("has", "has", Wants::Text), op("contains", "contains", Wants::Text), IS_SET, IS_EMPTY];
const INSTANT: &[Operation] = &[BEFORE, AFTER];
const INSTANT_OR_NONE: &[Operation] = &[BEFORE, AFTER, IS_SET, IS_EMPTY];
const IN_SEQUENCES: &[Operation] =
    &[op("has", "has", Wants::Sequence), op("has_not", "has not", Wants::Sequence), IS_SET, IS_EMPTY];
const BLOCKED: &[Operation] = &[op("is", "is", Wants::Text), op("in", "is one of", Wants::Texts), IS_SET];
const NUMBER: &[Operation] = &[
    op("is", "is", Wants::Number),
    op("is_not", "is not", Wants::Number),
    op("less", "is less than", Wants::Number),
    op("more", "is more than", Wants::Number),
    op("at_most", "is at most", Wants::Number),
    op("at_least", "is at least", Wants::Number),
    IS_SET,
    IS_EMPTY,
];
const DATE: &[Operation] = &[
    op("is", "is", Wants::Date),
    op("before", "is before", Wants::Date),
    op("after", "is on or after", Wants::Date),
    IS_SET,
    IS_EMPTY,
];
const LIST: &[Operation] = &[
    op("is", "is", Wants::Choice),
    op("is_not", "is not", Wants::Choice),
    op("in", "is one of", Wants::Choices),
    IS_SET,
    IS_EMPTY,
];
const MULTI_LIST: &[Operation] = &[
    op("has", "has", Wants::Choice),
    op("has_not", "has not", Wants::Choice),
    op("in", "has one of", Wants::Choices),
    IS_SET,
    IS_EMPTY,
];

impl FieldType {
    /// The ways to compare it.
    pub const fn operations(self) -> &'static [Operation] {
        match self {
            Self::Text => TEXT,
            Self::SequenceState => SEQUENCE_STATE,
            Self::Name => NAME,
            Self::Search => SEARCH,
            Self::Kind => KIND,
            Self::YesNo => YES_NO,
            Self::User => USER,
            Self::Company => COMPANY,
            Self::Tags => TAGS,
            Self::Emails => EMAILS,
            Self::Instant => INSTANT,
            Self::InstantOrNone => INSTANT_OR_NONE,
            Self::Sequences => IN_SEQUENCES,
            Self::BlockedReason => BLOCKED,
            Self::Number => NUMBER,
            Self::Date => DATE,
            Self::List => LIST,
            Self::MultiList => MULTI_LIST,
        }
    }

    const fn of_custom(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text | FieldKind::LongText | FieldKind::Url | FieldKind::Email | FieldKind::Phone => Self::Text,
            FieldKind::Number => Self::Number,
            FieldKind::Date => Self::Date,
            FieldKind::YesNo => Self::YesNo,
            FieldKind::List => Self::List,
            FieldKind::MultiList => Self::MultiList,
        }
    }
}

/// A field as pickers show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeopleField {
    /// Its name in rules, sorts and columns.
    pub field: String,
    /// As on pages.
    pub label: String,
    /// Under which head pickers put it.
    pub group: &'static str,
    /// What it holds.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// The ways to compare it; none if it is a column only.
    pub operations: &'static [Operation],
    /// What can be chosen, for lists.
    pub choices: Vec<String>,
    /// It can be a column.
    pub column: bool,
    /// It can be sorted by.
    pub sortable: bool,
}

/// A field everyone has.
pub(crate) struct Known {
    pub(crate) field: &'static str,
    label: &'static str,
    group: &'static str,
    pub(crate) field_type: FieldType,
    /// A column of the table, where it is one.
    pub(crate) column: Option<&'static str>,
    /// Lists show it and sort by it.
    listed: bool,
}

const fn known(
    field: &'static str,
    label: &'static str,
    group: &'static str,
    field_type: FieldType,
    column: Option<&'static str>,
) -> Known {
    Known { field, label, group, field_type, column, listed: true }
}

const fn rule_only(field: &'static str, label: &'static str, group: &'static str, field_type: FieldType) -> Known {
    Known { field, label, group, field_type, column: None, listed: false }
}

const PERSON: &str = "Person";
const REACH: &str = "Reach";
const ADDRESS: &str = "Address";
const WORK: &str = "Pipeline";
const SEQUENCES: &str = "Sequences";
const HISTORY: &str = "History";

use FieldType as T;

pub(crate) const KNOWN: &[Known] = &[
    known("name", "Name", PERSON, T::Name, Some("p.name_key")),
    known("first_name", "First name", PERSON, T::Text, Some("p.first_name")),
    known("last_name", "Last name", PERSON, T::Text, Some("p.last_name")),
    known("title", "Job title", PERSON, T::Text, Some("p.title")),
    known("organization_name", "Organisation", PERSON, T::Text, Some("p.organization_name")),
    known("company_id", "Company", PERSON, T::Company, None),
    known("is_organization", "Is a company", PERSON, T::YesNo, None),
    known("industry", "Industry", PERSON, T::Text, Some("p.industry")),
    known("description", "Description", PERSON, T::Text, Some("p.description")),
    rule_only("search", "Search", PERSON, T::Search),
    rule_only("kind", "Lead or contact", PERSON, T::Kind),
    known("email", "Email", REACH, T::Text, Some("p.email")),
    known("other_emails", "Other emails", REACH, T::Emails, Some("p.other_emails")),
    known("phone", "Phone", REACH, T::Text, Some("p.phone")),
    known("mobile", "Mobile", REACH, T::Text, Some("p.mobile")),
    known("website", "Website", REACH, T::Text, Some("p.website")),
    known("linkedin", "LinkedIn", REACH, T::Text, Some("p.linkedin")),
    known("x", "X", REACH, T::Text, Some("p.x")),
    known("facebook", "Facebook", REACH, T::Text, Some("p.facebook")),
    known("address.line", "Street", ADDRESS, T::Text, Some("p.address_line")),
    known("address.city", "City", ADDRESS, T::Text, Some("p.address_city")),
    known("address.postal_code", "Postal code", ADDRESS, T::Text, Some("p.address_postal_code")),
    known("address.state", "State", ADDRESS, T::Text, Some("p.address_state")),
    known("address.country", "Country", ADDRESS, T::Text, Some("p.address_country")),
    known("time_zone", "Time zone", ADDRESS, T::Text, Some("p.time_zone")),
    known("status", "Status", WORK, T::Text, Some("p.status")),
    known("source", "Source", WORK, T::Text, Some("p.source")),
    known("owner_id", "Owner", WORK, T::User, None),
    known("tags", "Tags", WORK, T::Tags, Some("p.tags")),
    rule_only("sequence", "Sequence", SEQUENCES, T::SequenceState),
    known("ongoing_sequences", "Ongoing sequences", SEQUENCES, T::Sequences, None),
    known("completed_sequences", "Completed sequences", SEQUENCES, T::Sequences, None),
    known("next_email_at", "Next email", SEQUENCES, T::InstantOrNone, None),
    rule_only("blocked_reason", "Blocked because", SEQUENCES, T::BlockedReason),
    rule_only("open_task", "Has an open task", HISTORY, T::YesNo),
    rule_only("open_task_due_at", "Open task due", HISTORY, T::InstantOrNone),
    known("last_activity_at", "Last activity", HISTORY, T::InstantOrNone, None),
    known("created_at", "Created", HISTORY, T::Instant, Some("p.created_at")),
    known("updated_at", "Updated", HISTORY, T::Instant, Some("p.updated_at")),
];

/// Short names that rules may use too.
const ALIASES: &[(&str, &str)] = &[
    ("tag", "tags"),
    ("owner", "owner_id"),
    ("company", "company_id"),
    ("country", "address.country"),
    ("city", "address.city"),
    ("state", "address.state"),
    ("postal_code", "address.postal_code"),
];

/// The field of this name or short name.
pub(crate) fn find(field: &str) -> Option<&'static Known> {
    let field = ALIASES.iter().find(|(short, _)| *short == field).map_or(field, |(_, long)| long);
    KNOWN.iter().find(|known| known.field == field)
}

/// A field everyone has can be sorted by.
pub(crate) fn sorts_by(field: &str) -> bool {
    KNOWN.iter().any(|known| known.field == field && known.listed)
}

impl Known {
    fn shown(&self) -> PeopleField {
        let choices = if self.field_type == T::Kind { vec!["lead".to_owned(), "contact".to_owned()] } else { vec![] };
        PeopleField {
            field: self.field.to_owned(),
            label: self.label.to_owned(),
            group: self.group,
            field_type: self.field_type,
            operations: self.operations(),
            choices,
            column: self.listed,
            sortable: self.listed,
        }
    }

    /// The ways to compare it: a yes/no that everyone has is never empty.
    pub(crate) fn operations(&self) -> &'static [Operation] {
        let all = self.field_type.operations();
        if self.field_type == T::YesNo { &all[..1] } else { all }
    }
}

fn custom(field: &CustomField) -> PeopleField {
    let field_type = FieldType::of_custom(field.kind);
    PeopleField {
        field: field.field(),
        label: field.label.clone(),
        group: "Custom fields",
        field_type,
        operations: field_type.operations(),
        choices: field.choices.clone(),
        column: true,
        sortable: true,
    }
}

/// The type of a custom field.
pub(crate) const fn type_of(field: &CustomField) -> FieldType {
    FieldType::of_custom(field.kind)
}

/// Every field of people, in the order of pickers.
pub async fn fields(tx: &mut Tx) -> Result<Vec<PeopleField>> {
    let defined = custom_fields::list(tx).await?;
    Ok(KNOWN.iter().map(Known::shown).chain(defined.iter().map(custom)).collect())
}

/// The names of every column there is.
pub async fn columns(tx: &mut Tx) -> Result<Vec<String>> {
    Ok(fields(tx).await?.into_iter().filter(|field| field.column).map(|field| field.field).collect())
}
