-- Secrets of keys and apps in one place: since when, until when, two live of each kind. `owner` is a key or an app;
-- `kept` is the SHA-256 of a bearer secret, any other secret sealed. The newest of an owner has the highest ordinal.
CREATE TABLE secrets (
    ordinal INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL, -- bearer, signing, rider, callback
    kept BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    until INTEGER -- NULL for the newest of its kind
) STRICT;

CREATE INDEX secrets_owner ON secrets (owner, ordinal);
CREATE UNIQUE INDEX secrets_bearer ON secrets (kept) WHERE kind = 'bearer';

INSERT INTO secrets (owner, kind, kept, created_at)
    SELECT id, 'bearer', hash, created_at FROM api_keys ORDER BY created_at, id;

-- They were lists of lists of bytes, the newest first.
INSERT INTO secrets (owner, kind, kept, created_at)
    SELECT apps.id, 'rider',
        (SELECT unhex(group_concat(printf('%02x', byte.value), '' ORDER BY byte.key))
            FROM json_each(secret.value) AS byte),
        apps.created_at
    FROM apps, json_each(apps.rider_secrets) AS secret
    ORDER BY apps.id, secret.key DESC;

ALTER TABLE apps DROP COLUMN rider_secrets;
ALTER TABLE apps ADD COLUMN limits TEXT NOT NULL DEFAULT '{}'; -- JSON

-- The hash was UNIQUE in its table, and such a column cannot be dropped.
CREATE TABLE keys_without_hash (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL, -- JSON: list of words
    mode TEXT NOT NULL DEFAULT 'live',
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO keys_without_hash (id, app_id, name, scopes, mode, created_at, revoked_at)
    SELECT id, app_id, name, scopes, mode, created_at, revoked_at FROM api_keys;
DROP TABLE api_keys;
ALTER TABLE keys_without_hash RENAME TO api_keys;
CREATE UNIQUE INDEX api_keys_live_name ON api_keys (app_id, name) WHERE revoked_at IS NULL;

-- Characters that engines have spoken for an app on the last day they did; days are counted in its own time zone.
CREATE TABLE speech_usage (
    app_id TEXT NOT NULL PRIMARY KEY REFERENCES apps (id),
    day INTEGER NOT NULL, -- since 1970-01-01
    characters INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
