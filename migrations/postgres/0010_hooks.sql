-- Hooks, and the requests to them that are kept: redacted, the newest of each hook and verdict.

CREATE TABLE hooks (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    app_id TEXT COLLATE "C" NOT NULL REFERENCES apps (id),
    preset TEXT COLLATE "C",
    profile TEXT COLLATE "C" NOT NULL, -- JSON
    params TEXT COLLATE "C" NOT NULL, -- JSON: texts by name
    secrets TEXT COLLATE "C" NOT NULL, -- JSON: of each name the sealed ones in base64, the newest first
    mode TEXT COLLATE "C" NOT NULL, -- live, shadow
    live_percent BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE INDEX hooks_app ON hooks (app_id);

CREATE TABLE hook_deliveries (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hook_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    verdict TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    status BIGINT NOT NULL,
    trace_id TEXT COLLATE "C" NOT NULL,
    riders TEXT COLLATE "C" NOT NULL, -- JSON: whom its events were for
    events TEXT COLLATE "C" NOT NULL, -- JSON: ids
    items TEXT COLLATE "C" NOT NULL, -- JSON
    request TEXT COLLATE "C" NOT NULL -- JSON
);

CREATE INDEX hook_deliveries_hook ON hook_deliveries (hook_id, id);
CREATE INDEX hook_deliveries_verdict ON hook_deliveries (hook_id, verdict, id);
CREATE INDEX hook_deliveries_at ON hook_deliveries (at);
-- For the erasure of a rider.
CREATE INDEX hook_deliveries_riders ON hook_deliveries (app_id, id) WHERE riders <> '[]';
