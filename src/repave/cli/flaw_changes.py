"""How the flaws that a change closes and opens are shown."""

from repave.cli.phrases import counted, listed
from repave.cli.screen import Screen
from repave.operations.flaw_change import FlawChange

MOST_FLAWS = 10
"""In one line for people."""


def show(change: FlawChange, screen: Screen) -> None:
    """What is known, and what is not: unknown is never told as none."""
    part = "at least " if change.unknown or change.unjudged else ""
    screen.show(_told("closes", change.closed, part))
    screen.show(_told("opens", change.opened, part))
    for source in change.unknown:
        screen.warn(f"{source.name} cannot be relied on: {source.problem}")
    for words in change.unjudged:
        screen.warn(words)


def _told(verb: str, flaws: tuple[str, ...] | None, part: str) -> str:
    if flaws is None:
        return f"which flaws it {verb} is unknown"
    if not flaws:
        return f"{verb} no flaw{' as far as could be judged' if part else ' that is known'}"
    noun = "CVE" if all(flaw.startswith("CVE-") for flaw in flaws) else "flaw"
    return f"{verb} {part}{counted(len(flaws), noun)}: {listed(flaws, most=MOST_FLAWS)}"
