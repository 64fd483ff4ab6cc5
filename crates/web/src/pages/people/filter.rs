//! The rule builder: a field, how it is compared, with what. A plain form; its answer is the list with one rule more.
//!
//! Which fields and operations there are is the storage's. What was typed becomes the value the rule needs (a number, a
//! day at midnight of the user's zone, an id) or is refused at its field.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::list::Rule;
use relance_domain::person::Kind;
use relance_domain::{Timestamp, UserId, time};
use relance_storage::people_fields::{self, Operation, PeopleField, Wants};
use relance_storage::sequences::{self, SequenceFilter};
use relance_storage::{Tx, people, people_choices, users};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::query::ListQuery;
use super::{fields, list};
use crate::answer;
use crate::app::App;
use crate::errors::{FormErrors, Result};
use crate::extract::Query;
use crate::frame::Frame;
use crate::pages::form::{Choice, from_pairs};
use crate::session::Visitor;

/// Sequences offered.
const MOST_SEQUENCES: u32 = 200;
/// Values of `is one of`.
const MOST_VALUES: usize = 200;

/// What the builder's form says.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    query: ListQuery,
    kind: Option<Kind>,
    /// The rule that is changed; `None` = a new one.
    at: Option<usize>,
    field: String,
    op: String,
    values: Vec<String>,
    /// `apply`: the rule is complete.
    does: String,
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        from_pairs(deserializer, |asked: &mut Self, name, value| match name {
            "kind" => asked.kind = Kind::parse(&value),
            "at" => asked.at = value.parse().ok(),
            "field" => asked.field = value,
            "op" => asked.op = value,
            "value" => asked.values.push(value),
            "do" => asked.does = value,
            _ => drop(asked.query.set(name, &value)),
        })
    }
}

/// Fields under one head.
#[derive(Clone, Debug, Default)]
struct Group {
    label: &'static str,
    fields: Vec<Choice>,
}

/// How the value is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Control {
    /// Not at all.
    #[default]
    Nothing,
    /// One line of this type.
    Line(&'static str),
    /// One a line.
    Lines,
    /// One of these.
    One(Vec<Choice>),
    /// Some of these.
    Some(Vec<Choice>),
}

#[derive(Template)]
#[template(path = "people/filter.html")]
struct Page {
    frame: Frame,
    title: &'static str,
    button: &'static str,
    back: String,
    hidden: Vec<(String, String)>,
    groups: Vec<Group>,
    field: String,
    ops: Vec<Choice>,
    op: String,
    control: Control,
    values: Vec<String>,
    hint: &'static str,
    focus: &'static str,
    errors: FormErrors,
}

impl Page {
    fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    fn lines(&self) -> String {
        self.values.join("\n")
    }

    fn has(&self, value: &str) -> bool {
        self.values.iter().any(|known| known == value)
    }
}

/// The builder, or the list with the rule.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(mut asked): Query<Asked>) -> Result<Response> {
    let kind = asked.kind.unwrap_or(Kind::Lead);
    let mut tx = app.read().await?;
    let known = people_fields::fields(&mut tx).await?;
    let is_first = asked.field.is_empty();
    if is_first {
        begin(&mut asked, &known, &visitor);
    }
    let field = fields::find(&known, &asked.field).filter(|field| !field.operations.is_empty());
    let Some(field) = field.or_else(|| known.iter().find(|field| field.field == "status")) else {
        return Ok(answer::go(&asked.query.href(kind)));
    };
    let same = field.operations.iter().find(|operation| operation.op == asked.op);
    let operation = same.or_else(|| field.operations.first()).copied();
    let Some(operation) = operation else { return Ok(answer::go(&asked.query.href(kind))) };
    let control = control(&mut tx, field, operation, kind).await?;
    let mut errors = FormErrors::default();
    if asked.does == "apply" && same.is_some() {
        match value(&mut tx, field, operation, &asked.values, &visitor).await? {
            Ok(value) => {
                let rule = Rule { field: field.field.clone(), op: operation.op.to_owned(), value };
                return Ok(answer::go(&with_rule(&asked, rule).href(kind)));
            }
            Err(words) => errors = FormErrors::one("value", words),
        }
    }
    let is_refused = !errors.is_empty();
    let mut hidden = asked.query.hidden();
    hidden.push(("kind".to_owned(), kind.as_str().to_owned()));
    hidden.extend(asked.at.map(|at| ("at".to_owned(), at.to_string())));
    let page = Page {
        frame: visitor.frame(list::section(kind)),
        title: if asked.at.is_some() { "Change the filter" } else { "Add a filter" },
        button: if asked.at.is_some() { "Change filter" } else { "Add filter" },
        back: asked.query.href(kind),
        hidden,
        groups: groups(&known),
        field: field.field.clone(),
        ops: field.operations.iter().map(|operation| Choice::new(operation.op, operation.label)).collect(),
        op: operation.op.to_owned(),
        control,
        values: asked.values,
        hint: hint(operation.value),
        focus: focus(is_first, asked.at.is_some(), same.is_some()),
        errors,
    };
    if is_refused { answer::refused(&page) } else { answer::page(&page) }
}

