"""Scenes on simulated stages, written down so that a person can read them, and compared with the story found right.

REPAVE_TELL=1 writes the stories anew: read what changed before you keep it.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from repave.controller.converge import Controller
from repave.controller.tick import Tick
from repave.model.event import Event
from repave.model.plan import Hold, Phase, Rule
from repave.planner.explain import explain
from repave.simulation.stage import Stage
from repave.simulation.world import Behaviour

STORIES = Path(__file__).parent.parent / "simulation" / "stories"
OBVIOUS = {Rule.STARTING, Rule.DRAINING, Rule.SURGE}
"""What waits by these tells itself."""

EVERYTHING = 100_000
"""Events: no story has so many."""


class Story:
    """One scene, written down as it happens: on one stage, or on several that share a world and a store."""

    def __init__(self, put: Callable[..., Controller], title: str, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self._world = self.stage.world
        self._lines: list[tuple[datetime, str, str]] = []
        self._title = title
        self._begun = self._world.clock.now()
        self._sequence = 0
        self._told: dict[str, set[tuple[str, Rule]]] = {}
        self._summaries: dict[str, str] = {}
        self._controller = put(self.stage, "narrator", self._tick, others=self.stages[1:])
        self.asked = self.failed = 0
        self.fewest = self.most = 0
        self.phases: list[Phase] = []

    @property
    def stage(self) -> Stage:
        """The one that most is told of."""
        return self.stages[0]

    def before(self) -> None:
        """What led here is not told."""
        self.settle()
        self.run(60)
        self._lines.clear()
        self.phases.clear()
        self.asked = self.failed = 0
        self.fewest = self.most = self._living()
        self._begun = self._world.clock.now()
        self._sequence = self.stage.store.newest_event()

    def tell(self, deed: str) -> None:
        """What someone did."""
        self._lines.append((self._world.clock.now(), "*", deed))

    def deploy(self, release: int, size: int = 6, behaviour: Behaviour | None = None) -> None:
        """A person wants this, of every fleet."""
        self.tell(f"r{release} is deployed, {size} of it")
        for stage in self.stages:
            stage.want(release, size, behaviour)

    def run(self, seconds: float) -> None:
        """Let it act for so long."""
        clock = self._world.clock
        begun = clock.now()
        fleets = [stage.fleet for stage in self.stages]
        self._controller.keep(fleets, until=lambda: (clock.now() - begun).total_seconds() >= seconds)

    def settle(self, patience_seconds: float = 600.0) -> Phase | None:
        """Let it act until it says that nothing is left to do; of several fleets, of the first."""
        fleets = [stage.fleet for stage in self.stages]
        results = self._controller.converge(fleets, timeout_seconds=patience_seconds)
        return None if any(result.timed_out for result in results) else results[0].phase

    def text(self) -> str:
        """The whole of it."""
        events = self.stage.store.events(after=self._sequence, limit=EVERYTHING)
        happened = [(event.at, event.kind, self._words(event)) for event in events if event.kind != "converged"]
        # What was decided comes before what came of it, at the same moment.
        lines = sorted([*self._lines, *happened], key=lambda line: (line[0], line[1] not in {"*", "plan", "wait"}))
        told = [f"{(at - self._begun).total_seconds():8.1f}  {kind:<9}  {message}" for at, kind, message in lines]
        served = [f"r{release}" for stage in self.stages for release in stage.releases()]
        end = [
            f"At the end {', '.join(served) or 'nobody'} answer.",
            f"Between {self.fewest} and {self.most} instances answered at once or were alive.",
            f"{self.asked} requests were sent, {self.failed} of them failed.",
        ]
        return "\n".join([self._title, "", *told, "", *end, ""])

    def compare(self, name: str) -> str:
        """Hold the story against the one that was found right."""
        text = self.text()
        kept = STORIES / f"{name}.txt"
        if os.environ.get("REPAVE_TELL"):
            STORIES.mkdir(exist_ok=True)
            kept.write_text(text, encoding="utf-8")
        assert text == kept.read_text(encoding="utf-8"), (
            f"the story {name} is told differently; REPAVE_TELL=1 tells it anew"
        )
        return text

    def _living(self) -> int:
        return sum(len(self._world.living(stage.fleet)) for stage in self.stages)

    def _words(self, event: Event) -> str:
        return event.message if event.slot or event.fleet is None else self._of(event.fleet.fleet, event.message)

    def _of(self, fleet: str, message: str) -> str:
        return f"{fleet}: {message}" if len(self.stages) > 1 else message

    def _tick(self, tick: Tick) -> None:
        self.fewest = min(self.fewest, sum(len(stage.balancer.serving(stage.fleet)) for stage in self.stages))
        self.most = max(self.most, self._living())
        for _ in range(20):
            self.asked += 1
            self.failed += self._world.ask(tick.fleet) is None
        if tick.plan is None:
            return
        self.phases.append(tick.plan.phase)
        name = tick.fleet.fleet
        if tick.plan.summary != self._summaries.get(name):
            self._summaries[name] = tick.plan.summary
            self._lines.append((tick.plan.at, "plan", self._of(name, tick.plan.summary)))
        self._explain(tick, [hold for hold in tick.plan.holds if hold.rule not in OBVIOUS])

    def _explain(self, tick: Tick, holds: Iterable[Hold]) -> None:
        assert tick.plan is not None
        waiting = {(hold.subject, hold.rule) for hold in holds}
        fresh = waiting - self._told.get(tick.fleet.fleet, set())
        sentences: dict[str, list[str]] = {}
        for explanation in explain(tick.plan):
            if (explanation.subject, explanation.rule) in fresh:
                until = f", until {(explanation.until - self._begun).total_seconds():.1f}" if explanation.until else ""
                sentences.setdefault(f"{explanation.sentence}{until}", []).append(explanation.subject)
        for sentence, subjects in sentences.items():
            self._lines.append((tick.plan.at, "wait", self._of(tick.fleet.fleet, f"{', '.join(subjects)}: {sentence}")))
        self._told[tick.fleet.fleet] = waiting


Tells = Callable[..., Story]
"""Begins a story of this title on these stages; without any in a fleet of six that runs r1."""
