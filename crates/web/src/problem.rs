//! Errors of the API as `application/problem+json` (RFC 9457).
//!
//! Every refusal of the engine becomes one [`Problem`]: 422 with one entry per field, or 409 where the request is right
//! but the thing is not in a state for it, 403, 404, 429, 503. What is our fault is logged here, once, and answered
//! with 500 without its cause. Nothing here can fail.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use relance_domain::{EnrollmentId, PersonId, Refused};
use relance_engine::EngineError;
use relance_storage::StorageError;
use serde::Serialize;
use serde_json::{Map, Value};
use std::ops::{Deref, DerefMut};
use utoipa::ToSchema;

/// The result of a handler of the API.
pub type Result<T> = std::result::Result<T, Problem>;

/// Refusals that speak of the state of a thing, not of a field: 409.
const CONFLICTS: &[&str] = &[
    "already_active",
    "already_connected",
    "already_set_up",
    "closed",
    "conflict",
    "contact_exists",
    "decided",
    "delivery_uncertain",
    "email_taken",
    "in_use",
    "last_admin",
    "leaving",
    "not_allowed",
    "not_a_lead",
    "not_a_sandbox",
    "not_current",
    "not_retryable",
    "not_set_up",
    "nothing_uncertain",
    "of_sequence",
    "paused",
    "step_gone",
];

/// One rule that said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field in API spelling (`steps[2].email.subject`); `null` if it concerns none.
    pub field: Option<String>,
    /// Stable, snake_case.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl From<Refused> for FieldError {
    fn from(refused: Refused) -> Self {
        Self { field: refused.field, code: refused.code, message: refused.message }
    }
}

/// What went wrong, in the shape of RFC 9457.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// A URI for programs: `urn:relance:problem:` and a stable code.
    #[schema(value_type = String, rename = "type", example = "urn:relance:problem:already_active")]
    pub code: String,
    /// The same words for every problem of this type.
    #[schema(example = "The request conflicts with what is there")]
    pub title: &'static str,
    /// The HTTP status again.
    #[schema(value_type = u16, example = 409)]
    pub status: StatusCode,
    /// What happened and what to do, in a sentence.
    pub detail: String,
    /// One entry per rule that said no; absent where there is none.
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// Further members, such as `enrollment_id` of `already_active`.
    #[schema(ignore)]
    pub members: Map<String, Value>,
    /// Headers that belong to the answer.
    #[schema(ignore)]
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What went wrong. One pointer, so that the result of every handler stays small.
#[derive(Debug, Clone)]
pub struct Problem(Box<Details>);

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "The request cannot be read",
        401 => "Sign in first",
        403 => "You may not do this",
        404 => "There is no such thing",
        405 => "This address does not take this method",
        409 => "The request conflicts with what is there",
        413 => "The request is too large",
        415 => "The request has the wrong content type",
        422 => "Something in the request is not right",
        429 => "Too many requests",
        503 => "Try again later",
        _ => "Something went wrong",
    }
}

impl Problem {
    /// A problem of this status, code and sentence.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            code: code.to_owned(),
            title: title(status),
            status,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// 404.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}."))
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 401 with the header that says how to sign in.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .with_header(header::WWW_AUTHENTICATE, r#"Bearer realm="relance""#)
    }

    /// 429 with the seconds to wait.
    pub fn too_many(detail: impl Into<String>, seconds: u64) -> Self {
        let wait = if seconds == 1 { "a second".to_owned() } else { format!("{seconds} seconds") };
        let detail = format!("{} Wait {wait}, then go on.", detail.into());
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        problem.headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        problem
    }

