-- Times are whole milliseconds UTC; our ids are text with a prefix; words are those of the domain's `as_str`.
-- Migrations are append-only: what has been released is never edited.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE apps (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    lang TEXT NOT NULL,
    utc_offset_s INTEGER NOT NULL,
    rider_secrets TEXT NOT NULL, -- JSON: list of sealed secrets, newest first
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL, -- JSON: list of words
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX api_keys_live_name ON api_keys (app_id, name) WHERE revoked_at IS NULL;

CREATE TABLE riders (
    app_id TEXT NOT NULL REFERENCES apps (id),
    id TEXT NOT NULL,
    known INTEGER NOT NULL,
    on_duty INTEGER NOT NULL,
    lang TEXT,
    devices TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER,
    PRIMARY KEY (app_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
    app_id TEXT NOT NULL REFERENCES apps (id),
    id TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
) STRICT, WITHOUT ROWID;

-- A member need not be a rider we have seen: backends describe their stations before their riders.
CREATE TABLE group_members (
    app_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    rider_id TEXT NOT NULL,
    PRIMARY KEY (app_id, group_id, rider_id),
    FOREIGN KEY (app_id, group_id) REFERENCES groups (app_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX group_members_rider ON group_members (app_id, rider_id);

CREATE TABLE templates (
    app_id TEXT NOT NULL REFERENCES apps (id),
    kind TEXT NOT NULL,
    lang TEXT NOT NULL,
    phrases TEXT NOT NULL, -- JSON: list, from specific to slotless
    PRIMARY KEY (app_id, kind, lang)
) STRICT, WITHOUT ROWID;

CREATE TABLE device_checks (
    ordinal INTEGER PRIMARY KEY,
    app_id TEXT NOT NULL,
    rider_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    result TEXT NOT NULL
) STRICT;

CREATE INDEX device_checks_rider ON device_checks (app_id, rider_id);

-- The memory of what was accepted: one row is one event, whatever is sent again.
CREATE TABLE events (
    app_id TEXT NOT NULL,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    kind TEXT NOT NULL,
    order_id TEXT,
    trace_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    alert_id TEXT,
    PRIMARY KEY (app_id, source, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_received_at ON events (received_at);

CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    event_id TEXT NOT NULL,
    order_id TEXT,
    version INTEGER,
    kind TEXT NOT NULL,
    urgency INTEGER NOT NULL,
    interrupt INTEGER NOT NULL,
    repeat_count INTEGER NOT NULL,
    repeat_gap_ms INTEGER NOT NULL,
    need TEXT NOT NULL,
    duty TEXT NOT NULL,
    lang TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    said TEXT NOT NULL,
    card TEXT NOT NULL,
    ext TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    rendered_at INTEGER,
    sound TEXT, -- JSON
    state TEXT NOT NULL,
    ended_at INTEGER,
    open_count INTEGER NOT NULL CHECK (open_count >= 0) -- deliveries that have not ended
) STRICT;

CREATE INDEX alerts_unrendered ON alerts (created_at, id) WHERE state = 'active' AND rendered_at IS NULL;
CREATE INDEX alerts_order ON alerts (app_id, order_id) WHERE state = 'active' AND order_id IS NOT NULL;
CREATE INDEX alerts_rendered ON alerts (rendered_at) WHERE state = 'active' AND rendered_at IS NOT NULL;

-- `ordinal` is the order of insertion. No reference to riders: ended deliveries outlive an erased rider.
CREATE TABLE deliveries (
    ordinal INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    alert_id TEXT NOT NULL REFERENCES alerts (id),
    app_id TEXT NOT NULL,
    rider_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    need TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    first_status TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    ring INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    plays INTEGER NOT NULL,
    answer TEXT,
    trouble TEXT,
    sent_at INTEGER,
    received_at INTEGER,
    playing_at INTEGER,
    played_at INTEGER,
    answered_at INTEGER,
    ended_at INTEGER,
    UNIQUE (alert_id, rider_id),
    UNIQUE (app_id, rider_id, seq),
    CHECK ((reason IS NULL) = (ended_at IS NULL))
) STRICT;

CREATE INDEX deliveries_open_rider ON deliveries (app_id, rider_id) WHERE ended_at IS NULL;
CREATE INDEX deliveries_open_expires ON deliveries (expires_at) WHERE ended_at IS NULL;
