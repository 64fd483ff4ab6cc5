-- Teams, and which people a rep may see.
CREATE TABLE teams (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
ALTER TABLE users ADD COLUMN team_id BLOB REFERENCES teams (id);
ALTER TABLE workspace ADD COLUMN people_visibility TEXT NOT NULL DEFAULT 'all'
    CHECK (people_visibility IN ('all', 'team', 'own'));

-- The widgets of a person's page, in their order, as JSON; `[]` = the default.
ALTER TABLE workspace ADD COLUMN person_layout TEXT NOT NULL DEFAULT '[]';

-- What people are asked for beyond the fields everyone has. Values stand in people.custom_fields under `key`.
CREATE TABLE custom_fields (
    id BLOB PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'long_text', 'number', 'date', 'yes_no', 'list', 'multi_list', 'url',
        'email', 'phone')),
    choices TEXT NOT NULL,
    position INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Smart lists: a saved filter, its columns and its order.
CREATE TABLE lists (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('lead', 'contact')),
    filter TEXT NOT NULL,
    columns TEXT NOT NULL,
    sort TEXT NOT NULL,
    shared INTEGER NOT NULL,
    owner_id BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX lists_of_owner ON lists (owner_id);

-- The lists a user keeps in the bar.
CREATE TABLE list_pins (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    list_id BLOB NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (user_id, list_id)
) STRICT;

-- How a user looks at leads and at contacts.
CREATE TABLE people_views (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('lead', 'contact')),
    shape TEXT NOT NULL CHECK (shape IN ('index', 'table')),
    columns TEXT NOT NULL,
    PRIMARY KEY (user_id, kind)
) STRICT;

-- The words of one person's email, changed by hand before it leaves.
CREATE TABLE email_edits (
    enrollment_id BLOB NOT NULL REFERENCES enrollments (id),
    step_id BLOB NOT NULL,
    subject TEXT NOT NULL,
    body_html TEXT NOT NULL,
    body_text TEXT NOT NULL,
    edited_by BLOB NOT NULL REFERENCES users (id),
    edited_at INTEGER NOT NULL,
    PRIMARY KEY (enrollment_id, step_id)
) STRICT;

-- Files that wait for their columns to be chosen, whichever node is asked.
CREATE TABLE uploads (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_by_age ON uploads (created_at);
CREATE TABLE upload_parts (
    upload_id BLOB NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (upload_id, part)
) STRICT;
