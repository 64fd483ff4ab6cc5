//! Files that wait for their columns to be chosen: taken in as they come, in parts, so that none is held as a whole.

use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use relance_domain::UploadId;
use relance_domain::person::Kind;
use relance_engine::commands::uploads::PART;

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::session::Visitor;

/// What the form sent.
pub struct Received {
    /// The file, if there was one.
    pub file: Option<UploadId>,
    /// Leads or contacts.
    pub kind: Kind,
}

/// Stores what a form sends.
pub async fn receive(app: &App, visitor: &Visitor, mut form: Multipart) -> Result<Received> {
    let unreadable = |error: MultipartError| PageError::Malformed(format!("{}.", error.body_text()));
    let mut received = Received { file: None, kind: Kind::Lead };
    while let Some(mut field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("kind") => {
                let text = field.text().await.map_err(unreadable)?;
                received.kind = Kind::parse(&text).unwrap_or(Kind::Lead);
            }
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                if name.is_empty() {
                    continue;
                }
                let id = app.engine.begin_upload(&visitor.actor, &name).await?;
                let (mut part, mut number) = (Vec::with_capacity(PART), 0);
                while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
                    part.extend_from_slice(&chunk);
                    if part.len() >= PART {
                        app.engine.append_upload(id, number, &part).await?;
                        part.clear();
                        number += 1;
                    }
                }
                app.engine.append_upload(id, number, &part).await?;
                received.file = Some(id);
            }
            _ => {}
        }
    }
    Ok(received)
}
