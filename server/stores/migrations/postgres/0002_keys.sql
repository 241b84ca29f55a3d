-- API keys: what they may do, and a hash; never the key.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,              -- SHA-256 of the key
    prefix TEXT NOT NULL,                    -- its first characters, for people
    name TEXT NOT NULL,
    tenant TEXT,
    scopes TEXT NOT NULL,                    -- names, with commas
    models TEXT,                             -- JSON array of ids; NULL for all
    rpm BIGINT,
    tpm BIGINT,
    concurrent BIGINT,
    day_nano_usd BIGINT,
    month_nano_usd BIGINT,
    created_at_s BIGINT NOT NULL,            -- seconds since 1970, as the others
    expires_at_s BIGINT,
    last_used_at_s BIGINT
);

CREATE INDEX api_keys_by_age ON api_keys (created_at_s, id);

-- Raised by every change but `last_used_at_s`: gateways that see it move read the keys again.
CREATE TABLE api_keys_version (
    version BIGINT NOT NULL
);

INSERT INTO api_keys_version (version) VALUES (0);
