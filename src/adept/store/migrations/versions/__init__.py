"""One file a revision, numbered without gaps; `schema.HEAD` is the newest."""
