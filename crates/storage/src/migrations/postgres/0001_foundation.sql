-- The workspace: one row.
CREATE TABLE workspace (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    schedule TEXT NOT NULL,
    postal_address TEXT NOT NULL,
    paused_at BIGINT,
    revision BIGINT NOT NULL,
    key_check BYTEA NOT NULL,
    clock_offset_ms BIGINT NOT NULL,
    clock_at BIGINT NOT NULL,
    heartbeat_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE users (
    id UUID PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('rep', 'manager', 'admin')),
    time_zone TEXT NOT NULL,
    phone TEXT NOT NULL,
    password_hash TEXT,
    deactivated_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash BYTEA PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_id);

CREATE TABLE tokens (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    token_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

-- Failed sign-ins by address and by client, for the rate limit. Times of the system clock.
CREATE TABLE sign_in_failures (
    subject TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    blocked_until BIGINT
);

CREATE TABLE people (
    id UUID PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('lead', 'contact')),
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    organization_name TEXT NOT NULL,
    is_organization BOOLEAN NOT NULL,
    company_id UUID,
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
    owner_id UUID REFERENCES users (id),
    status TEXT NOT NULL COLLATE "C",
    source TEXT NOT NULL COLLATE "C",
    tags TEXT NOT NULL,
    custom_fields TEXT NOT NULL,
    name_key TEXT NOT NULL COLLATE "C",
    organization_key TEXT NOT NULL COLLATE "C",
    search_text TEXT NOT NULL COLLATE "C",
    merged_into UUID,
    deleted_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- Words for the search: `search_text` is words without punctuation, one lexeme each.
CREATE INDEX people_search ON people USING gin (array_to_tsvector(string_to_array(search_text, ' ')));
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
    person_id UUID NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    PRIMARY KEY (address_key, person_id)
);
CREATE INDEX person_addresses_of_person ON person_addresses (person_id);

CREATE TABLE templates (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    subject TEXT NOT NULL,
    body_html TEXT NOT NULL,
    body_text TEXT NOT NULL,
    shared BOOLEAN NOT NULL,
    owner_id UUID REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE sequences (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL COLLATE "C",
    description TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'active', 'archived')),
    draft TEXT NOT NULL,
    version_id UUID,
    version BIGINT NOT NULL,
    paused_at BIGINT,
    revision BIGINT NOT NULL,
    created_by UUID REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (state <> 'active' OR version_id IS NOT NULL),
    CHECK ((version_id IS NULL) = (version = 0))
);

CREATE TABLE sequence_versions (
    id UUID PRIMARY KEY,
    sequence_id UUID NOT NULL REFERENCES sequences (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    plan TEXT NOT NULL,
    published_by UUID REFERENCES users (id),
    published_at BIGINT NOT NULL,
    UNIQUE (sequence_id, number)
);

CREATE TABLE mailboxes (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    from_name TEXT NOT NULL,
    provider TEXT NOT NULL CHECK (provider IN ('imap_smtp', 'google', 'microsoft', 'sandbox')),
    smtp_host TEXT,
    smtp_port BIGINT,
    smtp_security TEXT CHECK (smtp_security IN ('tls', 'starttls', 'none')),
    smtp_username TEXT,
    smtp_password BYTEA,
    imap_host TEXT,
    imap_port BIGINT,
    imap_security TEXT CHECK (imap_security IN ('tls', 'starttls', 'none')),
    imap_username TEXT,
    imap_password BYTEA,
    aliases TEXT NOT NULL,
    signature_html TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    daily_quota BIGINT NOT NULL CHECK (daily_quota >= 0),
    min_gap_seconds BIGINT NOT NULL CHECK (min_gap_seconds >= 0),
    away TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('connected', 'paused', 'unreachable', 'auth_failed', 'misconfigured')),
    state_since BIGINT,
    state_message TEXT,
    revision BIGINT NOT NULL,
    proved_at BIGINT,
    last_sent_at BIGINT,
    next_slot_at BIGINT,
    files_sent BOOLEAN,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CHECK ((state IN ('connected', 'paused')) = (state_message IS NULL)),
    CHECK ((provider = 'sandbox') = (smtp_host IS NULL))
);
CREATE UNIQUE INDEX mailboxes_by_address ON mailboxes (address_key) WHERE deleted_at IS NULL;
CREATE INDEX mailboxes_due ON mailboxes (next_slot_at) WHERE next_slot_at IS NOT NULL AND deleted_at IS NULL;

