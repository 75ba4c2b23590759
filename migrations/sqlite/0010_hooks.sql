-- Hooks, and the requests to them that are kept: redacted, the newest of each hook and verdict.

CREATE TABLE hooks (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    preset TEXT,
    profile TEXT NOT NULL, -- JSON
    params TEXT NOT NULL, -- JSON: texts by name
    secrets TEXT NOT NULL, -- JSON: of each name the sealed ones in base64, the newest first
    mode TEXT NOT NULL, -- live, shadow
    live_percent INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

CREATE INDEX hooks_app ON hooks (app_id);

CREATE TABLE hook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    hook_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER NOT NULL,
    trace_id TEXT NOT NULL,
    riders TEXT NOT NULL, -- JSON: whom its events were for
    events TEXT NOT NULL, -- JSON: ids
    items TEXT NOT NULL, -- JSON
    request TEXT NOT NULL -- JSON
) STRICT;

CREATE INDEX hook_deliveries_hook ON hook_deliveries (hook_id, id);
CREATE INDEX hook_deliveries_verdict ON hook_deliveries (hook_id, verdict, id);
CREATE INDEX hook_deliveries_at ON hook_deliveries (at);
-- For the erasure of a rider.
CREATE INDEX hook_deliveries_riders ON hook_deliveries (app_id, id) WHERE riders <> '[]';
