//! Reads JSON bodies: one place for what can be wrong with them.
//!
//! Another content type is 415, a body above the limit 413, malformed JSON 400 with its position, and an unknown,
//! missing or wrong field 422 with its path. [`Patch`] keeps the body as it came and merges it into what is stored
//! (RFC 7396): a field that is absent stays, `null` empties it.

use crate::problem::{Problem, Result};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Most bytes of a JSON body.
pub const MAX_JSON: usize = 2 * 1024 * 1024;

/// A JSON body that must be there.
pub struct Body<T>(pub T);

/// A JSON body that may be left out.
pub struct OptionalBody<T>(pub T);

/// No body, or an empty object.
pub struct NoBody;

/// Changes to merge into what is stored.
pub struct Patch(Map<String, Value>);

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mime = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    mime == "application/json" || (mime.starts_with("application/") && mime.ends_with("+json"))
}

/// The bytes of a body below the limit the route has.
pub async fn bytes(request: Request) -> Result<Bytes> {
    Bytes::from_request(request, &()).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "unreadable", "The body ended too early.")
        }
    })
}

/// 413.
pub fn too_large() -> Problem {
    let detail = "The body is larger than this address takes. Send less at once.";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

async fn json_bytes(request: Request) -> Result<Bytes> {
    if !is_json(request.headers()) {
        let detail = "Send JSON with the header Content-Type: application/json.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    bytes(request).await
}

/// The empty body that actions without options may have, whatever its content type.
async fn optional_bytes(request: Request) -> Result<Bytes> {
    let json = is_json(request.headers());
    let body = bytes(request).await?;
    if body.trim_ascii().is_empty() || json {
        return Ok(body);
    }
    let detail = "Send JSON with the header Content-Type: application/json, or no body.";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

fn syntax(error: &serde_json::Error) -> Problem {
    let detail = format!("This is not JSON: line {}, column {}: {error}.", error.line(), error.column());
    let mut problem = Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail);
    problem.members.insert("line".into(), error.line().into());
    problem.members.insert("column".into(), error.column().into());
    problem
}

/// The refusal for a value that does not fit at `path`.
pub fn unfit(path: &str, message: &str) -> Problem {
    let place = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("unknown field") {
        let field = place(quoted());
        let words = format!("There is no field “{field}” here, or it can only be read.");
        Problem::at(&field, "unknown_field", words)
    } else if message.starts_with("missing field") {
        let field = place(quoted());
        Problem::at(&field, "required", format!("The field “{field}” is missing."))
    } else {
        let words = message.split(" at line ").next().unwrap_or(message);
        Problem::at(
            if path.is_empty() { "body" } else { path },
            "invalid",
            format!("This value does not fit: {words}."),
        )
    }
}

fn path_of(path: &serde_path_to_error::Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { text }
}

/// Where an unknown or missing field stands: serde names the field in its message, the path may end with it too.
fn at_path(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let message = error.inner().to_string();
    let mut path = path_of(error.path());
    if message.starts_with("unknown field") {
        let name = message.split('`').nth(1).unwrap_or_default();
        if path == name {
            path.clear();
        } else if let Some(parent) = path.strip_suffix(&format!(".{name}")) {
            path = parent.to_owned();
        }
    }
    unfit(&path, &message)
}

/// Reads a value from JSON text.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize(&mut reader) {
        Ok(value) => reader.end().map(|()| value).map_err(|error| syntax(&error)),
        Err(error) if error.inner().is_data() => {
            // Broken further on: that is what to say first.
            serde_json::from_slice::<serde::de::IgnoredAny>(body).map_err(|error| syntax(&error))?;
            Err(at_path(&error))
        }
        Err(error) => Err(syntax(error.inner())),
    }
}

/// Reads a value from JSON already parsed.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| at_path(&error))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        parse(&json_bytes(request).await?).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let body = optional_bytes(request).await?;
        if body.trim_ascii().is_empty() { Ok(Self(T::default())) } else { parse(&body).map(Self) }
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let body = optional_bytes(request).await?;
        if body.trim_ascii().is_empty() {
            return Ok(Self);
        }
        match parse::<Map<String, Value>>(&body)?.keys().next() {
            None => Ok(Self),
            Some(name) => Err(unfit("", &format!("unknown field `{name}`"))),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        parse(&json_bytes(request).await?).map(Self)
    }
}

impl Patch {
    /// These changes.
    pub const fn of(changes: Map<String, Value>) -> Self {
        Self(changes)
    }