-- Hand-overs per mailbox and local day.
CREATE TABLE mailbox_days (
    mailbox_id UUID NOT NULL REFERENCES mailboxes (id),
    day TEXT NOT NULL,
    used BIGINT NOT NULL CHECK (used >= 0),
    PRIMARY KEY (mailbox_id, day)
);

-- Up to where each watched folder has been read.
CREATE TABLE mailbox_folders (
    mailbox_id UUID NOT NULL REFERENCES mailboxes (id),
    folder TEXT NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid_next BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, folder)
);

-- Who works for a mailbox. Times of the database's clock.
CREATE TABLE leases (
    mailbox_id UUID PRIMARY KEY REFERENCES mailboxes (id),
    node_id UUID NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE nodes (
    id UUID PRIMARY KEY,
    started_at BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL
);

CREATE TABLE enrollments (
    id UUID PRIMARY KEY,
    person_id UUID NOT NULL REFERENCES people (id),
    sequence_id UUID NOT NULL REFERENCES sequences (id),
    version_id UUID NOT NULL REFERENCES sequence_versions (id),
    mailbox_id UUID REFERENCES mailboxes (id),
    actor_id UUID NOT NULL REFERENCES users (id),
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'blocked', 'finished')),
    step_id UUID,
    step_action TEXT CHECK (step_action IN ('automated_email', 'manual_email', 'task')),
    position BIGINT NOT NULL,
    due_at BIGINT,
    wake_at BIGINT,
    paused_until BIGINT,
    paused_by TEXT CHECK (paused_by IN ('person', 'auto_reply', 'deactivated')),
    blocked_reason TEXT,
    blocked_detail TEXT,
    resumes_at BIGINT,
    finished_reason TEXT,
    finished_at BIGINT,
    finished_by UUID,
    address_key TEXT,
    done_steps TEXT NOT NULL,
    steps_done BIGINT NOT NULL,
    emails_sent BIGINT NOT NULL,
    moved_by_hand BOOLEAN NOT NULL,
    last_step_at BIGINT,
    enrolled_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
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
);
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
    id UUID PRIMARY KEY,
    enrollment_id UUID NOT NULL REFERENCES enrollments (id),
    person_id UUID NOT NULL REFERENCES people (id),
    step_id UUID NOT NULL,
    generation BIGINT NOT NULL CHECK (generation >= 1),
    mailbox_id UUID NOT NULL REFERENCES mailboxes (id),
    state TEXT NOT NULL CHECK (state IN ('planned', 'claimed', 'leaving', 'sent', 'deferred', 'refused', 'uncertain',
        'not_sent', 'cancelled', 'skipped')),
    epoch BIGINT,
    until_at BIGINT,
    since_at BIGINT,
    leaving_at BIGINT,
    leaving_system_at BIGINT,
    sent_at BIGINT,
    attempts BIGINT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    html TEXT NOT NULL,
    text TEXT NOT NULL,
    in_reply_to TEXT,
    refs TEXT NOT NULL,
    smtp_reply TEXT,
    raw BYTEA,
    filed_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (enrollment_id, step_id, generation),
    CHECK ((state IN ('claimed', 'leaving')) = (epoch IS NOT NULL)),
    CHECK ((state = 'deferred') = (until_at IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CHECK (state NOT IN ('leaving', 'uncertain') OR leaving_at IS NOT NULL)
);
CREATE INDEX deliveries_in_flight ON deliveries (mailbox_id, state) WHERE state IN ('claimed', 'leaving', 'uncertain');
CREATE INDEX deliveries_of_person ON deliveries (person_id, created_at);
CREATE INDEX deliveries_sent ON deliveries (mailbox_id, sent_at) WHERE state = 'sent';
CREATE INDEX deliveries_to_file ON deliveries (mailbox_id, sent_at) WHERE state = 'sent' AND filed_at IS NULL;

CREATE TABLE tasks (
    id UUID PRIMARY KEY,
    person_id UUID REFERENCES people (id),
    owner_id UUID NOT NULL REFERENCES users (id),
    enrollment_id UUID REFERENCES enrollments (id),
    step_id UUID,
    delivery_id UUID,
    kind TEXT NOT NULL CHECK (kind IN ('call', 'linkedin', 'email', 'other')),
    content TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'skipped', 'cancelled')),
    closed_at BIGINT,
    created_at BIGINT NOT NULL,
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK ((enrollment_id IS NULL) = (step_id IS NULL)),
    UNIQUE (enrollment_id, step_id)
);
CREATE INDEX tasks_open ON tasks (owner_id, due_at, id) WHERE state = 'open';
CREATE INDEX tasks_of_person ON tasks (person_id, due_at);

