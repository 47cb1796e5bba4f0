"""Intent, history and the catalogue of locks, artifacts and releases, in a database. No decision is taken here."""
