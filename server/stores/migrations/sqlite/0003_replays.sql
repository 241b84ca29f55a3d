-- Answers under their Idempotency-Key. A row holds neither the key nor the request.
CREATE TABLE replays (
    id BLOB NOT NULL PRIMARY KEY,            -- SHA-256 of caller and key
    body_hash BLOB NOT NULL,                 -- SHA-256 of the request's body
    owner INTEGER,                           -- not used in a file, which has one gateway
    free_at_ms INTEGER NOT NULL,             -- from then on the key is free: 24 hours after the answer
    bytes INTEGER NOT NULL,
    head BLOB,
    answer BLOB
) STRICT;

CREATE INDEX replays_by_age ON replays (free_at_ms, bytes);