CREATE TABLE activities (
    id UUID PRIMARY KEY,
    at BIGINT NOT NULL,
    person_id UUID NOT NULL REFERENCES people (id),
    kind TEXT NOT NULL,
    actor_id UUID,
    sequence_id UUID,
    enrollment_id UUID,
    delivery_id UUID,
    inbound_id UUID,
    task_id UUID,
    summary TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX activities_of_person ON activities (person_id, at, id);
CREATE INDEX activities_by_kind ON activities (kind, at);

-- Received messages that concern us. Of unrelated mail only the position in mailbox_folders is kept.
CREATE TABLE inbound_messages (
    id UUID PRIMARY KEY,
    mailbox_id UUID NOT NULL REFERENCES mailboxes (id),
    identity BYTEA NOT NULL,
    folder TEXT NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    message_id TEXT,
    from_address TEXT NOT NULL,
    from_name TEXT NOT NULL,
    subject TEXT NOT NULL,
    sent_at BIGINT,
    received_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    judgement TEXT NOT NULL,
    matched_by TEXT,
    person_id UUID REFERENCES people (id),
    enrollment_id UUID REFERENCES enrollments (id),
    delivery_id UUID REFERENCES deliveries (id),
    effect TEXT NOT NULL,
    tray TEXT NOT NULL CHECK (tray IN ('none', 'open', 'assigned', 'ignored')),
    visible_text TEXT NOT NULL,
    quoted_text TEXT NOT NULL,
    raw BYTEA,
    UNIQUE (mailbox_id, identity)
);
CREATE INDEX inbound_messages_of_person ON inbound_messages (person_id, received_at);
CREATE INDEX inbound_messages_tray ON inbound_messages (received_at, id) WHERE tray = 'open';
CREATE INDEX inbound_messages_by_kind ON inbound_messages (kind, received_at);

CREATE TABLE suppressions (
    id UUID PRIMARY KEY,
    entry TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL CHECK (reason IN ('manual', 'unsubscribed', 'complained', 'hard_bounce')),
    note TEXT NOT NULL,
    added_by UUID,
    created_at BIGINT NOT NULL
);
CREATE INDEX suppressions_by_age ON suppressions (created_at, id);

-- Long work: a chunk commits its rows and its cursor together.
CREATE TABLE jobs (
    id UUID PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('import_people', 'bulk_people', 'bulk_enroll')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    created_by UUID REFERENCES users (id),
    title TEXT NOT NULL,
    payload TEXT NOT NULL,
    cursor_text TEXT NOT NULL,
    total BIGINT NOT NULL,
    done_count BIGINT NOT NULL,
    refused_count BIGINT NOT NULL,
    summary TEXT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX jobs_by_age ON jobs (created_at, id);
CREATE INDEX jobs_unfinished ON jobs (created_at) WHERE state IN ('queued', 'running');

CREATE TABLE job_rows (
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    person_id UUID,
    enrollment_id UUID,
    data TEXT NOT NULL,
    PRIMARY KEY (job_id, number)
);

CREATE INDEX job_rows_by_outcome ON job_rows (job_id, outcome, number);

CREATE TABLE job_files (
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    part BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (job_id, part)
);

CREATE TABLE idempotency_keys (
    user_id UUID NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    status BIGINT,
    content_type TEXT NOT NULL,
    body BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
