"""Every kind of fault, by name: what it is, for how long, and what is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from repave.simulation.chaos import calls, machines, people, places
from repave.simulation.chaos.trouble import Trouble

Undo = Callable[[], None]
"""What ends a fault."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of fault."""

    name: str
    sentence: str
    """For people, in the documents and in ``repave simulate --help``."""

    strike: Callable[[Trouble], Undo | None]
    """Does it, and answers what ends it; None for what is over at once, or never by itself."""

    seconds: tuple[float, float] = (0.0, 0.0)
    """How long it lasts, from and to."""

    weight: int = 1
    """How often it comes, beside the others."""

    may_break: frozenset[str] = frozenset()
    """The invariants that cannot hold against an adapter that breaks its contract so; all others hold even then."""

    rivals: bool = False
    """Whether it needs a second controller."""

    measured: bool = False
    """Whether it needs a load that can be measured."""


MINUTE = 60.0

ALL = (
    Kind(
        name="crash",
        sentence="the controller is killed before or after one of its next steps",
        strike=calls.crash,
    ),
    Kind(
        name="rival",
        sentence="a second controller acts in the middle of the first one's tick, over the same store",
        strike=calls.rival,
        rivals=True,
    ),
    Kind(
        name="clock",
        sentence="the controllers' clocks are set forward or back, by up to five minutes",
        strike=calls.clock,
        seconds=(1 * MINUTE, 30 * MINUTE),
    ),
    Kind(
        name="hang",
        sentence="calls that change something hang for 8 s and were in vain, three of ten",
        strike=calls.hang,
        seconds=(1 * MINUTE, 10 * MINUTE),
    ),
    Kind(
        name="throttle",
        sentence="calls that change something are throttled, three of ten",
        strike=calls.throttle,
        seconds=(1 * MINUTE, 10 * MINUTE),
    ),
    Kind(
        name="fail",
        sentence="calls that change something fail, three of ten",
        strike=calls.fail,
        seconds=(1 * MINUTE, 10 * MINUTE),
    ),
    Kind(
        name="time-out",
        sentence="calls that change something work and are not answered, three of ten",
        strike=calls.time_out,
        seconds=(1 * MINUTE, 10 * MINUTE),
    ),
    Kind(
        name="silent-provider",
        sentence="the provider answers nothing",
        strike=calls.silent_provider,
        seconds=(0.2 * MINUTE, 60 * MINUTE),
    ),
    Kind(
        name="silent-balancer",
        sentence="the balancer answers no order and no question, and serves on",
        strike=calls.silent_balancer,
        seconds=(0.2 * MINUTE, 60 * MINUTE),
    ),
    Kind(
        name="partial",
        sentence="the provider's lists hold half of what there is, and say so",
        strike=calls.partial,
        seconds=(0.2 * MINUTE, 60 * MINUTE),
    ),
    Kind(
        name="partial-traffic",
        sentence="the balancer's lists hold half of what there is, and say so",
        strike=calls.partial_traffic,
        seconds=(0.2 * MINUTE, 60 * MINUTE),
    ),
    Kind(
        name="commit-fails",
        sentence="the store does not take commits, three of ten",
        strike=calls.commit_fails,
        seconds=(1 * MINUTE, 10 * MINUTE),
    ),
    Kind(
        name="commit-conflict",
        sentence="commits find the target changed by another, three of ten",
        strike=calls.commit_conflict,
        seconds=(1 * MINUTE, 10 * MINUTE),
    ),
    Kind(
        name="commit-lost",
        sentence="the store takes commits and its answer is lost, three of ten",
        strike=calls.commit_lost,
        seconds=(1 * MINUTE, 10 * MINUTE),
    ),
    Kind(
        name="omission",
        sentence="the provider's lists lack up to three instances, and call themselves complete",
        strike=machines.omission,
        seconds=(0.2 * MINUTE, 5 * MINUTE),
        may_break=frozenset({"capacity", "crowd", "success"}),
    ),
    Kind(
        name="stale",
        sentence="the provider's lists are up to 30 s old, and do not say so",
        strike=machines.stale,
        seconds=(1 * MINUTE, 20 * MINUTE),
        may_break=frozenset({"capacity", "crowd", "success", "turns"}),
    ),
    Kind(
        name="twice",
        sentence="the provider starts two instances for each launch",
        strike=machines.twice,
        seconds=(1 * MINUTE, 10 * MINUTE),
        may_break=frozenset({"doubles", "crowd", "success"}),
    ),
    Kind(
        name="never-starts",
        sentence="some new instances are starting for ever",
        strike=machines.never_starts,
        seconds=(1 * MINUTE, 10 * MINUTE),
    ),
    Kind(
        name="slow-start",
        sentence="some new instances take up to a minute to start",
        strike=machines.slow_start,
        seconds=(1 * MINUTE, 20 * MINUTE),
    ),
    Kind(
        name="flap",
        sentence="some instances are well and ill in turns",
        strike=machines.flap,
        seconds=(1 * MINUTE, 30 * MINUTE),
    ),
    Kind(name="die", sentence="some instances' processes end", strike=machines.die),
    Kind(
        name="ill",
        sentence="some instances, or all, hang for a while",
        strike=machines.ill,
        seconds=(0.1 * MINUTE, 30 * MINUTE),
    ),
    Kind(
        name="lie-in-health",
        sentence="some instances pass their checks and fail the requests of clients",
        strike=machines.lie_in_health,
        seconds=(1 * MINUTE, 30 * MINUTE),
    ),
    Kind(
        name="zone-loss",
        sentence="a zone is lost with all that is in it, and comes back",
        strike=places.zone_loss,
        seconds=(1 * MINUTE, 240 * MINUTE),
    ),
    Kind(
        name="capacity",
        sentence="one zone, or all of them, have no room for more",
        strike=places.capacity,
        seconds=(1 * MINUTE, 120 * MINUTE),
    ),
    Kind(
        name="slow-balancer",
        sentence="the balancer acts on its checks minutes late",
        strike=places.slow_balancer,
        seconds=(5 * MINUTE, 30 * MINUTE),
    ),
    Kind(
        name="balancer-death",
        sentence="the balancer dies and forgets who was attached",
        strike=places.balancer_death,
    ),
    Kind(
        name="bad-release",
        sentence="a release is deployed that dies, at once or after minutes, is never healthy, or is bad in one zone",
        strike=people.bad_release,
        weight=3,
    ),
    Kind(
        name="deploy",
        sentence="a person deploys a good release, whatever is under way",
        strike=people.deploy,
        weight=6,
    ),
    Kind(
        name="pause",
        sentence="a person pauses the fleet, and resumes it",
        strike=people.pause,
        seconds=(0.2 * MINUTE, 60 * MINUTE),
    ),
    Kind(
        name="revoke",
        sentence="a person revokes the wanted release, and takes it back",
        strike=people.revoke,
        seconds=(1 * MINUTE, 120 * MINUTE),
    ),
    Kind(name="rollback", sentence="a person goes back to an earlier release", strike=people.rollback),
    Kind(
        name="zone-out",
        sentence="a person takes a zone out, and brings it back",
        strike=people.zone_out,
        seconds=(1 * MINUTE, 120 * MINUTE),
    ),
    Kind(
        name="heal",
        sentence="a person says that what looks sick is sick, whatever the healing limit",
        strike=people.allow_healing,
    ),
    Kind(name="protect", sentence="a person protects an instance for up to an hour", strike=people.protect),
    Kind(name="replace", sentence="a person has an instance replaced", strike=people.replace_one),
    Kind(
        name="worse-release",
        sentence="a release is deployed that is healthy, and answers slowly or with errors",
        strike=people.worse_release,
        weight=2,
        measured=True,
    ),
    Kind(
        name="silent-metrics",
        sentence="nothing is measured",
        strike=calls.silent_metrics,
        seconds=(1 * MINUTE, 240 * MINUTE),
        measured=True,
    ),
    Kind(name="resize", sentence="a person wants more instances or fewer", strike=people.resize),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in ALL}
"""By name."""
