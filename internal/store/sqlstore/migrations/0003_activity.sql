-- What happened, added up by the hour. hour counts hours since 1970 in UTC.

CREATE TABLE {}tally (
    hour     BIGINT NOT NULL,
    client   TEXT {bytewise} NOT NULL,
    secret   TEXT {bytewise} NOT NULL,
    api      TEXT {bytewise} NOT NULL,
    event    TEXT {bytewise} NOT NULL,
    refusal  TEXT {bytewise} NOT NULL,
    happened BIGINT NOT NULL,
    PRIMARY KEY (hour, client, secret, api, event, refusal)
);
CREATE INDEX tally_client ON {}tally (client, hour);

-- The refused requests, one by one. Of each client the newest are kept.
CREATE TABLE {}refused (
    trace   TEXT {bytewise} NOT NULL,
    at      BIGINT NOT NULL,
    client  TEXT {bytewise} NOT NULL,
    secret  TEXT NOT NULL,
    api     TEXT NOT NULL,
    route   TEXT NOT NULL,
    refusal TEXT NOT NULL,
    PRIMARY KEY (trace, at)
);
CREATE INDEX refused_client ON {}refused (client, at);
CREATE INDEX refused_at ON {}refused (at);
