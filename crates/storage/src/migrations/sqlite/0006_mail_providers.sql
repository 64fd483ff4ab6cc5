-- What Google and Microsoft know this installation by; the secret is sealed.
CREATE TABLE mail_providers (
    provider TEXT PRIMARY KEY CHECK (provider IN ('google', 'microsoft')),
    client_id TEXT NOT NULL,
    client_secret BLOB NOT NULL,
    tenant TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The permission of a mailbox: sealed tokens. Whoever renews them holds renewing_until (database clock) under a version,
-- which rises with every new pair.
CREATE TABLE mailbox_grants (
    mailbox_id BLOB PRIMARY KEY REFERENCES mailboxes (id),
    refresh_token BLOB NOT NULL,
    access_token BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    granted_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    renewing_until INTEGER
) STRICT;

-- Who was sent to a provider's page of permission, until they come back, once.
CREATE TABLE mailbox_consents (
    state_hash BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_hash BLOB,
    provider TEXT NOT NULL CHECK (provider IN ('google', 'microsoft')),
    mailbox_id BLOB REFERENCES mailboxes (id),
    verifier BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX mailbox_consents_by_end ON mailbox_consents (expires_at);
