//! The secret key of an installation and all that follows from it.
//!
//! One key of 32 bytes in the data folder (mode 0600) or where the operator puts it. Credentials are sealed with
//! XChaCha20-Poly1305, bound to what they belong to; Message-IDs and unsubscribe links are keyed hashes with keys of
//! their own. A check value in the database refuses a wrong key.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use relance_domain::EnrollmentId;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};
use std::{io, path::Path};

/// What a sealed value could not be opened for.
#[derive(Debug, thiserror::Error)]
#[error("this secret was sealed with another key or for another place")]
pub struct NotOurs;

/// The secret key.
pub struct Keys {
    master: SecretBox<[u8; 32]>,
}

impl Keys {
    /// Over these 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { master: SecretBox::new(Box::new(bytes)) }
    }

    /// Reads the key file, or makes it with mode 0600 if it is missing.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => {
                let bytes: [u8; 32] = hex::decode(String::from_utf8_lossy(&bytes).trim())
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the key file is not 64 hex digits"))?;
                Ok(Self::from_bytes(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0_u8; 32];
                rand::fill(&mut bytes);
                write_private(path, format!("{}\n", hex::encode(bytes)).as_bytes())?;
                Ok(Self::from_bytes(bytes))
            }
            Err(error) => Err(error),
        }
    }

    /// A key for one purpose.
    fn derived(&self, purpose: &str) -> [u8; 32] {
        self.mac(self.master.expose_secret(), purpose.as_bytes())
    }

    fn mac(&self, key: &[u8], data: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(data);
        mac.finalize().into_bytes().into()
    }

    /// What the database stores to recognise the key.
    pub fn check_value(&self) -> Vec<u8> {
        self.derived("check").to_vec()
    }

    /// The key of Message-IDs.
    pub fn message_ids(&self) -> [u8; 32] {
        self.derived("message-id")
    }

    /// Seals a secret for `place` (`mailbox:mbx_…:smtp`); only there can it be opened again.
    pub fn seal(&self, place: &str, secret: &SecretString) -> Vec<u8> {
        let mut nonce = [0_u8; 24];
        rand::fill(&mut nonce);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: place.as_bytes() };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .unwrap_or_else(|_| unreachable!("a password is far below the cipher's limit"));
        [&[1_u8], nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`Keys::seal`] made for the same place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<SecretString, NotOurs> {
        let (nonce, text) = match sealed {
            [1, rest @ ..] if rest.len() > 24 => rest.split_at(24),
            _ => return Err(NotOurs),
        };
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| NotOurs)?;
        let payload = Payload { msg: text, aad: place.as_bytes() };
        let opened = self.cipher().decrypt(&XNonce::from(nonce), payload).map_err(|_| NotOurs)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| NotOurs)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derived("seal").into())
    }

    /// The token of an unsubscribe link: the enrollment's id and a keyed hash of it.
    pub fn unsubscribe_token(&self, enrollment: EnrollmentId) -> String {
        let mac = self.mac(&self.derived("unsubscribe"), enrollment.uuid().as_bytes());
        format!("{enrollment}.{}", hex::encode(&mac[..16]))
    }

    /// The enrollment of an unsubscribe token; `None` if it is not ours.
    pub fn read_unsubscribe_token(&self, token: &str) -> Option<EnrollmentId> {
        let enrollment: EnrollmentId = token.split_once('.')?.0.parse().ok()?;
        let expected = self.unsubscribe_token(enrollment);
        (Sha256::digest(&expected) == Sha256::digest(token)).then_some(enrollment)
    }
}

/// A random token for a session or the API, with the prefix that tells what it is.
pub fn new_token(prefix: &str) -> SecretString {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes);
    SecretString::from(format!("{prefix}_{}", hex::encode(bytes)))
}

/// What is stored of a token: its SHA-256.
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
