"""What the command line ends with; `docs/reference/commands.md` says it to users."""

OK = 0
FAILED = 1
"""It did not work, another's word overtook it, or a check found something."""

USAGE = 2
"""Wrong arguments, or a file that cannot be meant."""

UNKNOWN = 3
"""A source could not be read: neither clean nor vulnerable can be said."""

ROLLED_BACK = 4
"""A deployment was stopped, and rolled back where there was something to go back to."""

REFUSED = 5
"""What was asked cannot be done as things stand; nothing was changed."""

HELD = 6
"""Something vulnerable stays, because a range holds its repair back."""

WAITING = 7
"""A release was made, and waits before an environment whose gates hold it."""

INTERRUPTED = 130
"""Ended by Ctrl-C or SIGTERM: 128 and SIGINT's number, as shells count."""

MEANINGS = {
    OK: "it worked; for checks: nothing was found that counts",
    FAILED: "it did not work, or somebody asked for something else meanwhile; for `scan`, `lock --check`, `verify`, "
    "`doctor` and `simulate`: something was found that counts; for `report`: a rule was broken",
    USAGE: "wrong arguments, or a file that cannot be meant",
    UNKNOWN: "a source of advisories could not be read, or none covers what is locked, so neither clean nor vulnerable "
    "can be said; for `report`: a rule cannot be shown to be held",
    ROLLED_BACK: "a deployment was stopped, and rolled back where there was something to go back to",
    REFUSED: "what was asked cannot be done as things stand; nothing was changed",
    HELD: "`patch` or `watch --once` took what it could, and something vulnerable stays, because a range holds its "
    "repair back; its words name the file and line",
    WAITING: "a release of `patch` or `watch --once` waits before an environment, or `watch --once` waits for people: "
    "its words name the gate, the paused environment, the merge request or what is to be locked or baked, and what can "
    "be done",
    INTERRUPTED: "ended by Ctrl-C or SIGTERM",
}
