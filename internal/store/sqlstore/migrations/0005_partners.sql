-- Partners, what they ask for, and what they are told; the seals over the
-- changes. Partners and requests are home's. A deleted partner's row stays and
-- holds nothing but its id.

CREATE TABLE {}partner (
    id          TEXT {bytewise} PRIMARY KEY,
    name        TEXT NOT NULL,
    email       TEXT NOT NULL,
    homepage    TEXT NOT NULL,
    verified    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT NOT NULL,
    deleted_at  BIGINT NOT NULL
);

CREATE TABLE {}member (
    partner_id TEXT {bytewise} NOT NULL REFERENCES {}partner (id),
    account_id TEXT {bytewise} NOT NULL,
    role       TEXT NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (partner_id, account_id)
);
CREATE INDEX member_account ON {}member (account_id);

-- person and email are a stranger's, and go with the account that they became.
CREATE TABLE {}access (
    id          TEXT {bytewise} PRIMARY KEY,
    partner_id  TEXT {bytewise} NOT NULL,
    account_id  TEXT {bytewise} NOT NULL,
    stranger    BIGINT NOT NULL,
    organised   TEXT NOT NULL,
    person      TEXT NOT NULL,
    email       TEXT NOT NULL,
    environment TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    application TEXT NOT NULL,
    type        TEXT NOT NULL,
    redirects   TEXT NOT NULL,
    wanted      TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    asked_at    BIGINT NOT NULL,
    decision    TEXT NOT NULL,
    allowed     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    decided_by  TEXT NOT NULL,
    decided_at  BIGINT NOT NULL,
    done_at     BIGINT NOT NULL
);
CREATE INDEX access_asked ON {}access (asked_at, id);
CREATE INDEX access_partner ON {}access (partner_id);
CREATE INDEX access_account ON {}access (account_id);

-- A notice that was sent stays until it is purged, so that it is not queued again.
CREATE TABLE {}notice (
    id        TEXT {bytewise} PRIMARY KEY,
    kind      TEXT NOT NULL,
    addressee TEXT NOT NULL,
    detail    TEXT NOT NULL,
    queued_at BIGINT NOT NULL,
    due_at    BIGINT NOT NULL,
    tries     BIGINT NOT NULL,
    sent_at   BIGINT NOT NULL
);
CREATE INDEX notice_due ON {}notice (due_at) WHERE sent_at = 0;
CREATE INDEX notice_sent ON {}notice (sent_at);

CREATE TABLE {}seal (
    from_seq    BIGINT PRIMARY KEY,
    through_seq BIGINT NOT NULL UNIQUE,
    hash        {bytes} NOT NULL,
    checkpoint  TEXT NOT NULL,
    at          BIGINT NOT NULL
);

CREATE TABLE {}replay (
    key     {bytes} PRIMARY KEY,
    request {bytes} NOT NULL,
    status  BIGINT NOT NULL,
    answer  {bytes} NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX replay_at ON {}replay (at);

-- day counts days since 1970 in UTC.
CREATE TABLE {}scope_use (
    client_id TEXT {bytewise} NOT NULL,
    api       TEXT {bytewise} NOT NULL,
    scope     TEXT {bytewise} NOT NULL,
    day       BIGINT NOT NULL,
    PRIMARY KEY (client_id, api, scope)
);

ALTER TABLE {}client ADD COLUMN partner TEXT NOT NULL DEFAULT '';
CREATE INDEX client_partner ON {}client (partner, id);
CREATE INDEX secret_expires ON {}secret (expires_at, id) WHERE revoked_at = 0;
CREATE INDEX change_client ON {}change (client, seq);
CREATE INDEX change_id ON {}change (id, seq);