/// Where typing goes on: at the field first, then at what follows the choice just made.
const fn focus(is_first: bool, is_change: bool, has_op: bool) -> &'static str {
    match (is_first, is_change, has_op) {
        (true, false, _) => "field",
        (true, true, _) | (false, _, true) => "value",
        (false, _, false) => "op",
    }
}

/// A new rule begins at status; one that is changed with what it says.
fn begin(asked: &mut Asked, known: &[PeopleField], visitor: &Visitor) {
    let Some(rule) = asked.at.and_then(|at| asked.query.rules.get(at)) else {
        (asked.at, asked.field) = (None, "status".to_owned());
        return;
    };
    let Some(field) = fields::find(known, &rule.field) else { return };
    asked.field.clone_from(&field.field);
    asked.op.clone_from(&rule.op);
    asked.values = match &rule.value {
        Value::Null => Vec::new(),
        Value::Array(all) => all.iter().map(text_of).collect(),
        Value::Bool(yes) => vec![if *yes { "yes" } else { "no" }.to_owned()],
        value => {
            let text = text_of(value);
            let day = Timestamp::parse(&text).map(|at| at.zoned(&visitor.zone).date().to_string());
            vec![day.unwrap_or(text)]
        }
    };
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn with_rule(asked: &Asked, rule: Rule) -> ListQuery {
    let mut query = ListQuery { cursor: String::new(), ..asked.query.clone() };
    match asked.at {
        Some(at) if at < query.rules.len() => query.rules[at] = rule,
        _ if query.rules.contains(&rule) => {}
        _ => query.rules.push(rule),
    }
    query
}

fn groups(known: &[PeopleField]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for field in
        known.iter().filter(|field| !field.operations.is_empty() && !["kind", "search"].contains(&field.field.as_str()))
    {
        let choice = Choice::new(&field.field, field.label.clone());
        match groups.iter_mut().find(|group| group.label == field.group) {
            Some(group) => group.fields.push(choice),
            None => groups.push(Group { label: field.group, fields: vec![choice] }),
        }
    }
    groups
}

const fn hint(wants: Wants) -> &'static str {
    match wants {
        Wants::Texts => "One a line.",
        Wants::Instant => "The day begins at midnight of your own time zone.",
        Wants::Person => "The full name of the company.",
        _ => "",
    }
}

async fn control(tx: &mut Tx, field: &PeopleField, operation: Operation, kind: Kind) -> Result<Control> {
    let known = known_values(tx, &field.field, kind).await?;
    Ok(match operation.value {
        Wants::Nothing => Control::Nothing,
        Wants::Text if !known.is_empty() && operation.op != "contains" && operation.op != "starts_with" => {
            Control::One(known)
        }
        Wants::Texts if !known.is_empty() => Control::Some(known),
        Wants::Text | Wants::Person => Control::Line("text"),
        Wants::Texts => Control::Lines,
        Wants::Number => Control::Line("number"),
        Wants::Date | Wants::Instant => Control::Line("date"),
        Wants::YesNo => Control::One(vec![Choice::new("yes", "Yes"), Choice::new("no", "No")]),
        Wants::User => Control::One(owners(tx).await?),
        Wants::Users => Control::Some(owners(tx).await?),
        Wants::Sequence => Control::One(sequences(tx).await?),
        Wants::SequenceOrAny => {
            let any = Choice::new("", "Any sequence");
            Control::One([any].into_iter().chain(sequences(tx).await?).collect())
        }
        Wants::Choice => Control::One(field.choices.iter().map(|choice| Choice::new(choice, choice.clone())).collect()),
        Wants::Choices => {
            Control::Some(field.choices.iter().map(|choice| Choice::new(choice, choice.clone())).collect())
        }
    })
}

async fn known_values(tx: &mut Tx, field: &str, kind: Kind) -> Result<Vec<Choice>> {
    let words = match field {
        "status" => people_choices::statuses(tx, kind).await?,
        "source" => people_choices::sources(tx).await?,
        "tags" => people_choices::tags(tx).await?,
        "blocked_reason" => {
            return Ok(super::rows::REASONS.iter().map(|(code, words)| Choice::new(code, *words)).collect());
        }
        _ => Vec::new(),
    };
    Ok(words.into_iter().map(|word| Choice::new(&word, word.clone())).collect())
}

async fn owners(tx: &mut Tx) -> Result<Vec<Choice>> {
    Ok(users::list(tx).await?.into_iter().map(|user| Choice::new(user.id, user.name)).collect())
}

