//! Passwords: judged, hashed (argon2id, 19 MiB, 2 passes, 1 lane: OWASP's parameters), compared. Never on an async thread.

use crate::{EngineError, Result};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use relance_domain::Refused;
use secrecy::{ExposeSecret, SecretString};
use std::sync::OnceLock;

/// Fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 10;
const MAX_PASSWORD_BYTES: usize = 1_024;

/// Judges a new password.
pub(crate) fn check(password: &SecretString) -> Result<()> {
    let text = password.expose_secret();
    if text.chars().count() < MIN_PASSWORD_CHARS {
        return Err(Refused::at("password", "too_short", "Choose a password of at least 10 characters.").into());
    }
    if text.len() > MAX_PASSWORD_BYTES {
        return Err(Refused::at("password", "too_long", "This password is longer than 1,024 characters.").into());
    }
    let first = text.chars().next();
    if text.chars().all(|c| Some(c) == first) {
        return Err(
            Refused::at("password", "too_simple", "Choose a password that is not one character repeated.").into()
        );
    }
    Ok(())
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, None).unwrap_or_default())
}

fn hash_now(text: &str) -> Result<String> {
    let hash = hasher().hash_password(text.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| EngineError::Unavailable(format!("The password cannot be stored: {error}")))
}

/// The argon2 string of a password.
pub(crate) async fn hash(password: &SecretString) -> Result<String> {
    let text = password.expose_secret().to_owned();
    blocking(move || hash_now(&text)).await?
}

/// Whether it is the password; with no hash the work is done all the same, so that time tells nothing.
pub(crate) async fn verify(password: &SecretString, hash: Option<String>) -> Result<bool> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let text = password.expose_secret().to_owned();
    blocking(move || {
        let known = hash.is_some();
        let hash = hash
            .unwrap_or_else(|| NOBODY.get_or_init(|| hash_now("nobody has this password").unwrap_or_default()).clone());
        let equal = PasswordHash::new(&hash).is_ok_and(|hash| hasher().verify_password(text.as_bytes(), &hash).is_ok());
        equal && known
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| EngineError::Unavailable(error.to_string()))
}
