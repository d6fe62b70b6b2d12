-- What a store remembers. Times are microseconds since 1970 in UTC, 0 means
-- never. Lists are JSON texts. {} stands for the schema; {bytes} and {bytewise}
-- for the two words that SQLite and PostgreSQL spell differently.

CREATE TABLE {}about (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    environment TEXT NOT NULL,
    mark        TEXT NOT NULL
);

-- The number of the newest change. Every change updates this row in its own
-- transaction, and the lock on it keeps the numbers gapless and in the order of
-- commit.
CREATE TABLE {}head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL
);
INSERT INTO {}head (one, seq) VALUES (1, 0);

CREATE TABLE {}change (
    seq    BIGINT PRIMARY KEY,
    at     BIGINT NOT NULL,
    kind   TEXT NOT NULL,
    id     TEXT NOT NULL,
    client TEXT NOT NULL,
    actor  TEXT NOT NULL,
    trace  TEXT NOT NULL,
    detail TEXT NOT NULL
);

-- A deleted client stays as a row that holds nothing but its id, so that the id
-- is never used again.
CREATE TABLE {}client (
    id           TEXT {bytewise} PRIMARY KEY,
    name         TEXT NOT NULL,
    type         TEXT NOT NULL,
    grants       TEXT NOT NULL,
    auth_methods TEXT NOT NULL,
    allotted     TEXT NOT NULL,
    declared     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    disabled_at  BIGINT NOT NULL,
    deleted_at   BIGINT NOT NULL
);

-- A revoked secret stays in the same way.
CREATE TABLE {}secret (
    id           TEXT {bytewise} PRIMARY KEY,
    client_id    TEXT {bytewise} NOT NULL REFERENCES {}client (id),
    verifier     TEXT NOT NULL,
    hint         TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL
);
CREATE INDEX secret_client ON {}secret (client_id);

CREATE TABLE {}signing_key (
    id          TEXT {bytewise} PRIMARY KEY,
    purpose     TEXT NOT NULL,
    algorithm   TEXT NOT NULL,
    public      {bytes} NOT NULL,
    sealed      {bytes} NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (purpose, algorithm)
);

CREATE TABLE {}token (
    hash       {bytes} PRIMARY KEY,
    id         TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    audience   TEXT NOT NULL,
    scope      TEXT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_expires ON {}token (expires_at);

CREATE TABLE {}revocation (
    seq           BIGINT NOT NULL REFERENCES {}change (seq),
    kind          TEXT NOT NULL,
    id            TEXT NOT NULL,
    issued_before BIGINT NOT NULL,
    forget_at     BIGINT NOT NULL,
    PRIMARY KEY (seq, kind, id)
);
CREATE INDEX revocation_forget ON {}revocation (forget_at);
