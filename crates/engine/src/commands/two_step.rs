//! Two-step sign-in: after the password, a code of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 seconds)
//! or one of ten recovery codes. A code works once. Times are the system clock's.

use super::{
    access,
    audit::Object,
    passwords,
    sign_in::{SignedIn, too_many},
};
use crate::{Engine, EngineError, Result, secrets};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relance_domain::{
    Refused, Timestamp, UserId,
    audit::Act,
    person::email_key,
    time::MINUTE,
    user::{Actor, User},
};
use relance_storage::{Tx, sign_in_failures, users, users::TwoStep};
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret, Totp};

/// How long a proved password waits for its code, in ms.
const PROOF_MS: i64 = 5 * MINUTE;
/// How many recovery codes there are.
const RECOVERY_CODES: usize = 10;
/// Without letters and digits that look alike.
const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";

/// What an authenticator app is told; nothing is stored until its first code was right.
#[derive(Debug, Clone)]
pub struct TwoStepSecret {
    /// The secret, in base 32.
    pub secret: String,
    /// The same as an `otpauth` address, for a QR code.
    pub address: String,
}

fn place(user: UserId) -> String {
    format!("user:{user}:totp")
}

fn totp(secret: &str, account: &str, issuer: &str) -> Option<Totp> {
    let plain = |text: &str| text.replace(':', " ").into_boxed_str();
    let secret = Secret::try_from_base32(secret).ok()?;
    Builder::new().with_secret(secret).with_account_name(plain(account)).with_issuer(Some(plain(issuer))).build().ok()
}

/// The step of 30 seconds whose code this is; a minute's difference between clocks is forgiven.
fn step_of(secret: &str, code: &str, now: Timestamp) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(now.ms() / 1_000).ok()?;
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    totp(secret, "Relance", "Relance")?.check(&digits, seconds).and_then(|step| i64::try_from(step).ok())
}

/// A recovery code as it is compared, hashed; typed with or without its dash, in any case.
fn recovery_hash(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    secrets::token_hash(&plain)
}

fn new_recovery_code() -> String {
    let mut bytes = [0_u8; 10];
    rand::fill(&mut bytes);
    let letters: String = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect();
    format!("{}-{}", &letters[..5], &letters[5..])
}

fn wrong_code() -> EngineError {
    let message = "This code is not right, or was used before. A new one comes every 30 seconds.";
    Refused::at("code", "wrong_code", message).into()
}

impl Engine {
    /// A new secret for a user's authenticator app.
    pub fn new_two_step_secret(&self, user: &User, workspace: &str) -> Result<TwoStepSecret> {
        let mut bytes = [0_u8; 20];
        rand::fill(&mut bytes);
        let secret = Secret::new_stack(bytes).to_base32();
        let address = self.two_step_address(user, workspace, &secret)?;
        Ok(TwoStepSecret { secret, address })
    }

    /// The `otpauth` address of a secret.
    pub fn two_step_address(&self, user: &User, workspace: &str, secret: &str) -> Result<String> {
        let corrupt = || EngineError::Corrupt("this secret is none for an authenticator app".to_owned());
        let totp = totp(secret, &user.email, &format!("Relance {workspace}")).ok_or_else(corrupt)?;
        totp.to_url().map_err(|_| corrupt())
    }

    /// Turns two-step sign-in on for oneself once the first code of the app is right; the recovery codes, shown once.
    pub async fn turn_on_two_step(&self, actor: &Actor, secret: &SecretString, code: &str) -> Result<Vec<String>> {
        let id = actor.user_id().ok_or(EngineError::NotFound("user"))?;
        let step = step_of(secret.expose_secret(), code, self.clock.system_now()).ok_or_else(wrong_code)?;
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| new_recovery_code()).collect();
        let hashes: Vec<Vec<u8>> = codes.iter().map(|code| recovery_hash(code)).collect();
        let sealed = self.keys.seal(&place(id), secret);
        let mut tx = self.store.begin().await?;
        let user = access::user(&mut tx, id).await?;
        users::set_two_step(&mut tx, id, Some(sealed), &hashes).await?;
        users::use_step(&mut tx, id, step).await?;
        self.note(&mut tx, actor, Act::TwoStepOn, Object::new(id, &user.name), "").await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Turns two-step sign-in off: one's own with the password, anyone's by an admin (a lost phone).
    pub async fn turn_off_two_step(&self, actor: &Actor, id: UserId, password: Option<&SecretString>) -> Result<()> {
        match password {
            Some(password) if actor.user_id() == Some(id) => {
                let account = users::find_account(&mut self.store.read().await?, id).await?;
                let hash = account.ok_or(EngineError::NotFound("user"))?.password_hash;
                if !passwords::verify(password, hash).await? {
                    let message = "This is not your current password.";
                    return Err(Refused::at("two_step_password", "wrong_password", message).into());
                }
            }
            _ => access::admins_only(actor, "turn off two-step sign-in of others")?,
        }
        let mut tx = self.store.begin().await?;
        let user = access::user(&mut tx, id).await?;
        users::set_two_step(&mut tx, id, None, &[]).await?;
        self.note(&mut tx, actor, Act::TwoStepOff, Object::new(id, &user.name), "").await?;
        tx.commit().await?;
        Ok(())
    }