    /// 422 with one entry per rule.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join(" ");
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
        problem.errors = errors;
        problem
    }

    /// 422 at one field.
    pub fn at(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError {
            field: Some(field.to_owned()),
            code: code.to_owned(),
            message: message.into(),
        }])
    }

    /// The same with its fields placed below `parent`.
    #[must_use]
    pub fn below(mut self, parent: &str) -> Self {
        for field in self.errors.iter_mut().filter_map(|error| error.field.as_mut()) {
            *field = format!("{parent}.{field}");
        }
        self
    }

    fn internal(cause: &str) -> Self {
        tracing::error!(cause, "a request of the API failed");
        let detail = "This is our fault, not yours. The cause is in the log of the server.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    fn refused(refused: Vec<Refused>) -> Self {
        let is = |codes: &[&str]| refused.iter().any(|one| codes.contains(&one.code.as_str()));
        let status = if is(&["too_many_attempts"]) {
            StatusCode::TOO_MANY_REQUESTS
        } else if is(&["not_permitted"]) {
            StatusCode::FORBIDDEN
        } else if is(&["not_found"]) {
            StatusCode::NOT_FOUND
        } else if is(CONFLICTS) {
            StatusCode::CONFLICT
        } else {
            let one = <&[Refused; 1]>::try_from(refused.as_slice()).ok().filter(|[one]| one.field.is_none());
            let code = one.map_or_else(|| "invalid".to_owned(), |[one]| one.code.clone());
            let mut problem = Self::invalid(refused.into_iter().map(FieldError::from).collect());
            problem.code = code;
            return problem;
        };
        let code = refused.first().map_or("conflict", |one| one.code.as_str()).to_owned();
        let detail = refused.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join(" ");
        let mut problem = Self::new(status, &code, detail);
        if status == StatusCode::TOO_MANY_REQUESTS {
            problem = problem.with_header(header::RETRY_AFTER, "60");
        }
        problem.name_what_is_in_the_way(&refused);
        problem.errors = refused.into_iter().map(FieldError::from).collect();
        for error in &mut problem.errors {
            error.field.take_if(|field| field.split('_').nth(1).is_some_and(|id| id.len() == 26));
        }
        problem
    }

    /// The engine puts ids into the field of a refusal; here they become members of their own.
    fn name_what_is_in_the_way(&mut self, refused: &[Refused]) {
        for field in refused.iter().filter_map(|one| one.field.as_deref()) {
            if field.parse::<EnrollmentId>().is_ok() {
                self.members.insert("enrollment_id".into(), field.into());
            }
            let people: Vec<&str> = field.split([',', ' ']).filter(|id| id.parse::<PersonId>().is_ok()).collect();
            if !people.is_empty() {
                self.members.insert("person_ids".into(), people.into());
            }
        }
    }

    /// The JSON body.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), format!("urn:relance:problem:{}", self.code).into());
        body.insert("title".into(), self.title.into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.detail.clone().into());
        body.extend(self.members.clone());
        if !self.errors.is_empty() {
            body.insert("errors".into(), serde_json::to_value(&self.errors).unwrap_or_default());
        }
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.0.headers {
            headers.insert(name, value);
        }
        response
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refused) => Self::refused(refused),
            EngineError::NotFound(what) => Self::not_found(what),
            EngineError::Forbidden(why) => Self::forbidden(why),
            EngineError::Unavailable(why) => {
                tracing::warn!(cause = why, "a request of the API could not be served now");
                let detail = "This cannot be done right now. Nothing was changed; try again in a moment.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).with_header(header::RETRY_AFTER, "5")
            }
            EngineError::Corrupt(what) => Self::internal(&what),
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::refused(vec![refused])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_at_fields_is_422_and_names_each_of_them() {
        let refused = vec![Refused::at("last_name", "required", "A last name."), Refused::new("odd", "Odd.")];
        let problem = Problem::from(EngineError::Refused(refused));
        assert_eq!(problem.status, StatusCode::UNPROCESSABLE_ENTITY);
        let body = problem.body();
        assert_eq!(body["type"], "urn:relance:problem:invalid");
        assert_eq!(body["detail"], "A last name. Odd.");
        assert_eq!(body["errors"][0]["field"], "last_name");
        assert_eq!(body["errors"][1]["field"], Value::Null);
    }

    #[test]
    fn an_enrollment_in_the_way_is_409_and_named() {
        let id = "enr_00000000000000000000000007";
        let problem = Problem::from(Refused::at(id, "already_active", "Already in it."));
        assert_eq!((problem.status, problem.body()["enrollment_id"].as_str()), (StatusCode::CONFLICT, Some(id)));
        assert_eq!(problem.errors[0].field, None);
    }

    #[test]
    fn a_fault_of_ours_does_not_show_its_cause() {
        let problem = Problem::from(EngineError::Corrupt("people.kind = x".to_owned()));
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.body().to_string().contains("people.kind"));
    }
}
