-- People, and what they allow applications. An account's row stays when the
-- person is deleted and then holds nothing but its id; all that says who the
-- person is lies in person.

CREATE TABLE {}account (
    id          TEXT {bytewise} PRIMARY KEY,
    roles       TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT NOT NULL,
    deleted_at  BIGINT NOT NULL
);

-- email_key is the address in lower case when it is verified, else NULL.
CREATE TABLE {}person (
    account_id TEXT {bytewise} PRIMARY KEY REFERENCES {}account (id),
    name       TEXT NOT NULL,
    name_key   TEXT {bytewise} NOT NULL UNIQUE,
    email_key  TEXT {bytewise} UNIQUE,
    profile    TEXT NOT NULL
);

CREATE TABLE {}factor (
    id           TEXT {bytewise} PRIMARY KEY,
    account_id   TEXT {bytewise} NOT NULL REFERENCES {}account (id),
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    handle       TEXT {bytewise} UNIQUE,
    data         TEXT NOT NULL,
    counter      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE INDEX factor_account ON {}factor (account_id);
CREATE UNIQUE INDEX factor_password ON {}factor (account_id) WHERE kind = 'password';

CREATE TABLE {}session (
    hash             {bytes} PRIMARY KEY,
    id               TEXT {bytewise} NOT NULL,
    account_id       TEXT {bytewise} NOT NULL REFERENCES {}account (id),
    methods          TEXT NOT NULL,
    agent            TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    seen_at          BIGINT NOT NULL,
    ends_at          BIGINT NOT NULL
);
CREATE INDEX session_account ON {}session (account_id);
CREATE UNIQUE INDEX session_id ON {}session (id);

CREATE TABLE {}device (
    hash       {bytes} PRIMARY KEY,
    id         TEXT {bytewise} NOT NULL UNIQUE,
    account_id TEXT {bytewise} NOT NULL REFERENCES {}account (id),
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL
);
CREATE INDEX device_account ON {}device (account_id);

CREATE TABLE {}link (
    hash       {bytes} PRIMARY KEY,
    purpose    TEXT NOT NULL,
    account_id TEXT {bytewise} NOT NULL REFERENCES {}account (id),
    email      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    spent_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX link_account ON {}link (account_id, purpose);
CREATE INDEX link_ends ON {}link (ends_at);

CREATE TABLE {}identity (
    issuer     TEXT {bytewise} NOT NULL,
    subject    TEXT {bytewise} NOT NULL,
    account_id TEXT {bytewise} NOT NULL REFERENCES {}account (id),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identity_account ON {}identity (account_id);

CREATE TABLE {}request (
    hash       {bytes} PRIMARY KEY,
    browser    {bytes} NOT NULL,
    client_id  TEXT {bytewise} NOT NULL,
    asked      {bytes} NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL
);
CREATE INDEX request_ends ON {}request (ends_at);

-- look_at is when a purge looks whether forget_at has come, and never lies after
-- it. forget_at moves with every refresh, and an index on it would have to follow
-- each time; a purge moves look_at.
CREATE TABLE {}grant_ (
    id               TEXT {bytewise} PRIMARY KEY,
    client_id        TEXT {bytewise} NOT NULL,
    account_id       TEXT {bytewise} NOT NULL,
    session_id       TEXT {bytewise} NOT NULL,
    offline          BIGINT NOT NULL,
    scope            TEXT NOT NULL,
    apis             TEXT NOT NULL,
    asked            {bytes} NOT NULL,
    methods          TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    code_hash        {bytes} NOT NULL UNIQUE,
    code_ends_at     BIGINT NOT NULL,
    code_spent_at    BIGINT NOT NULL,
    generation       BIGINT NOT NULL,
    rotated_at       BIGINT NOT NULL,
    refresh_ends_at  BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    ends_at          BIGINT NOT NULL,
    ended_at         BIGINT NOT NULL,
    forget_at        BIGINT NOT NULL,
    look_at          BIGINT NOT NULL,
    era              BIGINT NOT NULL
);
CREATE INDEX grant_account ON {}grant_ (account_id, client_id);
CREATE INDEX grant_session ON {}grant_ (session_id);
CREATE INDEX grant_look ON {}grant_ (look_at);

CREATE TABLE {}consent (
    account_id TEXT {bytewise} NOT NULL,
    client_id  TEXT {bytewise} NOT NULL,
    scope      TEXT NOT NULL,
    redirects  TEXT NOT NULL,
    given_at   BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    PRIMARY KEY (account_id, client_id)
);

CREATE TABLE {}api_token (
    id           TEXT {bytewise} PRIMARY KEY,
    hash         {bytes} NOT NULL UNIQUE,
    hint         TEXT NOT NULL,
    name         TEXT NOT NULL,
    elevated     BIGINT NOT NULL,
    needs_user   BIGINT NOT NULL,
    scope        TEXT NOT NULL,
    addresses    TEXT NOT NULL,
    apis         TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    approved_by  TEXT NOT NULL,
    approved_at  BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);

-- That an elevated token was used for a person, on which day since 1970.
CREATE TABLE {}api_token_use (
    api_token_id TEXT {bytewise} NOT NULL REFERENCES {}api_token (id),
    account_id   TEXT {bytewise} NOT NULL,
    day          BIGINT NOT NULL,
    PRIMARY KEY (api_token_id, account_id)
);

CREATE TABLE {}logout_notice (
    id         TEXT {bytewise} PRIMARY KEY,
    client_id  TEXT {bytewise} NOT NULL,
    account_id TEXT {bytewise} NOT NULL,
    session_id TEXT {bytewise} NOT NULL,
    queued_at  BIGINT NOT NULL,
    tries      BIGINT NOT NULL,
    due_at     BIGINT NOT NULL
);
CREATE INDEX logout_notice_due ON {}logout_notice (due_at);

ALTER TABLE {}client ADD COLUMN grants_end TEXT NOT NULL DEFAULT '';
ALTER TABLE {}client ADD COLUMN sign_in TEXT NOT NULL DEFAULT '';

-- When all grants of the client were ended last. A client may have a million of
-- them, so they are not ended one by one: a grant whose era is another than its
-- client's ended_at has ended. Unlike a comparison of times, this does not depend
-- on the clocks of several nodes.
ALTER TABLE {}client ADD COLUMN ended_at BIGINT NOT NULL DEFAULT 0;
