"""Situations of a project of two images and two environments, and any situation at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chooser import Chooser, choosers
from hypothesis import strategies as st

from repave.model.freshness import FreshnessPolicy
from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName, ImageName, ProjectName, ReleaseNumber
from repave.model.release import Release
from repave.model.review import Review, Standing
from repave.model.watch import Kind, Known, KnownFlaw, KnownLock, Proposed, RunningFleet

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday."""

DAY = timedelta(days=1)
WEB, API = ImageName("web"), ImageName("api")
FRONT, BACK, BATCH = FleetName("front"), FleetName("back"), FleetName("batch")
FLEETS = {FRONT: WEB, BACK: API, BATCH: API}
LOCKS = tuple(Digest(f"sha256:{number:064}") for number in range(5))
FLAW = KnownFlaw(package="deb:openssl", name="CVE-1", images=(WEB,), repairable=True)
UNREPAIRED = KnownFlaw(package="deb:zlib", name="CVE-2", images=(API, WEB), repairable=False)
WEEKLY = FreshnessPolicy()


def release(number: int, lock: Digest) -> Release:
    """Of both images."""
    artifacts = {image: Digest(f"sha256:{number:063}{place}") for place, image in enumerate((WEB, API))}
    return Release(number=ReleaseNumber(number), artifacts=artifacts, lock=lock, source="0" * 40, created_at=NOW)


def running(environment: str, wanted: int, *living: int, fleet: FleetName = FRONT) -> RunningFleet:
    """Of one environment; what lives there is what is wanted, if nothing else is said."""
    key = FleetKey(project=ProjectName("shop"), environment=EnvironmentName(environment), fleet=fleet)
    return RunningFleet(
        fleet=key,
        image=FLEETS[fleet],
        wanted=ReleaseNumber(wanted),
        living=frozenset(ReleaseNumber(number) for number in living or (wanted,)),
        due={"CVE-1": NOW + DAY},
    )


def updated(*fleets: FleetName, at: datetime = NOW, base: Digest = LOCKS[0], lock: Digest = LOCKS[0]) -> Proposed:
    """This week's updates; nothing was to be moved, if nothing else is said."""
    return Proposed(kind=Kind.UPDATES, base=base, lock=lock, fleets=tuple(sorted(fleets)), at=at)


FLAWS = tuple(
    KnownFlaw(package=package, name=name, images=images, repairable=repairable)
    for package in ("deb:openssl", "deb:zlib")
    for name in ("CVE-1", "CVE-2", "CVE-3")
    for images in ((WEB,), (API,), (API, WEB))
    for repairable in (False, True)
)
MOMENTS = tuple(NOW + days * DAY / 2 for days in sorted(range(-30, 31), key=abs))
NUMBERS = tuple(ReleaseNumber(number) for number in range(1, 5))
moments = st.sampled_from(MOMENTS)
policies = st.sampled_from(
    [
        FreshnessPolicy(every_seconds=seconds, updates=updates, time_zone=zone)
        for seconds in (60.0, 3600.0, 30 * 86400.0)
        for updates in (False, True)
        for zone in ("UTC", "Pacific/Auckland", "America/Los_Angeles")
    ]
)


def known_lock(flaws: frozenset[KnownFlaw], unknown: tuple[str, ...], unjudged: tuple[str, ...]) -> KnownLock:
    """One whose gaps have the names of what they are about."""
    gaps = frozenset((*("osv" for _ in unknown), *("pypi" for _ in unjudged)))
    return KnownLock(flaws=flaws, unknown=unknown, unjudged=unjudged, gaps=gaps)


SITUATION_DIGITS = 103
"""As many as all choices of a situation take."""


def situations() -> st.SearchStrategy[Known]:
    """Up to four releases, fleets that run any of them, and whatever was proposed."""
    return choosers(SITUATION_DIGITS).map(situation_of)


def situation_of(chooser: Chooser) -> Known:
    """The situation of these choices."""
    fleets = [fleet_of(row) for row in chooser.rows(4, 7)]
    proposals = [proposal_of(row) for row in chooser.rows(3, 7)]
    return Known(
        present=chooser.of(LOCKS),
        locks={digest: lock_of(chooser) for digest in LOCKS},
        drift=chooser.of(((), (), ("`app.py` has changed",))),
        releases=tuple(release(number, chooser.of(LOCKS)) for number in NUMBERS),
        running=tuple(sorted({one.fleet: one for one in fleets}.values(), key=_is_prod)),
        fleets=FLEETS,
        proposals=tuple(sorted(proposals, key=lambda one: one.at)),
        tried=chooser.of((False, True)),
        reviews={kind: review_of(chooser) for kind in chooser.some(Kind)},
    )


def _is_prod(one: RunningFleet) -> bool:
    return one.fleet.environment == "prod"


def fleet_of(chooser: Chooser) -> RunningFleet:
    """Any fleet, that runs any releases."""
    one = running(
        chooser.of(("prod", "test")),
        chooser.of(NUMBERS),
        *[chooser.of(NUMBERS), chooser.of(NUMBERS)][: chooser.of(range(3))],
        fleet=chooser.of(tuple(FLEETS)),
    )
    return replace(one, paused=chooser.of((False, True)))


def lock_of(chooser: Chooser) -> KnownLock:
    """Anything that may be known of a lock."""
    return known_lock(
        frozenset([chooser.of(FLAWS), chooser.of(FLAWS), chooser.of(FLAWS)][: chooser.of(range(4))]),
        unknown=chooser.of(((), (), ("osv: it could not be reached",))),
        unjudged=chooser.of(((), ("2 PyPI packages are not judged",))),
    )


def proposal_of(chooser: Chooser) -> Proposed:
    """Anything that was proposed."""
    return Proposed(
        kind=chooser.of(tuple(Kind)),
        base=chooser.of(LOCKS),
        lock=chooser.of(LOCKS),
        at=chooser.of(MOMENTS),
        fleets=tuple(sorted(chooser.some(FLEETS))),
    )


def review_of(chooser: Chooser) -> Review:
    """Any merge request."""
    return Review(
        number=1,
        address="https://forge.example/1",
        standing=chooser.of(tuple(Standing)),
        lock=chooser.of((None, chooser.of(LOCKS))),
    )
