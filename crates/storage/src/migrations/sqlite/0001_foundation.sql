-- The workspace: one row.
CREATE TABLE workspace (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    schedule TEXT NOT NULL,
    postal_address TEXT NOT NULL,
    paused_at INTEGER,
    revision INTEGER NOT NULL,
    key_check BLOB NOT NULL,
    clock_offset_ms INTEGER NOT NULL,
    clock_at INTEGER NOT NULL,
    heartbeat_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('rep', 'manager', 'admin')),
    time_zone TEXT NOT NULL,
    phone TEXT NOT NULL,
    password_hash TEXT,
    deactivated_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id);

CREATE TABLE tokens (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    token_hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

-- Failed sign-ins by address and by client, for the rate limit. Times of the system clock.
CREATE TABLE sign_in_failures (
    subject TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    blocked_until INTEGER
) STRICT;

CREATE TABLE people (
    search_number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('lead', 'contact')),
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    organization_name TEXT NOT NULL,
    is_organization INTEGER NOT NULL,
    company_id BLOB,
    title TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT,
    other_emails TEXT NOT NULL,
    linkedin TEXT NOT NULL,
    x TEXT NOT NULL,
    facebook TEXT NOT NULL,
    phone TEXT NOT NULL,
    mobile TEXT NOT NULL,
    website TEXT NOT NULL,
    industry TEXT NOT NULL,
    address_line TEXT NOT NULL,
    address_city TEXT NOT NULL,
    address_postal_code TEXT NOT NULL,
    address_state TEXT NOT NULL,
    address_country TEXT NOT NULL,
    description TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    owner_id BLOB REFERENCES users (id),
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    tags TEXT NOT NULL,
    custom_fields TEXT NOT NULL,
    name_key TEXT NOT NULL,
    organization_key TEXT NOT NULL,
    search_text TEXT NOT NULL,
    merged_into BLOB,
    deleted_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
-- Words for the search: `search_text` is words without punctuation, so the plain tokenizer splits it at its spaces.
CREATE VIRTUAL TABLE people_search USING fts5 (
    search_text, content = 'people', content_rowid = 'search_number', tokenize = 'ascii', detail = 'none', columnsize = 0
);
CREATE TRIGGER people_search_inserted AFTER INSERT ON people BEGIN
    INSERT INTO people_search (rowid, search_text) VALUES (new.search_number, new.search_text);
END;
CREATE TRIGGER people_search_updated AFTER UPDATE OF search_text ON people WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO people_search (people_search, rowid, search_text) VALUES ('delete', old.search_number, old.search_text);
    INSERT INTO people_search (rowid, search_text) VALUES (new.search_number, new.search_text);
END;
CREATE TRIGGER people_search_deleted AFTER DELETE ON people BEGIN
    INSERT INTO people_search (people_search, rowid, search_text) VALUES ('delete', old.search_number, old.search_text);
END;
CREATE INDEX people_by_name ON people (kind, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX people_by_organization ON people (kind, organization_key, id) WHERE deleted_at IS NULL;
CREATE INDEX people_by_created ON people (kind, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX people_by_updated ON people (kind, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX people_by_status ON people (kind, status, id) WHERE deleted_at IS NULL;
CREATE INDEX people_by_source ON people (source) WHERE deleted_at IS NULL;
CREATE INDEX people_tagged ON people (updated_at) WHERE tags <> '[]' AND deleted_at IS NULL;
CREATE INDEX people_by_owner ON people (owner_id, kind) WHERE deleted_at IS NULL;
CREATE INDEX people_by_email ON people (email_key) WHERE deleted_at IS NULL;
CREATE INDEX people_merged ON people (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX people_by_company ON people (company_id) WHERE company_id IS NOT NULL;

-- Every address that counts as a person, in its compared form.
CREATE TABLE person_addresses (
    address_key TEXT NOT NULL,
    person_id BLOB NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    PRIMARY KEY (address_key, person_id)
) STRICT;
CREATE INDEX person_addresses_of_person ON person_addresses (person_id);

CREATE TABLE templates (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    subject TEXT NOT NULL,
    body_html TEXT NOT NULL,
    body_text TEXT NOT NULL,
    shared INTEGER NOT NULL,
    owner_id BLOB REFERENCES users (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sequences (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'active', 'archived')),
    draft TEXT NOT NULL,
    version_id BLOB,
    version INTEGER NOT NULL,
    paused_at INTEGER,
    revision INTEGER NOT NULL,
    created_by BLOB REFERENCES users (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (state <> 'active' OR version_id IS NOT NULL),
    CHECK ((version_id IS NULL) = (version = 0))
) STRICT;

CREATE TABLE sequence_versions (
    id BLOB PRIMARY KEY,
    sequence_id BLOB NOT NULL REFERENCES sequences (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    plan TEXT NOT NULL,
    published_by BLOB REFERENCES users (id),
    published_at INTEGER NOT NULL,
    UNIQUE (sequence_id, number)
) STRICT;

CREATE TABLE mailboxes (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    from_name TEXT NOT NULL,
    provider TEXT NOT NULL CHECK (provider IN ('imap_smtp', 'google', 'microsoft', 'sandbox')),
    smtp_host TEXT,
    smtp_port INTEGER,
    smtp_security TEXT CHECK (smtp_security IN ('tls', 'starttls', 'none')),
    smtp_username TEXT,
    smtp_password BLOB,
    imap_host TEXT,
    imap_port INTEGER,
    imap_security TEXT CHECK (imap_security IN ('tls', 'starttls', 'none')),
    imap_username TEXT,
    imap_password BLOB,
    aliases TEXT NOT NULL,
    signature_html TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    daily_quota INTEGER NOT NULL CHECK (daily_quota >= 0),
    min_gap_seconds INTEGER NOT NULL CHECK (min_gap_seconds >= 0),
    away TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('connected', 'paused', 'unreachable', 'auth_failed', 'misconfigured')),
    state_since INTEGER,
    state_message TEXT,
    revision INTEGER NOT NULL,
    proved_at INTEGER,
    last_sent_at INTEGER,
    next_slot_at INTEGER,
    files_sent INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CHECK ((state IN ('connected', 'paused')) = (state_message IS NULL)),
    CHECK ((provider = 'sandbox') = (smtp_host IS NULL))
) STRICT;
CREATE UNIQUE INDEX mailboxes_by_address ON mailboxes (address_key) WHERE deleted_at IS NULL;
CREATE INDEX mailboxes_due ON mailboxes (next_slot_at) WHERE next_slot_at IS NOT NULL AND deleted_at IS NULL;

-- Hand-overs per mailbox and local day.
CREATE TABLE mailbox_days (
    mailbox_id BLOB NOT NULL REFERENCES mailboxes (id),
    day TEXT NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (mailbox_id, day)
) STRICT;

-- Up to where each watched folder has been read.
CREATE TABLE mailbox_folders (
    mailbox_id BLOB NOT NULL REFERENCES mailboxes (id),
    folder TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, folder)
) STRICT;

-- Who works for a mailbox. Times of the database's clock.
CREATE TABLE leases (
    mailbox_id BLOB PRIMARY KEY REFERENCES mailboxes (id),
    node_id BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE nodes (
    id BLOB PRIMARY KEY,
    started_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT;

CREATE TABLE enrollments (
    id BLOB PRIMARY KEY,
    person_id BLOB NOT NULL REFERENCES people (id),
    sequence_id BLOB NOT NULL REFERENCES sequences (id),
    version_id BLOB NOT NULL REFERENCES sequence_versions (id),
    mailbox_id BLOB REFERENCES mailboxes (id),
    actor_id BLOB NOT NULL REFERENCES users (id),
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'blocked', 'finished')),
    step_id BLOB,
    step_action TEXT CHECK (step_action IN ('automated_email', 'manual_email', 'task')),
    position INTEGER NOT NULL,
    due_at INTEGER,
    wake_at INTEGER,
    paused_until INTEGER,
    paused_by TEXT CHECK (paused_by IN ('person', 'auto_reply', 'deactivated')),
    blocked_reason TEXT,
    blocked_detail TEXT,
    resumes_at INTEGER,
    finished_reason TEXT,
    finished_at INTEGER,
    finished_by BLOB,
    address_key TEXT,
    done_steps TEXT NOT NULL,
    steps_done INTEGER NOT NULL,
    emails_sent INTEGER NOT NULL,
    moved_by_hand INTEGER NOT NULL,
    last_step_at INTEGER,
    enrolled_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((state = 'finished') = (finished_reason IS NOT NULL)),
    CHECK ((state = 'finished') = (finished_at IS NOT NULL)),
    CHECK ((state = 'finished') = (step_id IS NULL)),
    CHECK ((state = 'finished') = (due_at IS NULL)),
    CHECK ((state = 'blocked') = (blocked_reason IS NOT NULL)),
    CHECK ((state = 'blocked') = (blocked_detail IS NOT NULL)),
    CHECK ((state = 'paused') = (paused_by IS NOT NULL)),
    CHECK (paused_until IS NULL OR state = 'paused'),
    CHECK (resumes_at IS NULL OR state = 'blocked'),
    CHECK (state <> 'finished' OR wake_at IS NULL)
) STRICT;
-- One unfinished enrollment per sequence for a person, and for an address whoever has it.
CREATE UNIQUE INDEX enrollments_once_per_person ON enrollments (sequence_id, person_id) WHERE state <> 'finished';
CREATE UNIQUE INDEX enrollments_once_per_address ON enrollments (sequence_id, address_key)
    WHERE state <> 'finished' AND address_key IS NOT NULL;
-- The hot path: what a mailbox has to send, and what else has to be woken. `wake_at` is NULL while only an event moves it.
CREATE INDEX enrollments_due ON enrollments (mailbox_id, wake_at)
    WHERE state = 'active' AND step_action = 'automated_email' AND wake_at IS NOT NULL;
CREATE INDEX enrollments_wake ON enrollments (wake_at)
    WHERE wake_at IS NOT NULL AND (state <> 'active' OR step_action <> 'automated_email');
-- The people list sorted by next email.
CREATE INDEX enrollments_next_email ON enrollments (due_at, person_id)
    WHERE state = 'active' AND step_action = 'automated_email';
CREATE INDEX enrollments_of_person ON enrollments (person_id, enrolled_at);
CREATE INDEX enrollments_of_sequence ON enrollments (sequence_id, state, enrolled_at);
CREATE INDEX enrollments_blocked ON enrollments (blocked_reason, mailbox_id) WHERE state = 'blocked';
CREATE INDEX enrollments_of_actor ON enrollments (actor_id, state);
CREATE INDEX enrollments_by_version ON enrollments (version_id);

CREATE TABLE deliveries (
    id BLOB PRIMARY KEY,
    enrollment_id BLOB NOT NULL REFERENCES enrollments (id),
    person_id BLOB NOT NULL REFERENCES people (id),
    step_id BLOB NOT NULL,
    generation INTEGER NOT NULL CHECK (generation >= 1),
    mailbox_id BLOB NOT NULL REFERENCES mailboxes (id),
    state TEXT NOT NULL CHECK (state IN ('planned', 'claimed', 'leaving', 'sent', 'deferred', 'refused', 'uncertain',
        'not_sent', 'cancelled', 'skipped')),
    epoch INTEGER,
    until_at INTEGER,
    since_at INTEGER,
    leaving_at INTEGER,
    leaving_system_at INTEGER,
    sent_at INTEGER,
    attempts INTEGER NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    html TEXT NOT NULL,
    text TEXT NOT NULL,
    in_reply_to TEXT,
    refs TEXT NOT NULL,
    smtp_reply TEXT,
    raw BLOB,
    filed_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (enrollment_id, step_id, generation),
    CHECK ((state IN ('claimed', 'leaving')) = (epoch IS NOT NULL)),
    CHECK ((state = 'deferred') = (until_at IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CHECK (state NOT IN ('leaving', 'uncertain') OR leaving_at IS NOT NULL)
) STRICT;
CREATE INDEX deliveries_in_flight ON deliveries (mailbox_id, state) WHERE state IN ('claimed', 'leaving', 'uncertain');
CREATE INDEX deliveries_of_person ON deliveries (person_id, created_at);
CREATE INDEX deliveries_sent ON deliveries (mailbox_id, sent_at) WHERE state = 'sent';
CREATE INDEX deliveries_to_file ON deliveries (mailbox_id, sent_at) WHERE state = 'sent' AND filed_at IS NULL;

CREATE TABLE tasks (
    id BLOB PRIMARY KEY,
    person_id BLOB REFERENCES people (id),
    owner_id BLOB NOT NULL REFERENCES users (id),
    enrollment_id BLOB REFERENCES enrollments (id),
    step_id BLOB,
    delivery_id BLOB,
    kind TEXT NOT NULL CHECK (kind IN ('call', 'linkedin', 'email', 'other')),
    content TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'skipped', 'cancelled')),
    closed_at INTEGER,
    created_at INTEGER NOT NULL,
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK ((enrollment_id IS NULL) = (step_id IS NULL)),
    UNIQUE (enrollment_id, step_id)
) STRICT;
CREATE INDEX tasks_open ON tasks (owner_id, due_at, id) WHERE state = 'open';
CREATE INDEX tasks_of_person ON tasks (person_id, due_at);

CREATE TABLE activities (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL,
    person_id BLOB NOT NULL REFERENCES people (id),
    kind TEXT NOT NULL,
    actor_id BLOB,
    sequence_id BLOB,
    enrollment_id BLOB,
    delivery_id BLOB,
    inbound_id BLOB,
    task_id BLOB,
    summary TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX activities_of_person ON activities (person_id, at, id);
CREATE INDEX activities_by_kind ON activities (kind, at);

-- Received messages that concern us. Of unrelated mail only the position in mailbox_folders is kept.
CREATE TABLE inbound_messages (
    id BLOB PRIMARY KEY,
    mailbox_id BLOB NOT NULL REFERENCES mailboxes (id),
    identity BLOB NOT NULL,
    folder TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message_id TEXT,
    from_address TEXT NOT NULL,
    from_name TEXT NOT NULL,
    subject TEXT NOT NULL,
    sent_at INTEGER,
    received_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    judgement TEXT NOT NULL,
    matched_by TEXT,
    person_id BLOB REFERENCES people (id),
    enrollment_id BLOB REFERENCES enrollments (id),
    delivery_id BLOB REFERENCES deliveries (id),
    effect TEXT NOT NULL,
    tray TEXT NOT NULL CHECK (tray IN ('none', 'open', 'assigned', 'ignored')),
    visible_text TEXT NOT NULL,
    quoted_text TEXT NOT NULL,
    raw BLOB,
    UNIQUE (mailbox_id, identity)
) STRICT;
CREATE INDEX inbound_messages_of_person ON inbound_messages (person_id, received_at);
CREATE INDEX inbound_messages_tray ON inbound_messages (received_at, id) WHERE tray = 'open';
CREATE INDEX inbound_messages_by_kind ON inbound_messages (kind, received_at);

CREATE TABLE suppressions (
    id BLOB PRIMARY KEY,
    entry TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL CHECK (reason IN ('manual', 'unsubscribed', 'complained', 'hard_bounce')),
    note TEXT NOT NULL,
    added_by BLOB,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX suppressions_by_age ON suppressions (created_at, id);

-- Long work: a chunk commits its rows and its cursor together.
CREATE TABLE jobs (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('import_people', 'bulk_people', 'bulk_enroll')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    created_by BLOB REFERENCES users (id),
    title TEXT NOT NULL,
    payload TEXT NOT NULL,
    cursor_text TEXT NOT NULL,
    total INTEGER NOT NULL,
    done_count INTEGER NOT NULL,
    refused_count INTEGER NOT NULL,
    summary TEXT NOT NULL,
    error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX jobs_by_age ON jobs (created_at, id);
CREATE INDEX jobs_unfinished ON jobs (created_at) WHERE state IN ('queued', 'running');

CREATE TABLE job_rows (
    job_id BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    person_id BLOB,
    enrollment_id BLOB,
    data TEXT NOT NULL,
    PRIMARY KEY (job_id, number)
) STRICT;

CREATE INDEX job_rows_by_outcome ON job_rows (job_id, outcome, number);

CREATE TABLE job_files (
    job_id BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (job_id, part)
) STRICT;

CREATE TABLE idempotency_keys (
    user_id BLOB NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER,
    content_type TEXT NOT NULL,
    body BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
