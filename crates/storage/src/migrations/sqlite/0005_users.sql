-- Who did what, when and why. Nothing changes or removes a line.
CREATE TABLE audit_entries (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL,
    actor_id BLOB,
    act TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    search TEXT NOT NULL
) STRICT;
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, id);
CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_entries_remain BEFORE DELETE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- Links with which a user chooses a password: an invitation, or a forgotten password.
CREATE TABLE password_links (
    token_hash BLOB PRIMARY KEY,
    user_id BLOB NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- Two-step sign-in: the sealed secret, and the last 30-second step whose code was used.
ALTER TABLE users ADD COLUMN totp_secret BLOB;
ALTER TABLE users ADD COLUMN totp_step INTEGER;
CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BLOB NOT NULL,
    PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;
