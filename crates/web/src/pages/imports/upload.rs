//! Files that wait for their columns to be chosen: in the data folder, by a random name, for a day at most.

use std::path::PathBuf;
use std::time::Duration;

use axum::extract::Multipart;
use rand::RngExt as _;
use relance_domain::UserId;
use relance_domain::person::Kind;
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use crate::app::App;
use crate::errors::{PageError, Result};

/// Files older than this are removed.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// An uploaded file.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its name in addresses.
    pub token: String,
    /// Its name as uploaded.
    pub name: String,
    user: UserId,
}

/// What the form sent.
pub struct Received {
    /// The file, if there was one.
    pub file: Option<Upload>,
    /// Leads or contacts.
    pub kind: Kind,
}

fn folder(app: &App) -> PathBuf {
    app.engine.settings.data.join("uploads")
}

fn broken(error: std::io::Error) -> PageError {
    PageError::Broken(format!("the folder of uploads: {error}"))
}

impl Upload {
    fn path(&self, app: &App) -> PathBuf {
        folder(app).join(format!("{}-{}", self.user, self.token))
    }

    fn name_path(&self, app: &App) -> PathBuf {
        folder(app).join(format!("{}-{}.name", self.user, self.token))
    }

    /// Its bytes.
    pub async fn read(&self, app: &App) -> Result<Vec<u8>> {
        fs::read(self.path(app)).await.map_err(broken)
    }

    /// Removes it; what is left is removed after a day.
    pub async fn remove(&self, app: &App) {
        for path in [self.path(app), self.name_path(app)] {
            if let Err(error) = fs::remove_file(&path).await {
                tracing::debug!("an upload could not be removed: {error}");
            }
        }
    }
}

/// The user's upload of this name.
pub async fn find(app: &App, user: UserId, token: &str) -> Result<Upload> {
    let missing = PageError::NotFound("uploaded file");
    if token.len() != 32 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(missing);
    }
    let mut file = Upload { token: token.to_owned(), name: String::new(), user };
    match fs::read_to_string(file.name_path(app)).await {
        Ok(name) => {
            file.name = name;
            Ok(file)
        }
        Err(_) => Err(missing),
    }
}

/// Writes what a form sends into the folder.
pub async fn receive(app: &App, user: UserId, mut form: Multipart) -> Result<Received> {
    let unreadable =
        |error: axum::extract::multipart::MultipartError| PageError::Malformed(format!("{}.", error.body_text()));
    fs::create_dir_all(folder(app)).await.map_err(broken)?;
    remove_old(app).await;
    let mut received = Received { file: None, kind: Kind::Lead };
    while let Some(mut field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("kind") => {
                let text = field.text().await.map_err(unreadable)?;
                received.kind = Kind::parse(&text).unwrap_or(Kind::Lead);
            }
            Some("file") => {
                let name: String = field
                    .file_name()
                    .unwrap_or_default()
                    .chars()
                    .filter(|letter| !letter.is_control())
                    .take(200)
                    .collect();
                if name.is_empty() {
                    continue;
                }
                let upload = Upload { token: hex::encode(rand::rng().random::<[u8; 16]>()), name, user };
                let mut file = fs::File::create(upload.path(app)).await.map_err(broken)?;
                while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
                    file.write_all(&chunk).await.map_err(broken)?;
                }
                file.flush().await.map_err(broken)?;
                fs::write(upload.name_path(app), &upload.name).await.map_err(broken)?;
                received.file = Some(upload);
            }
            _ => {}
        }
    }
    Ok(received)
}

async fn remove_old(app: &App) {
    let Ok(mut entries) = fs::read_dir(folder(app)).await else { return };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let age = entry.metadata().await.ok().and_then(|meta| meta.modified().ok()?.elapsed().ok());
        if age.is_some_and(|age| age > KEPT)
            && let Err(error) = fs::remove_file(entry.path()).await
        {
            tracing::debug!("an old upload could not be removed: {error}");
        }
    }
}
