//! The secret keys of an installation and all that follows from them.
//!
//! A file of keys in the data folder (mode 0600) or where the operator puts it. Credentials are sealed with
//! XChaCha20-Poly1305, bound to what they belong to; Message-IDs and unsubscribe links are keyed hashes with keys of
//! their own. A check value in the database refuses a wrong file.
//!
//! The file is one line of 64 hex digits, from which every key is derived; or, once the sealing key was changed, one
//! line per key with its name. While a change is under way the old sealing key stands in it as `retired` and still opens
//! what it sealed. Processes read the file again before they seal and when something does not open, so that a change
//! beside a running server is seen by it.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use relance_domain::EnrollmentId;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

/// What a sealed value could not be opened for.
#[derive(Debug, thiserror::Error)]
#[error("this secret was sealed with another key or for another place")]
pub struct NotOurs;

type Key = SecretBox<[u8; 32]>;

/// The keys as the file has them.
struct Ring {
    /// Seals, and opens what it sealed.
    seal: Key,
    /// Still opens what it sealed, while it is replaced.
    retired: Option<Key>,
    message_ids: Key,
    unsubscribe: Key,
    check: Key,
}

/// The secret keys.
pub struct Keys {
    file: Option<PathBuf>,
    ring: RwLock<Ring>,
}

/// The first line of a file with one line per key.
const HEAD: &str = "relance keys 2";

fn key(bytes: [u8; 32]) -> Key {
    SecretBox::new(Box::new(bytes))
}

fn copy(of: &Key) -> Key {
    key(*of.expose_secret())
}

