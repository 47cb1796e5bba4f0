"""Every plan of the pipeline is held against its promises before anything enters.

It reasons from the arguments alone and shares no code with the planner: an error made there is not made here again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from repave.model.evidence import Approval, Checked, Evidence, Failed, Request, RolledBack, Soaked, Standing, Waiver
from repave.model.gates import Gates
from repave.model.pipeline import Pipeline, PipelinePlan, Stage
from repave.model.release import Release
from repave.planner.check import UnsafePlan

LEAST_EMERGENCY_SHARE = 0.1
"""Of a soak: the emergency lane shortens it, and does not skip it."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One release that the plan lets in, beside all that is known."""

    stage: Stage
    before: Stage | None
    release: Release
    evidence: Evidence
    now: datetime

    @property
    def here(self) -> Standing:
        """The environment it enters."""
        return self.evidence.standings.get(self.stage.environment, Standing())

    @property
    def emergency(self) -> bool:
        """Whether the last word of a person about it here was an emergency."""
        words = [
            record
            for record in self.evidence.records
            if isinstance(record, Request)
            and record.environment == self.stage.environment
            and record.release == self.release.number
        ]
        return bool(words and words[-1].emergency)

    @property
    def failures(self) -> tuple[Failed, ...]:
        """Of the release, anywhere."""
        return tuple(
            record
            for record in self.evidence.records
            if isinstance(record, Failed) and record.release == self.release.number
        )


def forward(view: View) -> Iterator[str]:
    """Nothing goes back by itself, and nothing revoked goes anywhere."""
    if view.here.release is not None and view.release.number <= view.here.release:
        yield f"{view.release} is not newer than r{view.here.release}"
    if view.release.number in view.evidence.revoked:
        yield f"{view.release} is revoked"
    if view.here.paused_since is not None:
        yield f"{view.stage.environment} is paused"


def in_order(view: View) -> Iterator[str]:
    """The environment before has carried it, and for long enough."""
    if view.before is None:
        return
    name, standing = view.before.environment, view.evidence.standings.get(view.before.environment, Standing())
    failures = view.failures
    proven = standing.proven.get(view.release.number)
    if proven is None or any(one.environment == name and one.at >= proven for one in failures):
        yield f"{name} does not carry {view.release} in good health"
    needed = view.before.gates.soak_seconds * (LEAST_EMERGENCY_SHARE if view.emergency else 1)
    lasted = [
        (record.at - record.since).total_seconds()
        for record in view.evidence.records
        if isinstance(record, Soaked)
        and (record.environment, record.release) == (name, view.release.number)
        and not any(one.environment == name and one.at > record.since for one in failures)
    ]
    if standing.release == view.release.number and standing.well_since and standing.seen_at:
        lasted.append((standing.seen_at - standing.well_since).total_seconds())
    if needed and max(lasted, default=0.0) < needed:
        yield f"{view.release} has not run well in {name} for {needed:g} s"


def tried(view: View) -> Iterator[str]:
    """Each check of the environment before passed when it was run on it last: as it is now, lately, in good health."""
    if view.before is None:
        return
    name, gates = view.before.environment, view.before.gates
    standing = view.evidence.standings.get(name, Standing())
    newest = {
        record.check: record
        for record in view.evidence.records
        if isinstance(record, Checked) and (record.environment, record.release) == (name, view.release.number)
    }
    for declared in gates.checks:
        run = newest.get(declared.name)
        present = standing.release == view.release.number
        good = (
            run is not None
            and run.passed
            and view.evidence.checks.get((name, run.check)) == run.what
            and run.at + timedelta(seconds=gates.check_seconds) > view.now
            and all(run.at >= failure.at for failure in view.failures if failure.environment == name)
            and (not present or (standing.well_since is not None and standing.well_since <= run.at))
        )
        if not good:
            yield f"{declared.name} has not passed on {view.release} in {name}"


def answered(view: View) -> Iterator[str]:
    """Every fleet of the environment before is known to answer within its limits, by the release itself."""
    limits = view.before.gates.metrics if view.before else None
    if view.before is None or limits is None:
        return
    name = view.before.environment
    standing = view.evidence.standings.get(name, Standing())
    fleets = view.evidence.measured.get((name, view.release.number), ())
    highest = {"error_rate": limits.error_rate, "latency_seconds": limits.latency_seconds}
    good = [
        fleet
        for fleet in fleets
        if not (fleet.problem or fleet.samples < limits.samples)
        and all(
            most is None or ((value := getattr(fleet, key)) is not None and value <= most)
            for key, most in highest.items()
        )
    ]
    if standing.release != view.release.number or not fleets or len(good) < len(fleets):
        yield f"{view.release} is not known to answer well in {name}"


