"""What happened when: answers per second, instances by release and by zone, the acts of the story."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import quantiles

from demo.visitors import Answer
from repave.model.event import Event
from repave.ports.history import Lifetime


@dataclass(frozen=True, kw_only=True)
class Act:
    """One part of the story, from when to when (seconds since the epoch)."""

    name: str
    """A word or two, for the picture."""

    title: str
    begins: float
    ends: float
    told: str
    """What came of it, in one sentence."""

    asked: int = 0
    failures: tuple[Answer, ...] = ()

    @property
    def failed(self) -> int:
        """How many requests did."""
        return len(self.failures)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ends - self.begins


@dataclass(frozen=True, kw_only=True)
class Second:
    """One second of the whole."""

    at: float
    asked: int = 0
    failed: int = 0
    median: float = 0.0
    """Milliseconds."""

    slowest: float = 0.0
    """The 99th percentile, milliseconds."""

    by_release: Counter[str] = field(default_factory=Counter)
    """Instances that serve."""

    by_zone: Counter[str] = field(default_factory=Counter)


ENDINGS = frozenset({"drain", "failure", "heal", "gone", "terminate"})
"""The events after which an instance serves nobody."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """One instance, as long as it served (seconds since the epoch)."""

    release: str
    zone: str
    begins: float
    ends: float


def spans(events: Iterable[Event], lifetimes: Iterable[Lifetime], *, end: float) -> list[Span]:
    """From the story's events, when which instance served; those that still do end with ``end``."""
    known = {str(lifetime.slot): lifetime for lifetime in lifetimes}
    serving: dict[str, float] = {}
    found: list[Span] = []
    for event in events:
        if event.kind == "serving":
            serving.setdefault(event.slot, event.at.timestamp())
        elif event.kind in ENDINGS and event.slot in serving:
            found.append(_span(known[event.slot], serving.pop(event.slot), event.at.timestamp()))
    return [*found, *(_span(known[slot], begins, end) for slot, begins in serving.items())]


def _span(lifetime: Lifetime, begins: float, ends: float) -> Span:
    return Span(release=f"r{lifetime.release}", zone=str(lifetime.zone), begins=begins, ends=ends)


def counted(act: Act, answers: Iterable[Answer]) -> Act:
    """The act with its requests counted."""
    within = [answer for answer in answers if act.begins <= answer.at < act.ends]
    return replace(act, asked=len(within), failures=tuple(answer for answer in within if answer.failed))


def seconds(answers: Sequence[Answer], served: Sequence[Span], *, begins: float, ends: float) -> list[Second]:
    """The whole, second by second."""
    heard: dict[int, list[Answer]] = defaultdict(list)
    for answer in answers:
        heard[int(answer.at - begins)].append(answer)
    return [_second(begins + index, heard.get(index, []), served) for index in range(max(1, round(ends - begins)))]


def latency(answers: Iterable[Answer]) -> tuple[float, float]:
    """Milliseconds within which half of the answers came, and 99 of 100; zeros where there are not two."""
    times = sorted(answer.milliseconds for answer in answers)
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else [0.0] * 99
    return cuts[49], cuts[98]


def _second(at: float, answers: Sequence[Answer], served: Sequence[Span]) -> Second:
    median, slowest = latency(answers)
    middle = at + 0.5
    serving = [span for span in served if span.begins <= middle < span.ends]
    return Second(
        at=at,
        asked=len(answers),
        failed=sum(answer.failed for answer in answers),
        median=median,
        slowest=slowest,
        by_release=Counter(span.release for span in serving),
        by_zone=Counter(span.zone for span in serving),
    )
