-- What is attached to emails: each content once, by its hash, in parts. Without a holder it goes a day after kept_at.
CREATE TABLE files (
    hash BYTEA PRIMARY KEY,
    size BIGINT NOT NULL CHECK (size >= 0),
    is_complete BOOLEAN NOT NULL,
    kept_at BIGINT NOT NULL
);
CREATE INDEX files_by_age ON files (kept_at);

CREATE TABLE file_parts (
    hash BYTEA NOT NULL REFERENCES files (hash) ON DELETE CASCADE,
    part BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (hash, part)
);

-- Which templates, drafts, versions and edited emails have a file.
CREATE TABLE file_uses (
    holder TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL REFERENCES files (hash),
    PRIMARY KEY (holder, hash)
);
CREATE INDEX file_uses_of_file ON file_uses (hash);

ALTER TABLE templates ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
ALTER TABLE email_edits ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
ALTER TABLE deliveries ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
