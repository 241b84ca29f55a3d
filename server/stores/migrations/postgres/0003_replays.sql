-- Answers under their Idempotency-Key, and who works on one. A row holds neither the key nor the request.
CREATE TABLE replays (
    id BYTEA NOT NULL PRIMARY KEY,           -- SHA-256 of caller and key
    body_hash BYTEA NOT NULL,                -- SHA-256 of the request's body
    owner BIGINT,                            -- the gateway that runs it, or ran it
    free_at_ms BIGINT NOT NULL,              -- from then on the key is free: while it runs, unless its gateway says that it lives
    bytes BIGINT NOT NULL,
    head BYTEA,
    answer BYTEA                             -- NULL while it runs
);

CREATE INDEX replays_by_age ON replays (free_at_ms, bytes);
CREATE INDEX replays_running ON replays (owner) WHERE answer IS NULL;
