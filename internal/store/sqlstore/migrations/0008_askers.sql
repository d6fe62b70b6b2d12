-- Who disabled a client: the partner, by id, whose member did; empty: the publisher.
ALTER TABLE {}client ADD COLUMN disabled_by TEXT NOT NULL DEFAULT '';

-- The network from which a stranger asks, as long as the request is open.
ALTER TABLE {}access ADD COLUMN network TEXT NOT NULL DEFAULT '';
CREATE INDEX access_waiting ON {}access (asked_at) WHERE stranger = 1 AND decision = '';

-- What strangers ask for and have not confirmed. hash is that of what their mail
-- holds; address is theirs in small letters; request is the rest, in JSON.
CREATE TABLE {}unconfirmed (
    hash     {bytes} PRIMARY KEY,
    id       TEXT {bytewise} NOT NULL UNIQUE,
    address  TEXT {bytewise} NOT NULL,
    request  TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    ends_at  BIGINT NOT NULL
);
CREATE INDEX unconfirmed_address ON {}unconfirmed (address);
CREATE INDEX unconfirmed_asked ON {}unconfirmed (asked_at, id);
CREATE INDEX unconfirmed_ends ON {}unconfirmed (ends_at);
