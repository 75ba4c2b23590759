-- Who riders are in WeChat, what messages they have agreed to, and those that are to be sent.

CREATE TABLE wechat_identities (
    app_id TEXT COLLATE "C" NOT NULL REFERENCES apps (id),
    program TEXT COLLATE "C" NOT NULL, -- appid; empty where somebody was linked by their union id before any login
    openid TEXT COLLATE "C" NOT NULL, -- the union id there
    unionid TEXT COLLATE "C",
    rider_id TEXT COLLATE "C", -- nobody yet
    link_hash BYTEA, -- keyed hash of the code that was shown last
    link_until BIGINT,
    linked_at BIGINT,
    last_login_at BIGINT,
    template TEXT COLLATE "C", -- what they agreed to last
    banked BIGINT NOT NULL DEFAULT 0, -- messages of it that may still be sent
    PRIMARY KEY (app_id, program, openid)
);

CREATE INDEX wechat_identities_rider ON wechat_identities (app_id, rider_id, program) WHERE rider_id IS NOT NULL;
CREATE INDEX wechat_identities_union ON wechat_identities (app_id, unionid) WHERE unionid IS NOT NULL;
CREATE INDEX wechat_identities_link ON wechat_identities (app_id, link_hash) WHERE link_hash IS NOT NULL;
CREATE INDEX wechat_identities_unbound ON wechat_identities (last_login_at) WHERE rider_id IS NULL;

CREATE TABLE wechat_messages (
    alert_id TEXT COLLATE "C" NOT NULL,
    rider_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    program TEXT COLLATE "C" NOT NULL,
    openid TEXT COLLATE "C" NOT NULL, -- empty once it is over
    template TEXT COLLATE "C" NOT NULL,
    made_at BIGINT NOT NULL,
    due_at BIGINT, -- while it is not over
    attempts BIGINT NOT NULL DEFAULT 0,
    ended_at BIGINT,
    result TEXT COLLATE "C", -- sent, no_consent, not_needed, refused, unreached
    PRIMARY KEY (alert_id, rider_id)
);

CREATE INDEX wechat_messages_due ON wechat_messages (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX wechat_messages_ended ON wechat_messages (app_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX wechat_messages_rider ON wechat_messages (app_id, rider_id, made_at);
