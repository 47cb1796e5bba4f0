"""What holds a release before an environment, for people."""

from datetime import datetime

from repave.cli.phrases import lasting
from repave.cli.screen import Screen
from repave.cli.visible import visible
from repave.model.pipeline import RULES, Held


def show(held: Held, now: datetime, screen: Screen) -> None:
    """The release, the one rule that holds it, since when and until when, and what can be done."""
    until = f"until {held.until:%Y-%m-%d %H:%M} UTC" if held.until else "until somebody acts"
    screen.show(visible(f"{held.environment}: r{held.release} waits: {held.detail}"))
    screen.show(
        f"  rule {held.rule} ({RULES[held.rule]}), since {lasting((now - held.since).total_seconds())}, {until}"
    )
    if held.remedy:
        screen.show(f"  what can be done: {held.remedy}")
