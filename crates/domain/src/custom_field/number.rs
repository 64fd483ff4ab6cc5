//! Numbers as people write them, and as they are stored: whole numbers without a point.

use serde_json::{Number, Value};

/// Whole numbers up to here stay exact on the way through JSON.
const MOST: f64 = 9_007_199_254_740_991.0;

/// A number in its canonical form; `None` if it is too large to be exact or not finite.
pub fn canonical(number: f64) -> Option<Value> {
    if !number.is_finite() || number.abs() > MOST {
        return None;
    }
    if number.fract() == 0.0 {
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

/// Reads `1234.5`, `1 234,5`, `1,234.50`, `1.234,50`, `-3`, `+7`.
pub fn read(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '_' | '’')).collect();
    let plain = match (plain.rfind(','), plain.rfind('.')) {
        (Some(comma), Some(point)) if comma > point => plain.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => plain.replace(',', ""),
        // One comma with three digits behind it parts thousands; any other is the decimal mark.
        (Some(comma), None) if plain.matches(',').count() > 1 || plain.len() - comma == 4 => plain.replace(',', ""),
        (Some(_), None) => plain.replace(',', "."),
        (None, Some(_)) if plain.matches('.').count() > 1 => plain.replace('.', ""),
        _ => plain,
    };
    let digits = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    plain.parse().ok()
}
