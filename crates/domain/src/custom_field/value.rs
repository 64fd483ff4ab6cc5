//! Values of each kind: read, judged, brought into one form, shown.

use super::{CustomField, FieldKind, checked_email, checked_phone, checked_url, number};
use crate::{
    Refused,
    person::{clean_line, normalized},
};
use serde_json::Value;

const LONGEST_TEXT: usize = 1_000;
const LONGEST_LONG_TEXT: usize = 20_000;

/// The value stands for none.
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_nothing),
        _ => false,
    }
}

/// See [`CustomField::check`].
pub fn canonical(field: &CustomField, value: &Value) -> Result<Option<Value>, Refused> {
    if is_nothing(value) {
        return Ok(None);
    }
    let refuse = |code: &str, message: String| Refused::at(format!("custom_fields.{}", field.key), code, message);
    let kind = field.kind;
    let made = match kind {
        FieldKind::Text => line(value).and_then(|text| at_most(text, LONGEST_TEXT)),
        FieldKind::LongText => long_text(value).and_then(|text| at_most(text, LONGEST_LONG_TEXT)),
        FieldKind::Number => number_of(value),
        FieldKind::Date => date(value),
        FieldKind::YesNo => yes_no(value),
        FieldKind::List => line(value).and_then(|text| choice(field, &text)).map(Value::from),
        FieldKind::MultiList => choices(field, value),
        FieldKind::Url => line(value).and_then(|text| checked_url(&text)).and_then(|url| at_most(url, LONGEST_TEXT)),
        FieldKind::Email => line(value).and_then(|text| checked_email(&text)).map(Value::from),
        FieldKind::Phone => line(value).and_then(|text| checked_phone(&text)).map(Value::from),
    };
    made.map(Some).map_err(|message| {
        let code = if kind.has_choices() { "unknown_choice" } else { "invalid_value" };
        refuse(code, message)
    })
}

fn at_most(text: String, most: usize) -> Result<Value, String> {
    if text.chars().count() <= most {
        return Ok(Value::from(text));
    }
    Err(format!("This is longer than {most} characters. Shorten it."))
}

/// A text, or a number or yes/no in words: what programs send for a text field.
fn words(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.replace('\0', "")),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(yes) => Ok(if *yes { "Yes" } else { "No" }.to_owned()),
        _ => Err("This needs a text.".to_owned()),
    }
}

fn line(value: &Value) -> Result<String, String> {
    Ok(clean_line(&words(value)?))
}

fn long_text(value: &Value) -> Result<String, String> {
    let text = words(value)?.replace("\r\n", "\n").replace('\r', "\n");
    Ok(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect::<String>().trim().to_owned())
}

fn number_of(value: &Value) -> Result<Value, String> {
    let read = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number::read(text),
        _ => None,
    };
    let wrong = || "This is not a number. Write one such as 1250 or 12.5.".to_owned();
    read.and_then(number::canonical).ok_or_else(wrong)
}

fn date(value: &Value) -> Result<Value, String> {
    let wrong = || "This is not a date. Write the year first, such as 2026-11-24.".to_owned();
    let text = value.as_str().map(str::trim).ok_or_else(wrong)?;
    let day = match text.get(10..11) {
        None => Some(text),
        Some("T" | " ") => text.get(..10),
        Some(_) => None,
    };
    let day: jiff::civil::Date = day.and_then(|day| day.parse().ok()).ok_or_else(wrong)?;
    if !(1..=9999).contains(&day.year()) {
        return Err(wrong());
    }
    Ok(Value::from(day.to_string()))
}

fn yes_no(value: &Value) -> Result<Value, String> {
    let wrong = || "Answer yes or no.".to_owned();
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(1) => Ok(Value::from(true)),
            Some(0) => Ok(Value::from(false)),
            _ => Err(wrong()),
        },
        Value::String(text) => match normalized(text).as_str() {
            "yes" | "y" | "true" | "1" | "on" | "ja" | "oui" | "si" => Ok(Value::from(true)),
            "no" | "n" | "false" | "0" | "off" | "nein" | "non" => Ok(Value::from(false)),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn choice(field: &CustomField, text: &str) -> Result<String, String> {
    let found = field
        .choices
        .iter()
        .find(|choice| *choice == text)
        .or_else(|| field.choices.iter().find(|choice| normalized(choice) == normalized(text)));
    found.cloned().ok_or_else(|| {
        let offered: Vec<&str> = field.choices.iter().take(10).map(String::as_str).collect();
        let more = if field.choices.len() > offered.len() { " …" } else { "" };
        format!("“{text}” is not one of the choices: {}{more}.", offered.join(", "))
    })
}

/// Some of the choices, in the order of the definition; a text parts them with `,`, `;` or `|`.
fn choices(field: &CustomField, value: &Value) -> Result<Value, String> {
    let texts: Vec<String> = match value {
        Value::Array(items) => items.iter().filter(|item| !is_nothing(item)).map(line).collect::<Result<_, _>>()?,
        value => {
            let text = line(value)?;
            match choice(field, &text) {
                Ok(whole) => vec![whole],
                Err(_) => text.split([',', ';', '|']).map(clean_line).filter(|part| !part.is_empty()).collect(),
            }
        }
    };
    let chosen: Vec<String> = texts.iter().map(|text| choice(field, text)).collect::<Result<_, _>>()?;
    Ok(field
        .choices
        .iter()
        .filter(|choice| chosen.contains(choice))
        .map(|choice| Value::from(choice.as_str()))
        .collect())
}

/// See [`CustomField::display`].
pub fn display(value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => String::new(),
        Value::Bool(yes) => if *yes { "Yes" } else { "No" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(display).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
    }
}
