-- The APIs at which a consent was given, as JSON. What was given before is not known
-- to be for any, and is asked for once more.
ALTER TABLE {}consent ADD COLUMN apis TEXT NOT NULL DEFAULT '[]';
