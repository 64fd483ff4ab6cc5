-- Who did what, when and why. Nothing changes or removes a line.
CREATE TABLE audit_entries (
    id UUID PRIMARY KEY,
    at BIGINT NOT NULL,
    actor_id UUID,
    act TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    search TEXT NOT NULL
);
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, id);
CREATE FUNCTION audit_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END;
$$;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse();

-- Links with which a user chooses a password: an invitation, or a forgotten password.
CREATE TABLE password_links (
    token_hash BYTEA PRIMARY KEY,
    user_id UUID NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Two-step sign-in: the sealed secret, and the last 30-second step whose code was used.
ALTER TABLE users ADD COLUMN totp_secret BYTEA;
ALTER TABLE users ADD COLUMN totp_step BIGINT;
CREATE TABLE recovery_codes (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);
