-- A token may end by itself (system clock).
ALTER TABLE tokens ADD COLUMN expires_at BIGINT;

-- Up to when a user has seen the answers that came (business clock).
ALTER TABLE users ADD COLUMN replies_seen_at BIGINT;

-- Nor are all entries removed at once.
CREATE TRIGGER audit_entries_kept BEFORE TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse();