def lessons(view: View) -> Iterator[str]:
    """What failed here, or was here when a person went back, comes again only when it was named after that.

    Before and after are told by where they were kept: clocks may have been wrong.
    """
    taught = False
    for record in view.evidence.records:
        if not isinstance(record, Failed | RolledBack | Request) or record.environment != view.stage.environment:
            continue
        if isinstance(record, RolledBack):
            taught = taught or record.release >= view.release.number
        elif record.release == view.release.number:
            taught = isinstance(record, Failed)
    if taught:
        yield f"{view.release} comes again to {view.stage.environment}"


def four_eyes(view: View) -> Iterator[str]:
    """Enough people agreed, lately, after the last failure, and none of them made it."""
    authors = view.evidence.authors.get((view.stage.environment, view.release.number))
    names = set()
    for record in view.evidence.records:
        if not isinstance(record, Approval) or record.release != view.release.number:
            continue
        fresh = timedelta() <= view.now - record.at < timedelta(seconds=view.stage.gates.approval_seconds)
        informed = all(record.at > failure.at for failure in view.failures)
        if record.environment == view.stage.environment and fresh and informed:
            names |= {record.person} - set(authors or ())
    needed = view.stage.gates.approvals
    if needed and len(names) < needed + (authors is None):
        yield f"only {len(names)} people agreed that {view.release} enters {view.stage.environment}"


def at_the_time(view: View) -> Iterator[str]:
    """The window is open, by the clock of its own zone; only an emergency passes it."""
    gates = view.stage.gates
    if view.emergency:
        return
    window = gates.window
    zone = ZoneInfo(window.zone if window else "UTC")
    today = view.now.astimezone(zone).date()
    holidays = view.evidence.holidays.get(view.stage.environment, frozenset())

    def closed(day: date) -> bool:
        return day in holidays or any(freeze.first <= str(day) <= freeze.last for freeze in gates.freezes)

    if closed(today):
        yield f"{view.stage.environment} takes nothing on {today}"
    if window is None:
        return
    overnight = timedelta(days=window.end <= window.start)
    begun = [day for day in (today - timedelta(days=1), today) if f"{day:%a}" in window.days and not closed(day)]
    spans = [(_instant(day, window.start, zone), _instant(day + overnight, window.end, zone)) for day in begun]
    if not any(opens <= view.now < closes for opens, closes in spans):
        yield f"{view.stage.environment} is closed at {view.now.astimezone(zone):%H:%M}"


def _instant(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """When a clock shows that; the first time where it is set back, and as much later where the hour is left out."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone).astimezone(UTC)


def flaws(view: View) -> Iterator[str]:
    """What is not known is not clean; what is overdue enters only as the better of two, or on a person's word."""
    if view.stage.gates == Gates():
        return
    known = view.evidence.exposed.get((view.stage.environment, view.release.number))
    if (known is None or known.unknown) and view.stage.gates.unknown_holds:
        yield f"what {view.release} is exposed to is not known"
    if known is None:
        return
    waived = {
        record.flaw
        for record in view.evidence.records
        if isinstance(record, Waiver) and record.at <= view.now < record.until
    }
    brought = {one.flaw for one in known.overdue} - waived
    runs = view.here.release and view.evidence.exposed.get((view.stage.environment, view.here.release))
    there = {one.flaw for one in runs.overdue} - waived if runs else set()
    if brought and not (brought <= there and len(brought) < len(there)):
        yield f"{view.release} brings {', '.join(sorted(brought))} into {view.stage.environment}"


PROMISES: tuple[Callable[[View], Iterator[str]], ...] = (
    forward,
    in_order,
    tried,
    answered,
    lessons,
    four_eyes,
    at_the_time,
    flaws,
)
"""Each answers, in words, every way in which letting that release in would break it."""


def check(
    plan: PipelinePlan, pipeline: Pipeline, releases: Sequence[Release], evidence: Evidence, now: datetime
) -> None:
    """Raise UnsafePlan, naming every promise that the plan would break."""
    broken = list(_once_each(plan))
    numbered = {release.number: release for release in releases}
    stages = {stage.environment: (stage, before) for stage, before in zip(pipeline, (None, *pipeline), strict=False)}
    for enter in plan.entering:
        stage, before = stages[enter.environment]
        view = View(
            stage=stage,
            before=before,
            release=numbered[enter.release],
            evidence=evidence,
            now=now,
        )
        broken += [words for promise in PROMISES for words in promise(view)]
    if broken:
        raise UnsafePlan(
            f"the plan for the pipeline would break a promise: {'; '.join(broken)}",
            hint="nothing was done; please report this with the output of `repave promote --json`",
        )


def _once_each(plan: PipelinePlan) -> Iterator[str]:
    entering = [enter.environment for enter in plan.entering]
    yield from (f"two releases enter {name} at once" for name in {*entering} if entering.count(name) > 1)
    told = [(held.environment, held.release) for held in plan.held]
    told += [(enter.environment, enter.release) for enter in plan.entering]
    told += [(enter.environment, skipped) for enter in plan.entering for skipped in enter.skipped]
    yield from (
        f"r{release} is told of twice before {name}" for name, release in {*told} if told.count((name, release)) > 1
    )
