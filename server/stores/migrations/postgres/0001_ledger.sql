-- One row per settled request. Rows are added, never changed.
CREATE TABLE ledger (
    id BYTEA NOT NULL PRIMARY KEY,           -- the reservation's id, 16 bytes, ordered by time
    admitted_at_ms BIGINT NOT NULL,
    settled_at_ms BIGINT NOT NULL,
    day INTEGER NOT NULL,                    -- UTC day of admission, days since 1970-01-01
    key_id TEXT NOT NULL,
    tenant TEXT NOT NULL,                    -- '' for none
    model TEXT NOT NULL,                     -- as the caller named it
    provider TEXT NOT NULL,
    upstream_model TEXT NOT NULL,
    request_id TEXT NOT NULL,
    outcome TEXT NOT NULL,                   -- complete, broken, client_left, released, recovered
    is_estimate BOOLEAN NOT NULL,            -- the upstream did not say how many tokens it were
    prompt_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,           -- part of prompt_tokens
    completion_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,        -- part of completion_tokens
    reserved_nano_usd BIGINT NOT NULL,
    cost_nano_usd BIGINT NOT NULL
);

-- The ledger's sums, kept in the same transaction. What usage queries read.
CREATE TABLE usage_daily (
    key_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    model TEXT NOT NULL,
    tenant TEXT NOT NULL,
    requests BIGINT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_nano_usd BIGINT NOT NULL,
    PRIMARY KEY (key_id, day, model, tenant)
);

CREATE INDEX usage_daily_by_day ON usage_daily (day);

-- Requests under way. A row goes when its ledger row comes, in the same transaction.
CREATE TABLE reservations (
    id BYTEA NOT NULL PRIMARY KEY,
    process_id BIGINT NOT NULL,              -- who runs it
    body BYTEA NOT NULL,                     -- the reservation as the gateway encodes it
    noted BYTEA                              -- how far its stream has come
);

CREATE INDEX reservations_by_process ON reservations (process_id);

-- Gateways that share this database. One that has not said for a while that it lives is dead.
CREATE TABLE processes (
    id BIGINT NOT NULL PRIMARY KEY,
    alive_until TIMESTAMPTZ NOT NULL
);

-- What is spent and reserved by whom, for budgets: `key:<id>`, `tenant:<name>` and `global`.
CREATE TABLE accounts (
    scope TEXT NOT NULL PRIMARY KEY,
    day INTEGER NOT NULL,
    month INTEGER NOT NULL,
    day_settled_nano_usd BIGINT NOT NULL,
    day_reserved_nano_usd BIGINT NOT NULL,
    month_settled_nano_usd BIGINT NOT NULL,
    month_reserved_nano_usd BIGINT NOT NULL
);
