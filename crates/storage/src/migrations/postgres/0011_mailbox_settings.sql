-- How a mailbox warms up (JSON, NULL = it does not), how much chance adds to its gap, which further folders are read, and
-- which mailbox of a user emails leave from where nothing else is said.
ALTER TABLE mailboxes ADD COLUMN ramp_up TEXT;
ALTER TABLE mailboxes ADD COLUMN jitter_percent BIGINT NOT NULL DEFAULT 50 CHECK (jitter_percent BETWEEN 0 AND 100);
ALTER TABLE mailboxes ADD COLUMN watched_folders TEXT NOT NULL DEFAULT '[]';
ALTER TABLE mailboxes ADD COLUMN is_default BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX mailboxes_default ON mailboxes (user_id) WHERE is_default AND deleted_at IS NULL;

-- What the name service said about the domain of a mailbox, and the DKIM selector it was learnt to sign with.
CREATE TABLE domain_checks (
    mailbox_id UUID PRIMARY KEY REFERENCES mailboxes (id),
    domain TEXT NOT NULL,
    selector TEXT,
    selector_source TEXT CHECK (selector_source IN ('person', 'test')),
    checked_at BIGINT,
    result TEXT,
    CHECK ((selector IS NULL) = (selector_source IS NULL)),
    CHECK ((checked_at IS NULL) = (result IS NULL))
);
