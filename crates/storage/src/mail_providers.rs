//! What mail providers know this installation by, and who was sent to their page of permission: `mail_providers`,
//! `mailbox_consents`. Secrets are bytes sealed elsewhere. Times of consents are the system clock's.

use crate::{args, error::Result, tx::Tx, value::Row};
use relance_domain::{
    MailboxId, Timestamp, UserId,
    mail_provider::{MailProvider, Registration},
};

/// A registration with its sealed secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRegistration {
    /// The registration.
    pub registration: Registration,
    /// Its secret, sealed.
    pub client_secret: Vec<u8>,
}

fn registration(row: &Row) -> Result<StoredRegistration> {
    let registration = Registration {
        provider: row.word("provider", MailProvider::parse)?,
        client_id: row.text("client_id")?,
        tenant: row.text("tenant")?,
    };
    Ok(StoredRegistration { registration, client_secret: row.bytes("client_secret")? })
}

/// Every registration.
pub async fn all(tx: &mut Tx) -> Result<Vec<StoredRegistration>> {
    let sql = "SELECT provider, client_id, client_secret, tenant FROM mail_providers ORDER BY provider";
    tx.all(sql, vec![], registration).await
}

/// The registration at a provider.
pub async fn find(tx: &mut Tx, provider: MailProvider) -> Result<Option<StoredRegistration>> {
    let sql = "SELECT provider, client_id, client_secret, tenant FROM mail_providers WHERE provider = $1";
    tx.first(sql, args![provider.as_str()], registration).await
}

/// Stores a registration in the place of the one before.
pub async fn save(tx: &mut Tx, stored: &StoredRegistration, now: Timestamp) -> Result<()> {
    let Registration { provider, client_id, tenant } = &stored.registration;
    tx.execute(
        "INSERT INTO mail_providers (provider, client_id, client_secret, tenant, updated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (provider) DO UPDATE SET client_id = excluded.client_id, client_secret = excluded.client_secret,
            tenant = excluded.tenant, updated_at = excluded.updated_at",
        args![provider.as_str(), client_id, stored.client_secret.clone(), tenant, now],
    )
    .await?;
    Ok(())
}

/// Forgets a registration; `false` if there was none.
pub async fn delete(tx: &mut Tx, provider: MailProvider) -> Result<bool> {
    Ok(tx.execute("DELETE FROM mail_providers WHERE provider = $1", args![provider.as_str()]).await? > 0)
}

/// How many mailboxes in use are of this kind.
pub async fn mailboxes_of(tx: &mut Tx, provider: MailProvider) -> Result<u32> {
    let sql = "SELECT COUNT(*) AS number FROM mailboxes WHERE provider = $1 AND deleted_at IS NULL";
    tx.one(sql, args![provider.as_str()], |row| row.count("number")).await
}

/// Someone who was sent to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// SHA-256 of the state that comes back.
    pub state_hash: Vec<u8>,
    /// Who.
    pub user_id: UserId,
    /// SHA-256 of the session that must come back; `None` = any of the user's.
    pub session_hash: Option<Vec<u8>>,
    /// To whom.
    pub provider: MailProvider,
    /// The mailbox that is connected again; `None` = a new one.
    pub mailbox_id: Option<MailboxId>,
    /// The verifier of PKCE, sealed.
    pub verifier: Vec<u8>,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

/// Remembers that someone was sent to a provider.
pub async fn begin_consent(tx: &mut Tx, consent: &Consent) -> Result<()> {
    let Consent { state_hash, user_id, session_hash, provider, mailbox_id, verifier, expires_at } = consent.clone();
    tx.execute(
        "INSERT INTO mailbox_consents (state_hash, user_id, session_hash, provider, mailbox_id, verifier, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![state_hash, user_id, session_hash, provider.as_str(), mailbox_id, verifier, expires_at],
    )
    .await?;
    Ok(())
}

/// Takes the consent of this state, which is thereby used up, whatever comes of it.
pub async fn take_consent(tx: &mut Tx, state_hash: &[u8]) -> Result<Option<Consent>> {
    let sql = "DELETE FROM mailbox_consents WHERE state_hash = $1
        RETURNING state_hash, user_id, session_hash, provider, mailbox_id, verifier, expires_at";
    tx.first(sql, args![state_hash], |row| {
        Ok(Consent {
            state_hash: row.bytes("state_hash")?,
            user_id: row.id("user_id")?,
            session_hash: row.bytes_opt("session_hash")?,
            provider: row.word("provider", MailProvider::parse)?,
            mailbox_id: row.id_opt("mailbox_id")?,
            verifier: row.bytes("verifier")?,
            expires_at: row.time("expires_at")?,
        })
    })
    .await
}

/// Forgets consents that ended before `now`; how many.
pub async fn purge_consents(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM mailbox_consents WHERE expires_at < $1", args![now]).await
}
