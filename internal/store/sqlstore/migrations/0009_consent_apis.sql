-- What a person allowed, as JSON: the scopes by the name of the API. At which API
-- something was allowed before is not known, so it is asked for once more. The
-- column scope goes on being written: servers of the release before read it.
ALTER TABLE {}consent ADD COLUMN allowed TEXT NOT NULL DEFAULT '{}';
