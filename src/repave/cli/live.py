"""How a deployment is watched: a table that follows it on a terminal, the story's lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from repave.cli.phrases import lasting
from repave.cli.screen import Screen
from repave.model.event import Event
from repave.model.names import FleetKey
from repave.model.observation import Observation
from repave.model.plan import Plan
from repave.operations.converge import Watcher, unwatched
from repave.ports.clock import Clock
from repave.ports.store import Store

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from repave.operations.status import InstanceStatus

REFRESHES_PER_SECOND = 4
"""Enough to look alive; more costs the machine that runs the fleet too."""

STORY_LINES = 6
PAGE = 1000
"""Events read at once."""

STYLES = {
    "serving": "green",
    "ready": "blue",
    "failing": "red",
    "stopped": "red",
    "draining": "yellow",
    "drained": "yellow",
    "checking": "cyan",
    "starting": "cyan",
}


@contextmanager
def watching(screen: Screen, store: Store, clock: Clock) -> Iterator[Watcher]:
    """A watcher that shows what happens, as fits where we are."""
    if screen.as_json:
        yield unwatched
    elif screen.live:
        from rich.console import Console  # noqa: PLC0415 - 60 ms that only a terminal needs
        from rich.live import Live  # noqa: PLC0415 - the same

        view = LiveView(store, clock)
        with Live(
            console=Console(stderr=True),
            get_renderable=view.render,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
        ):
            yield view.saw
        view.story.flush(screen)
    else:
        story = Story(store)
        yield lambda plan, _: story.tell(plan.fleet, screen)


class Story:
    """Events as they come, each once; those from before we began to watch are left out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._began = store.newest_event()
        self._last: dict[FleetKey, int] = {}
        self.recent: list[str] = []

    def news(self, fleet: FleetKey) -> list[str]:
        """What was recorded of the fleet since the last call."""
        told: list[str] = []
        while True:
            events = self._store.events(fleet, after=self._last.get(fleet, self._began), limit=PAGE)
            told += [line(event) for event in events]
            if events:
                self._last[fleet] = events[-1].sequence
            if len(events) < PAGE:
                return told

    def tell(self, fleet: FleetKey, screen: Screen) -> None:
        """As plain lines."""
        for told in self.news(fleet):
            screen.say(told)

    def flush(self, screen: Screen) -> None:
        """Leave what was told last on the screen when the live view goes."""
        for told in self.recent:
            screen.say(told)


def line(event: Event) -> str:
    """``12:03:07 test/web: launch web-7 in a: 6 are wanted``."""
    whose = f"{event.fleet.environment}/{event.fleet.fleet}: " if event.fleet else ""
    return f"{event.at.astimezone():%H:%M:%S} {whose}{event.message}"


class LiveView:
    """The latest of every fleet that is followed."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._clock = clock
        self._latest: dict[FleetKey, tuple[Plan, Observation]] = {}
        self.story = Story(store)

    def saw(self, plan: Plan, observation: Observation) -> None:
        """Take note; the view refreshes by itself."""
        self._latest[plan.fleet] = (plan, observation)
        self.story.recent = [*self.story.recent, *self.story.news(plan.fleet)][-STORY_LINES:]

    def render(self) -> "Group":
        """All of it, as rich draws it."""
        from rich.console import Group  # noqa: PLC0415 - only drawn where rich is loaded already
        from rich.text import Text  # noqa: PLC0415 - the same

        from repave.operations.status import instance_statuses  # noqa: PLC0415 - the same

        parts: list[Text | Table] = []
        now = self._clock.now()
        for fleet, (plan, observation) in self._latest.items():
            parts.append(Text(f"{fleet.environment}/{fleet.fleet}: {plan.summary or plan.phase}", style="bold"))
            parts.append(table_of(instance_statuses(observation), now))
            parts += [Text(f"  waits: {hold.subject}, {hold.detail}", style="dim") for hold in plan.holds[:4]]
        parts += [Text(told, style="dim") for told in self.story.recent]
        return Group(*parts)


def table_of(instances: "tuple[InstanceStatus, ...]", now: datetime) -> "Table":
    """A line for each instance; where the terminal is narrow, only what was said of it is cut."""
    from rich.table import Table  # noqa: PLC0415 - only drawn where rich is loaded already
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("SLOT", "RELEASE", "ZONE", "STATE", "SINCE"):
        table.add_column(heading, no_wrap=True)
    table.add_column("DETAIL")  # the one that gives way
    for instance in instances:
        state = Text(instance.state, style=STYLES.get(instance.state, ""))
        since = lasting((now - instance.since).total_seconds())
        detail = Text(instance.detail, no_wrap=True, overflow="ellipsis")
        table.add_row(instance.slot, instance.release, instance.zone, state, since, detail)
    return table
