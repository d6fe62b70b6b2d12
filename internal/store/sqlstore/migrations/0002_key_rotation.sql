-- A signing key's life: published at created_at, signing from activated_at to
-- retired_at, gone at removed_at. Keys of before sign since they were created.
-- SQLite cannot drop a table's UNIQUE, so the table is made anew.

CREATE TABLE {}signing_key_next (
    id           TEXT {bytewise} PRIMARY KEY,
    purpose      TEXT NOT NULL,
    algorithm    TEXT NOT NULL,
    public       {bytes} NOT NULL,
    sealed       {bytes} NOT NULL,
    created_at   BIGINT NOT NULL,
    activated_at BIGINT NOT NULL,
    retired_at   BIGINT NOT NULL,
    removed_at   BIGINT NOT NULL
);
INSERT INTO {}signing_key_next
    (id, purpose, algorithm, public, sealed, created_at, activated_at, retired_at, removed_at)
    SELECT id, purpose, algorithm, public, sealed, created_at, created_at, 0, 0 FROM {}signing_key;
DROP TABLE {}signing_key;
ALTER TABLE {}signing_key_next RENAME TO signing_key;

CREATE UNIQUE INDEX signing_key_active ON {}signing_key (purpose, algorithm)
    WHERE activated_at <> 0 AND retired_at = 0 AND removed_at = 0;
CREATE UNIQUE INDEX signing_key_standby ON {}signing_key (purpose, algorithm)
    WHERE activated_at = 0 AND removed_at = 0;
