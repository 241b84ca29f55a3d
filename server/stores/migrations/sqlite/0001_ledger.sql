-- One row per settled request. Rows are added, never changed.
CREATE TABLE ledger (
    id BLOB NOT NULL PRIMARY KEY,            -- the reservation's id, 16 bytes, ordered by time
    admitted_at_ms INTEGER NOT NULL,
    settled_at_ms INTEGER NOT NULL,
    day INTEGER NOT NULL,                    -- UTC day of admission, days since 1970-01-01
    key_id TEXT NOT NULL,
    tenant TEXT NOT NULL,                    -- '' for none
    model TEXT NOT NULL,                     -- as the caller named it
    provider TEXT NOT NULL,
    upstream_model TEXT NOT NULL,
    request_id TEXT NOT NULL,
    outcome TEXT NOT NULL,                   -- complete, broken, client_left, released, recovered
    is_estimate INTEGER NOT NULL,            -- 1: the upstream did not say how many tokens it were
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,          -- part of prompt_tokens
    completion_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,       -- part of completion_tokens
    reserved_nano_usd INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The ledger's sums, kept in the same transaction. What budgets and usage queries read.
CREATE TABLE usage_daily (
    key_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    model TEXT NOT NULL,
    tenant TEXT NOT NULL,
    requests INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    PRIMARY KEY (key_id, day, model, tenant)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_daily_by_day ON usage_daily (day);
