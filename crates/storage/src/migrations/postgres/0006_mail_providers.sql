-- What Google and Microsoft know this installation by; the secret is sealed.
CREATE TABLE mail_providers (
    provider TEXT PRIMARY KEY CHECK (provider IN ('google', 'microsoft')),
    client_id TEXT NOT NULL,
    client_secret BYTEA NOT NULL,
    tenant TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The permission of a mailbox: sealed tokens. Whoever renews them holds renewing_until (database clock) under a version,
-- which rises with every new pair.
CREATE TABLE mailbox_grants (
    mailbox_id UUID PRIMARY KEY REFERENCES mailboxes (id),
    refresh_token BYTEA NOT NULL,
    access_token BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    granted_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    renewing_until BIGINT
);

-- Who was sent to a provider's page of permission, until they come back, once.
CREATE TABLE mailbox_consents (
    state_hash BYTEA PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_hash BYTEA,
    provider TEXT NOT NULL CHECK (provider IN ('google', 'microsoft')),
    mailbox_id UUID REFERENCES mailboxes (id),
    verifier BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX mailbox_consents_by_end ON mailbox_consents (expires_at);