async fn sequences(tx: &mut Tx) -> Result<Vec<Choice>> {
    let found = sequences::page(tx, SequenceFilter::default(), None, MOST_SEQUENCES).await?;
    Ok(found.into_iter().map(|(sequence, _)| Choice::new(sequence.id, sequence.name)).collect())
}

/// The value as the rule needs it, or why it is none.
async fn value(
    tx: &mut Tx,
    field: &PeopleField,
    operation: Operation,
    typed: &[String],
    visitor: &Visitor,
) -> Result<std::result::Result<Value, &'static str>> {
    let lines: Vec<&str> =
        typed.iter().flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.is_empty()).collect();
    let one = lines.first().copied().unwrap_or_default();
    if operation.value == Wants::Person {
        return Ok(company(tx, one).await?.ok_or("No company has this name. Write it as on its page."));
    }
    Ok(match operation.value {
        Wants::Nothing => Ok(Value::Null),
        Wants::SequenceOrAny if one.is_empty() => Ok(Value::Null),
        Wants::Texts | Wants::Choices | Wants::Users if lines.is_empty() => Err("Choose at least one."),
        Wants::Texts | Wants::Choices | Wants::Users if lines.len() > MOST_VALUES => Err("At most 200 at once."),
        Wants::Texts | Wants::Choices | Wants::Users => Ok(json!(lines)),
        _ if one.is_empty() => Err("Say with what it is compared."),
        Wants::Number => one.replace(',', ".").parse::<f64>().ok().and_then(number).ok_or("Write a number."),
        Wants::Date => one.parse::<jiff::civil::Date>().map(|day| json!(day.to_string())).map_err(|_| CHOOSE_A_DAY),
        Wants::Instant => one
            .parse::<jiff::civil::Date>()
            .ok()
            .and_then(|day| time::start_of_day(day, &visitor.zone))
            .map(|at| json!(at))
            .ok_or(CHOOSE_A_DAY),
        Wants::YesNo => Ok(json!(one == "yes")),
        Wants::Choice if field.choices.iter().any(|choice| choice == one) => Ok(json!(one)),
        Wants::Choice => Err("Choose one from the list."),
        Wants::User if one.parse::<UserId>().is_err() => Err("Choose a user from the list."),
        _ => Ok(json!(one)),
    })
}

const CHOOSE_A_DAY: &str = "Choose a day, such as 2026-11-24.";

fn number(number: f64) -> Option<Value> {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Some(json!(number as i64));
    }
    serde_json::Number::from_f64(number).map(Value::Number)
}

async fn company(tx: &mut Tx, name: &str) -> Result<Option<Value>> {
    let found: HashMap<_, _> = people::find_companies(tx, name).await?.into_iter().map(|p| (p.name(), p.id)).collect();
    Ok(found.get(name).or_else(|| found.values().next()).map(|id| json!(id.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(control: Control) -> Page {
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Add a filter",
            button: "Add filter",
            back: "/leads".into(),
            hidden: vec![("rule".into(), "status:is:New".into())],
            groups: groups(&fields::samples()),
            field: "status".into(),
            ops: vec![Choice::new("is", "is"), Choice::new("is_not", "is not")],
            op: "is_not".into(),
            control,
            values: vec!["Lost".into()],
            hint: "",
            focus: "value",
            errors: FormErrors::one("value", "Choose at least one."),
        }
    }

    #[test]
    fn every_sort_of_value_has_its_control() {
        let choices = vec![Choice::new("Lost", "Lost"), Choice::new("New", "New")];
        for (control, expected) in [
            (Control::Line("date"), "type=\"date\""),
            (Control::Lines, "<textarea"),
            (Control::One(choices.clone()), "value=\"Lost\" selected"),
            (Control::Some(choices), "value=\"Lost\" checked"),
        ] {
            let html = page(control).render().expect("a page");
            assert!(html.contains(expected), "{expected} in {html}");
            assert!(html.contains("Choose at least one.") && html.contains("status:is:New"));
        }
        assert!(!page(Control::Nothing).render().expect("a page").contains("name=\"value\""));
    }

    #[test]
    fn a_rule_is_added_once_and_changed_in_its_place() {
        let mut asked = Asked::default();
        asked.query.set("rule", "status:is:New");
        asked.query.set("rule", "email:is_set:");
        asked.query.set("cursor", "nt61.per_1");
        assert_eq!(with_rule(&asked, Rule::new("email", "is_set", ())).rules.len(), 2);
        assert_eq!(with_rule(&asked, Rule::new("tags", "has", "uk")).rules.len(), 3);
        asked.at = Some(0);
        let changed = with_rule(&asked, Rule::new("status", "is", "Lost"));
        assert_eq!((changed.rules.len(), changed.rules[0].value.clone()), (2, json!("Lost")));
        assert!(changed.cursor.is_empty());
    }

    #[test]
    fn whole_numbers_stay_whole() {
        assert_eq!(number(12.0), Some(json!(12)));
        assert_eq!(number(1.5), Some(json!(1.5)));
    }
}
