"""What happened when: answers per second, instances by release and by zone, the acts of the story."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from demo.visitors import Answer
from repave.ports.history import Lifetime


@dataclass(frozen=True, kw_only=True)
class Act:
    """One part of the story, from when to when (seconds since the epoch)."""

    title: str
    begins: float
    ends: float
    told: str
    """What came of it, in one sentence."""

    asked: int = 0
    failed: int = 0

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


def counted(act: Act, answers: Iterable[Answer]) -> Act:
    """The act with its requests counted."""
    within = [answer for answer in answers if act.begins <= answer.at < act.ends]
    return Act(
        title=act.title,
        begins=act.begins,
        ends=act.ends,
        told=act.told,
        asked=len(within),
        failed=sum(answer.failed for answer in within),
    )


def seconds(answers: Sequence[Answer], lifetimes: Sequence[Lifetime], *, begins: float, ends: float) -> list[Second]:
    """The whole, second by second."""
    heard: dict[int, list[Answer]] = defaultdict(list)
    for answer in answers:
        heard[int(answer.at - begins)].append(answer)
    return [_second(begins + index, heard.get(index, []), lifetimes) for index in range(max(1, round(ends - begins)))]


def _second(at: float, answers: Sequence[Answer], lifetimes: Sequence[Lifetime]) -> Second:
    times = sorted(answer.milliseconds for answer in answers)
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else [0.0] * 99
    serving = [lifetime for lifetime in lifetimes if _serves(lifetime, at + 0.5)]
    return Second(
        at=at,
        asked=len(answers),
        failed=sum(answer.failed for answer in answers),
        median=cuts[49],
        slowest=cuts[98],
        by_release=Counter(f"r{lifetime.release}" for lifetime in serving),
        by_zone=Counter(str(lifetime.zone) for lifetime in serving),
    )


def _serves(lifetime: Lifetime, at: float) -> bool:
    if lifetime.served_from is None or lifetime.served_from.timestamp() > at:
        return False
    return lifetime.gone_at is None or lifetime.gone_at.timestamp() > at
