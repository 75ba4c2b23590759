-- Who riders are in WeChat, what messages they have agreed to, and those that are to be sent.

CREATE TABLE wechat_identities (
    app_id TEXT NOT NULL REFERENCES apps (id),
    program TEXT NOT NULL, -- appid; empty where somebody was linked by their union id before any login
    openid TEXT NOT NULL, -- the union id there
    unionid TEXT,
    rider_id TEXT, -- nobody yet
    link_hash BLOB, -- keyed hash of the code that was shown last
    link_until INTEGER,
    linked_at INTEGER,
    last_login_at INTEGER,
    template TEXT, -- what they agreed to last
    banked INTEGER NOT NULL DEFAULT 0, -- messages of it that may still be sent
    PRIMARY KEY (app_id, program, openid)
) STRICT; -- With row ids, or SQLite would take this key for every question about an app.

CREATE INDEX wechat_identities_rider ON wechat_identities (app_id, rider_id, program) WHERE rider_id IS NOT NULL;
CREATE INDEX wechat_identities_union ON wechat_identities (app_id, unionid) WHERE unionid IS NOT NULL;
CREATE INDEX wechat_identities_link ON wechat_identities (app_id, link_hash) WHERE link_hash IS NOT NULL;
CREATE INDEX wechat_identities_unbound ON wechat_identities (last_login_at) WHERE rider_id IS NULL;

CREATE TABLE wechat_messages (
    alert_id TEXT NOT NULL,
    rider_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    program TEXT NOT NULL,
    openid TEXT NOT NULL, -- empty once it is over
    template TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    due_at INTEGER, -- while it is not over
    attempts INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER,
    result TEXT, -- sent, no_consent, not_needed, refused, unreached
    PRIMARY KEY (alert_id, rider_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX wechat_messages_due ON wechat_messages (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX wechat_messages_ended ON wechat_messages (app_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX wechat_messages_rider ON wechat_messages (app_id, rider_id, made_at);