    /// Proves for five minutes that the password of a user was right.
    pub(crate) fn prove_password(&self, id: UserId, now: Timestamp) -> SecretString {
        let words = SecretString::from(format!("{id} {}", now.plus_ms(PROOF_MS).ms()));
        SecretString::from(URL_SAFE_NO_PAD.encode(self.keys.seal("sign-in", &words)))
    }

    fn proved(&self, proof: &str, now: Timestamp) -> Option<UserId> {
        let sealed = URL_SAFE_NO_PAD.decode(proof).ok()?;
        let words = self.keys.open("sign-in", &sealed).ok()?;
        let (id, until) = words.expose_secret().split_once(' ')?;
        (until.parse::<i64>().ok()? > now.ms()).then(|| id.parse().ok()).flatten()
    }

    /// Whether this proof of a password still counts.
    pub fn is_password_proved(&self, proof: &str) -> bool {
        self.proved(proof, self.clock.system_now()).is_some()
    }

    /// The second step, after [`super::sign_in::SignIn::CodeNeeded`]: a code of the app, or a recovery code. Five wrong
    /// ones close the door for 15 minutes.
    pub async fn sign_in_with_code(&self, proof: &str, code: &str, ip: &str, user_agent: &str) -> Result<SignedIn> {
        let now = self.clock.system_now();
        let too_late = || EngineError::refused("too_late", "This took too long. Sign in again.");
        let id = self.proved(proof, now).ok_or_else(too_late)?;
        let (subject, client) = (format!("code:{id}"), format!("client:{ip}"));
        let (account, two_step) = {
            let mut tx = self.store.read().await?;
            if let Some(until) = sign_in_failures::blocked_until(&mut tx, &[&subject, &client], now).await? {
                return Err(too_many(until, now));
            }
            (users::find_account(&mut tx, id).await?, users::two_step(&mut tx, id).await?)
        };
        let usable = account.filter(|account| account.user.deactivated_at.is_none());
        let (Some(account), Some(two_step)) = (usable, two_step) else { return Err(too_late()) };
        let mut tx = self.store.begin().await?;
        if !self.take_code(&mut tx, &account.user, &two_step, code, now).await? {
            drop(tx);
            return Err(self.count_failure(&subject, &client, wrong_code(), now).await?);
        }
        sign_in_failures::clear(&mut tx, &subject).await?;
        tx.commit().await?;
        let address = format!("address:{}", email_key(&account.user.email).unwrap_or_default());
        self.begin_session(account.user, &address, user_agent, now).await
    }

    /// For how many seconds no code is taken for this proof, or from this client; 0 = it is.
    pub async fn code_wait(&self, proof: &str, ip: &str) -> Result<u64> {
        let id = self.proved(proof, self.clock.system_now());
        let subject = id.map(|id| format!("code:{id}")).unwrap_or_default();
        self.wait_of(&[&subject, &format!("client:{ip}")]).await
    }

    /// Uses up a right code; `false` if it is wrong or was used before.
    async fn take_code(
        &self,
        tx: &mut Tx,
        user: &User,
        two_step: &TwoStep,
        code: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let secret = self
            .keys
            .open(&place(user.id), &two_step.sealed)
            .map_err(|error| EngineError::Corrupt(format!("two-step secret of {}: {error}", user.id)))?;
        if let Some(step) = step_of(secret.expose_secret(), code, now) {
            return Ok(users::use_step(tx, user.id, step).await?);
        }
        let is_recovery = users::use_recovery_code(tx, user.id, &recovery_hash(code)).await?;
        if is_recovery {
            let left = format!("Codes left: {}.", users::count_recovery_codes(tx, user.id).await?);
            let oneself = Actor::User { id: user.id, role: user.role };
            self.note(tx, &oneself, Act::RecoveryCodeUsed, Object::new(user.id, &user.name), &left).await?;
        }
        Ok(is_recovery)
    }

    /// The code an authenticator app would show at this moment; for tests and rehearsals of the second step.
    #[doc(hidden)]
    pub fn two_step_code(secret: &str, at: Timestamp) -> Option<String> {
        let seconds = u64::try_from(at.ms() / 1_000).ok()?;
        Some(totp(secret, "Relance", "Relance")?.generate(seconds).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{new_recovery_code, recovery_hash, step_of, totp};
    use relance_domain::Timestamp;

    /// RFC 6238, appendix B, SHA-1: the last six of the eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            assert_eq!(step_of(secret, code, Timestamp::from_ms(seconds * 1_000)), Some(seconds / 30), "{seconds}");
        }
        let now = Timestamp::from_ms(1_234_567_890_000);
        for wrong in ["", "00592", "0059244", "005925", "abcdef", "０05924"] {
            assert_eq!(step_of(secret, wrong, now), None, "{wrong}");
        }
        assert_eq!(step_of(secret, "005 924", now), Some(41_152_263));
        assert!(totp("not base 32!", "a", "b").is_none());
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let code = new_recovery_code();
        assert_eq!(code.len(), 11);
        assert_eq!(recovery_hash(&code), recovery_hash(&format!(" {} ", code.to_uppercase().replace('-', " "))));
        assert_ne!(recovery_hash(&code), recovery_hash(&new_recovery_code()));
    }
}