fn mac(with: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(with)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn bytes_of(hex_digits: &str) -> Option<[u8; 32]> {
    hex::decode(hex_digits.trim()).ok()?.try_into().ok()
}

impl Ring {
    fn derived(master: &[u8; 32]) -> Self {
        let of = |purpose: &str| key(mac(master, purpose.as_bytes()));
        Self {
            seal: of("seal"),
            retired: None,
            message_ids: of("message-id"),
            unsubscribe: of("unsubscribe"),
            check: of("check"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(master) = bytes_of(text) {
            return Some(Self::derived(&master));
        }
        let (head, lines) = text.split_once('\n')?;
        let named = |name: &str| {
            let line = lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(bytes_of).map(key)
        };
        if head.trim() != HEAD {
            return None;
        }
        Some(Self {
            seal: named("seal")?,
            retired: named("retired"),
            message_ids: named("message-id")?,
            unsubscribe: named("unsubscribe")?,
            check: named("check")?,
        })
    }

    fn text(&self) -> String {
        let line = |name: &str, key: &Key| format!("{name} {}\n", hex::encode(key.expose_secret()));
        let retired = self.retired.as_ref().map(|key| line("retired", key)).unwrap_or_default();
        [
            format!("{HEAD}\n"),
            line("seal", &self.seal),
            retired,
            line("message-id", &self.message_ids),
            line("unsubscribe", &self.unsubscribe),
            line("check", &self.check),
        ]
        .concat()
    }

    fn with(&self, seal: Key, retired: Option<Key>) -> Self {
        let (message_ids, unsubscribe) = (copy(&self.message_ids), copy(&self.unsubscribe));
        Self { seal, retired, message_ids, unsubscribe, check: copy(&self.check) }
    }
}

fn opened(with: &Key, place: &str, sealed: &[u8]) -> Option<SecretString> {
    let (nonce, text) = match sealed {
        [1, rest @ ..] if rest.len() > 24 => rest.split_at(24),
        _ => return None,
    };
    let nonce: [u8; 24] = nonce.try_into().ok()?;
    let payload = Payload { msg: text, aad: place.as_bytes() };
    let cipher = XChaCha20Poly1305::new(with.expose_secret().into());
    let opened = cipher.decrypt(&XNonce::from(nonce), payload).ok()?;
    String::from_utf8(opened).map(SecretString::from).ok()
}

impl Keys {
    /// Derived from these 32 bytes, without a file.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { file: None, ring: RwLock::new(Ring::derived(&bytes)) }
    }

    /// Reads the key file, or makes it with mode 0600 if it is missing.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        let ring = match std::fs::read_to_string(path) {
            Ok(text) => Ring::read(&text)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no key file of Relance"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0_u8; 32];
                rand::fill(&mut bytes);
                write_private(path, format!("{}\n", hex::encode(bytes)).as_bytes())?;
                Ring::derived(&bytes)
            }
            Err(error) => return Err(error),
        };
        Ok(Self { file: Some(path.to_path_buf()), ring: RwLock::new(ring) })
    }

    fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the file says now; `true` if the sealing keys differ from those in memory. A file that cannot be
    /// read changes nothing.
    fn read_again(&self) -> bool {
        let text = self.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let Some(found) = text.as_deref().and_then(Ring::read) else { return false };
        let differs = {
            let ring = self.ring();
            let pair =
                |ring: &Ring| (*ring.seal.expose_secret(), ring.retired.as_ref().map(|key| *key.expose_secret()));
            pair(&ring) != pair(&found)
        };
        if differs {
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = found;
        }
        differs
    }

    /// What the database stores to recognise the keys.
    pub fn check_value(&self) -> Vec<u8> {
        self.ring().check.expose_secret().to_vec()
    }

    /// The key of Message-IDs.
    pub fn message_ids(&self) -> [u8; 32] {
        *self.ring().message_ids.expose_secret()
    }

    /// Seals a secret for `place` (`mailbox:mbx_…:smtp`); only there can it be opened again.
    pub fn seal(&self, place: &str, secret: &SecretString) -> Vec<u8> {
        self.read_again();
        let mut nonce = [0_u8; 24];
        rand::fill(&mut nonce);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: place.as_bytes() };
        let cipher = XChaCha20Poly1305::new(self.ring().seal.expose_secret().into());
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .unwrap_or_else(|_| unreachable!("a secret is far below the cipher's limit"));
        [&[1_u8], nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`Keys::seal`] made for the same place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<SecretString, NotOurs> {
        let open = || {
            let ring = self.ring();
            opened(&ring.seal, place, sealed)
                .or_else(|| ring.retired.as_ref().and_then(|key| opened(key, place, sealed)))
        };
        open().or_else(|| self.read_again().then(open).flatten()).ok_or(NotOurs)
    }

    /// The same secret sealed with the new key; `None` if it is already, an error if no key opens it.
    pub fn sealed_anew(&self, place: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, NotOurs> {
        if opened(&self.ring().seal, place, sealed).is_some() {
            return Ok(None);
        }
        let secret = self.open(place, sealed)?;
        Ok(Some(self.seal(place, &secret)))
    }

    /// Puts a new sealing key into the file, the old one stays as `retired`; `false` if a change was under way already.
    pub fn begin_change(&self) -> io::Result<bool> {
        self.read_again();
        if self.ring().retired.is_some() {
            return Ok(false);
        }
        let mut bytes = [0_u8; 32];
        rand::fill(&mut bytes);
        let ring = {
            let ring = self.ring();
            ring.with(key(bytes), Some(copy(&ring.seal)))
        };
        self.write(ring)?;
        Ok(true)
    }

    /// Forgets the retired key: nothing is sealed with it any more.
    pub fn end_change(&self) -> io::Result<()> {
        self.read_again();
        let ring = {
            let ring = self.ring();
            ring.with(copy(&ring.seal), None)
        };
        self.write(ring)
    }

    /// Writes the file whole or not at all, then takes the keys over.
    fn write(&self, ring: Ring) -> io::Result<()> {
        if let Some(file) = &self.file {
            let beside = file.with_extension("key.new");
            match std::fs::remove_file(&beside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            write_private(&beside, ring.text().as_bytes())?;
            std::fs::rename(&beside, file)?;
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::File::open(folder)?.sync_all()?;
        }
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    /// The token of an unsubscribe link: the enrollment's id and a keyed hash of it.
    pub fn unsubscribe_token(&self, enrollment: EnrollmentId) -> String {
        let mac = mac(self.ring().unsubscribe.expose_secret(), enrollment.uuid().as_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn a_change_keeps_what_hashes_and_opens_both_until_it_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        let keys = Keys::load_or_create(&path).expect("made");
        let before = (
            keys.check_value(),
            keys.message_ids(),
            keys.unsubscribe_token(EnrollmentId::from_uuid(uuid::Uuid::nil())),
        );
        let old = keys.seal("here", &secret("hunter2"));
        assert!(keys.begin_change().expect("begun") && !keys.begin_change().expect("under way"));
        // Another process reads the file, one that was there before reads it when it must.
        let another = Keys::load_or_create(&path).expect("read");
        for keys in [&keys, &another] {
            assert_eq!(keys.open("here", &old).expect("opened").expose_secret(), "hunter2");
        }
        let new = keys.sealed_anew("here", &old).expect("opened").expect("anew");
        assert_eq!(keys.sealed_anew("here", &new).expect("opened"), None);
        assert_eq!(another.open("here", &new).expect("opened").expose_secret(), "hunter2");
        keys.end_change().expect("ended");
        assert!(keys.open("here", &old).is_err() && keys.open("there", &new).is_err());
        assert_eq!(keys.open("here", &new).expect("opened").expose_secret(), "hunter2");
        let after = Keys::load_or_create(&path).expect("read");
        let token = after.unsubscribe_token(EnrollmentId::from_uuid(uuid::Uuid::nil()));
        assert_eq!((after.check_value(), after.message_ids(), token), before);
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert!(!folder.path().join("secret.key.new").exists());
    }

    #[test]
    fn a_process_that_was_there_before_sees_the_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        let server = Keys::load_or_create(&path).expect("made");
        let command = Keys::load_or_create(&path).expect("read");
        command.begin_change().expect("begun");
        let sealed = command.seal("here", &secret("a"));
        assert_eq!(server.open("here", &sealed).expect("opened").expose_secret(), "a");
        command.end_change().expect("ended");
        let sealed = server.seal("here", &secret("b"));
        assert_eq!(command.sealed_anew("here", &sealed).expect("opened"), None, "sealed with the new key");
    }

    #[test]
    fn what_is_no_key_file_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        for text in ["", "abc", "relance keys 2\nseal 00\n", "other 2\nseal 00\n"] {
            std::fs::write(&path, text).expect("written");
            assert!(Keys::load_or_create(&path).is_err(), "{text}");
        }
        assert!(!format!("{:?}", Keys::load_or_create(&path).err()).contains("seal 00"));
    }
}
