"""One file per verb, imported only when that verb is asked for: start-up time is a promise."""
