//! Shapes that several resources share: what ending did, answers that carry it, and 201.

use super::{PREFIX, doc};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use relance_domain::{DeliveryId, EnrollmentId, UserId, user::User};
use relance_engine::commands::{Ended, LeavingEmail};
use relance_storage::{Tx, users};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// An email that was past the point of no return when the rest was held: it may still arrive.
#[derive(Debug, Serialize, ToSchema)]
pub struct Leaving {
    /// Which.
    #[schema(value_type = doc::DeliveryId)]
    pub delivery_id: DeliveryId,
    /// Of which enrollment.
    #[schema(value_type = doc::EnrollmentId)]
    pub enrollment_id: EnrollmentId,
    /// Its subject.
    pub subject: String,
    /// To whom.
    pub recipient: String,
}

impl From<LeavingEmail> for Leaving {
    fn from(email: LeavingEmail) -> Self {
        let LeavingEmail { delivery_id, enrollment_id, subject, recipient } = email;
        Self { delivery_id, enrollment_id, subject, recipient }
    }
}

/// What ending or holding enrollments did.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct EndedBody {
    /// Enrollments that ended or were held.
    pub enrollments: u64,
    /// Emails that will not leave.
    pub cancelled_emails: u64,
    /// Tasks that were cancelled.
    pub cancelled_tasks: u64,
    /// Emails that were already on their way.
    pub leaving: Vec<Leaving>,
}

impl From<Ended> for EndedBody {
    fn from(ended: Ended) -> Self {
        Self {
            enrollments: ended.enrollments,
            cancelled_emails: ended.cancelled_emails,
            cancelled_tasks: ended.cancelled_tasks,
            leaving: ended.leaving.into_iter().map(Leaving::from).collect(),
        }
    }
}

/// A user as other resources name one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserRef {
    /// Who.
    #[schema(value_type = doc::UserId)]
    pub id: UserId,
    /// The name.
    pub name: String,
}

impl From<&User> for UserRef {
    fn from(user: &User) -> Self {
        Self { id: user.id, name: user.name.clone() }
    }
}

/// The names of all users.
pub async fn user_names(tx: &mut Tx) -> crate::problem::Result<HashMap<UserId, UserRef>> {
    Ok(users::list(tx).await?.iter().map(|user| (user.id, UserRef::from(user))).collect())
}

/// 201 with the resource and where it is.
pub fn created(path: String, body: impl Serialize) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, format!("{PREFIX}/{path}"))], Json(body)).into_response()
}

/// 202 with the job that does it.
pub fn accepted(job: impl std::fmt::Display, body: impl Serialize) -> Response {
    (StatusCode::ACCEPTED, [(header::LOCATION, format!("{PREFIX}/jobs/{job}"))], Json(body)).into_response()
}
