"""Situations of a project of two images and two environments, and any situation at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

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


flaws = st.frozensets(
    st.builds(
        KnownFlaw,
        package=st.sampled_from(["deb:openssl", "deb:zlib"]),
        name=st.sampled_from(["CVE-1", "CVE-2", "CVE-3"]),
        images=st.sampled_from([(WEB,), (API,), (API, WEB)]),
        repairable=st.booleans(),
    ),
    max_size=3,
)
troubles = st.sampled_from([(), (), ("osv: it could not be reached",)])
uncovered = st.sampled_from([(), ("2 PyPI packages are not judged",)])


def known_lock(flaws: frozenset[KnownFlaw], unknown: tuple[str, ...], unjudged: tuple[str, ...]) -> KnownLock:
    """One whose gaps have the names of what they are about."""
    gaps = frozenset((*("osv" for _ in unknown), *("pypi" for _ in unjudged)))
    return KnownLock(flaws=flaws, unknown=unknown, unjudged=unjudged, gaps=gaps)


locks = st.builds(known_lock, flaws, troubles, uncovered)
moments = st.integers(-30, 30).map(lambda days: NOW + days * DAY / 2)
digests = st.sampled_from(LOCKS)
policies = st.builds(
    FreshnessPolicy,
    every_seconds=st.sampled_from([60.0, 3600.0, 30 * 86400.0]),
    updates=st.booleans(),
    time_zone=st.sampled_from(["UTC", "Pacific/Auckland", "America/Los_Angeles"]),
)
proposals = st.builds(
    Proposed,
    kind=st.sampled_from(Kind),
    base=digests,
    lock=digests,
    fleets=st.lists(st.sampled_from([*FLEETS]), unique=True).map(lambda names: tuple(sorted(names))),
    at=moments,
)
reviews = st.builds(
    Review,
    number=st.just(1),
    address=st.just("https://forge.example/1"),
    standing=st.sampled_from(Standing),
    lock=st.none() | digests,
)
numbers = st.integers(1, 4)


@st.composite
def situations(draw: st.DrawFn) -> Known:
    """Up to four releases, fleets that run any of them, and whatever was proposed."""
    releases = [release(number, draw(digests)) for number in range(1, 5)]
    wanted = st.builds(
        lambda environment, fleet, wanted, living: running(environment, wanted, *living, fleet=fleet),
        st.sampled_from(["prod", "test"]),
        st.sampled_from([*FLEETS]),
        numbers,
        st.lists(numbers, max_size=2),
    )
    fleets = draw(st.lists(wanted, max_size=4, unique_by=lambda one: one.fleet))
    fleets = [replace(one, paused=draw(st.booleans())) for one in fleets]
    return Known(
        present=draw(digests),
        locks={digest: draw(locks) for digest in LOCKS},
        drift=draw(st.sampled_from([(), (), ("`app.py` has changed",)])),
        releases=tuple(releases),
        running=tuple(sorted(fleets, key=lambda one: one.fleet.environment == "prod")),
        fleets=FLEETS,
        proposals=tuple(sorted(draw(st.lists(proposals, max_size=3)), key=lambda one: one.at)),
        reviews=draw(st.dictionaries(st.sampled_from(Kind), reviews)),
        tried=draw(st.booleans()),
    )