    /// Whether the patch says something about `field`.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// `current` with the changes; refused where they do not fit.
    pub fn merged<T: Serialize + DeserializeOwned>(&self, current: &T) -> Result<T> {
        let mut target = serde_json::to_value(current).unwrap_or_default();
        merge(&mut target, &self.0);
        from_value(target)
    }

    /// Whether the patch empties `field`.
    pub fn is_null(&self, field: &str) -> bool {
        self.0.get(field).is_some_and(Value::is_null)
    }

    /// The value of `field`, if the patch says something about it.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// The fields the patch names, as a value whose other fields are absent; objects in `nested` are merged into those
    /// of `current`.
    pub fn completed<T: DeserializeOwned>(&self, current: &impl Serialize, nested: &[&str]) -> Result<T> {
        let current = serde_json::to_value(current).unwrap_or_default();
        let mut asked = self.0.clone();
        for name in nested {
            if let Some(Value::Object(changes)) = self.0.get(*name) {
                let mut target = current.get(*name).cloned().unwrap_or_default();
                merge(&mut target, changes);
                asked.insert((*name).to_owned(), target);
            }
        }
        from_value(Value::Object(asked))
    }

    /// The fields the patch names, as a value whose other fields are absent.
    pub fn alone<T: DeserializeOwned>(&self) -> Result<T> {
        self.completed(&(), &[])
    }
}

/// RFC 7396. A `null` at a name that is not there stays, so that it is refused as unknown.
pub fn merge(target: &mut Value, patch: &Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, change) in patch {
        match change {
            Value::Null if fields.contains_key(name) => {
                fields.remove(name);
            }
            Value::Object(inner) => merge(fields.entry(name).or_insert(Value::Null), inner),
            other => {
                fields.insert(name.clone(), other.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Place {
        #[serde(default)]
        city: String,
        #[serde(default)]
        codes: Vec<u8>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        name: String,
        #[serde(default)]
        place: Option<Place>,
    }

    fn refused(text: &str) -> (u16, String, String) {
        let problem = parse::<Thing>(text.as_bytes()).err().unwrap();
        let first = problem.errors.first().cloned();
        let field = first.as_ref().and_then(|first| first.field.clone()).unwrap_or_default();
        (problem.status.as_u16(), field, first.map_or(problem.code.clone(), |first| first.code))
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named_by_its_path() {
        assert_eq!(refused(r#"{"name": 7}"#), (422, "name".into(), "invalid".into()));
        assert_eq!(refused(r#"{"place": null}"#), (422, "name".into(), "required".into()));
        assert_eq!(refused(r#"{"name": "a", "nmae": 1}"#), (422, "nmae".into(), "unknown_field".into()));
        let deep = r#"{"name": "a", "place": {"town": "x"}}"#;
        assert_eq!(refused(deep), (422, "place.town".into(), "unknown_field".into()));
        let deeper = r#"{"name": "a", "place": {"codes": [1, 700]}}"#;
        assert_eq!(refused(deeper), (422, "place.codes[1]".into(), "invalid".into()));
    }

    #[test]
    fn malformed_json_is_named_by_line_and_column() {
        let problem = parse::<Thing>(b"{\n  \"name\": oops}").err().unwrap();
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
        assert_eq!((problem.members["line"].as_u64(), problem.members["column"].as_u64()), (Some(2), Some(11)));
        assert_eq!(refused(r#"{"nmae": 1, "#).0, 400);
        assert_eq!(refused(r#"{"name": "a"} x"#).0, 400);
    }

    #[test]
    fn a_patch_keeps_what_it_does_not_name_and_empties_what_is_null() {
        let stored = Thing { name: "a".into(), place: Some(Place { city: "Oslo".into(), codes: vec![1] }) };
        let patch = Patch(parse(br#"{"place": {"codes": [2, 3]}}"#).unwrap());
        let merged = patch.merged(&stored).unwrap();
        assert_eq!(merged.place, Some(Place { city: "Oslo".into(), codes: vec![2, 3] }));
        let emptied = Patch(parse(br#"{"place": {"city": null}}"#).unwrap()).merged(&stored).unwrap();
        assert_eq!(emptied.place.unwrap().city, "");
        let unknown = Patch(parse(br#"{"town": null}"#).unwrap()).merged(&stored).unwrap_err();
        assert_eq!(unknown.errors[0].code, "unknown_field");
    }
}
