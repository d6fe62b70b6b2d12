-- How far those have come who pass on what happened here, and who does so now.
CREATE TABLE {}mark (
    name     TEXT {bytewise} PRIMARY KEY,
    seq      BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    holder   TEXT NOT NULL,
    held     BIGINT NOT NULL
);
