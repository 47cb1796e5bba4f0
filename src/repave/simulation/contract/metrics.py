"""The rules of whoever measures instances, as `repave.ports.metrics` numbers them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from repave.model.metrics import InstanceMetrics
from repave.model.names import FleetKey, InstanceId
from repave.ports.clock import Clock
from repave.ports.metrics import Metrics
from repave.simulation.contract.requirement import ContractBroken, require

WINDOW_SECONDS = 60.0
SHORT_WINDOW_SECONDS = 1.0
WORK_SECONDS = 0.5
"""Long enough for any counter to move, short enough for a test."""

LEAST_LOOKS, MOST_LOOKS = 4, 20
"""The first are as many as the short window is over after; where a busy machine is longer than that between two looks,
nothing can be said, and it is looked again.
"""

THREADS = 4


@dataclass(frozen=True, kw_only=True)
class MetricsSubject:
    """One source under test, with what the rules need around it. Make one for each test: its fleets are empty."""

    source: Metrics
    clock: Clock
    fleet: FleetKey
    other: FleetKey
    """A second fleet, of another name, without an instance."""

    start: Callable[[], InstanceId]
    """Starts one more instance of the fleet; answers when it can be measured."""

    end: Callable[[InstanceId], None]
    """Ends an instance; answers when it is gone."""

    work: Callable[[float], None]
    """Has the instances answer requests for so many seconds by the clock, each of them some."""

    rates: tuple[str, ...]
    """Fields of `InstanceMetrics` that this source derives from what happened meanwhile."""

    reopen: Callable[[], Metrics]
    """The same source as another process would see it."""

    def read(self, *, window_seconds: float = WINDOW_SECONDS) -> dict[InstanceId, InstanceMetrics]:
        """What is measured now, by instance."""
        seen = self.source.read(self.fleet, window_seconds=window_seconds)
        require(not seen.incomplete, f"all is measured; the source says: {seen.incomplete}")
        require(seen.at is not None, "a sighting is dated")
        names = [metrics.instance for metrics in seen.instances]
        require(len(names) == len(set(names)), f"no instance is listed twice: {names}")
        return {metrics.instance: metrics for metrics in seen.instances}


class MetricsContract:
    """Rules of `Metrics`."""

    def test_rule_1_reading_changes_nothing(self, subject: MetricsSubject) -> None:
        """Rule 1: several threads and processes may read at once, and each sees all instances."""
        started = {subject.start(), subject.start()}
        subject.read()
        subject.work(WORK_SECONDS)
        with ThreadPoolExecutor(THREADS) as pool:
            seen = list(pool.map(lambda _: set(subject.read()), range(THREADS)))
        require(all(one == started for one in seen), f"each thread sees all instances: {seen}")
        elsewhere = subject.reopen().read(subject.fleet, window_seconds=WINDOW_SECONDS)
        require({metrics.instance for metrics in elsewhere.instances} == started, "so does another process")

    def test_rule_2_the_first_look_knows_no_rate(self, subject: MetricsSubject) -> None:
        """Rule 2: what is not known yet is None, and not zero."""
        instance = subject.start()
        first = subject.read()[instance]
        for rate in subject.rates:
            require(getattr(first, rate) is None, f"{rate} is not known at the first look, and is {first}")

    def test_rule_2_a_fleet_of_nobody_measures_nothing(self, subject: MetricsSubject) -> None:
        """Rule 2: nobody there is an empty list, and no error."""
        seen = subject.source.read(subject.other, window_seconds=WINDOW_SECONDS)
        require(not seen.instances, "nobody is measured")

    def test_rule_3_only_what_is_there_is_listed(self, subject: MetricsSubject) -> None:
        """Rule 3: what is gone is not listed, nor what belongs to another fleet."""
        gone, left = subject.start(), subject.start()
        require(set(subject.read()) == {gone, left}, "every instance is listed")
        subject.end(gone)
        require(set(subject.read()) == {left}, "what is gone is not")
        seen = subject.source.read(subject.other, window_seconds=WINDOW_SECONDS)
        require(not seen.instances, "another fleet has none of them")

    def test_rules_2_and_5_work_is_measured(self, subject: MetricsSubject) -> None:
        """Rules 2 and 5: at the second look every rate is known, and possible; also by another process."""
        instance = subject.start()
        subject.read()
        subject.work(WORK_SECONDS)
        for source in (subject.source, subject.reopen()):
            [metrics] = source.read(subject.fleet, window_seconds=WINDOW_SECONDS).instances
            require(metrics.instance == instance, "the instance that worked is measured")
            for rate in subject.rates:
                value = getattr(metrics, rate)
                require(value is not None and value >= 0, f"{rate} is known by now: {metrics}")
            require(metrics.error_rate is None or 0 <= metrics.error_rate <= 1, f"errors are a share: {metrics}")
            require(metrics.seconds > 0, f"it says of how long a time it speaks: {metrics}")

    def test_rule_4_nothing_is_older_than_the_window(self, subject: MetricsSubject) -> None:
        """Rule 4: of what was longer ago than the window, nothing is said."""
        instance, limit, earlier = subject.start(), SHORT_WINDOW_SECONDS, None
        for number in range(MOST_LOOKS):
            began = subject.clock.now()
            seconds = subject.read(window_seconds=limit)[instance].seconds
            require(seconds <= limit, f"it speaks of {seconds} s, and of {limit} at most")
            if earlier and number >= LEAST_LOOKS and (subject.clock.now() - earlier).total_seconds() <= limit:
                require(seconds > 0, f"it speaks of the last {limit} s, within which it was asked before")
                return
            earlier = began
            subject.work(WORK_SECONDS)
        raise ContractBroken(f"this machine is too busy: {MOST_LOOKS} looks were more than {limit} s apart")
