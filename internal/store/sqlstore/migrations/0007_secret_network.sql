-- The network from which a secret was last used, such as 203.0.113.0/24; empty:
-- never or unknown.
ALTER TABLE {}secret ADD COLUMN last_used_from TEXT NOT NULL DEFAULT '';
