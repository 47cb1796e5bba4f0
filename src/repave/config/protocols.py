"""Fleets that answer no HTTP, workers and those of another protocol: what goes by requests is refused for them."""

from collections.abc import Iterator, Mapping

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.grammar.fleets import STEADY_SECONDS, TCP
from repave.config.problems import Unfit, problem
from repave.config.quantities import NO_PORT, duration_seconds
from repave.config.words import mapping_of
from repave.model.project import Start
from repave.model.recipe import ImageKind

ASKED = ("interval", "timeout", "healthy", "unhealthy")
"""Keys of `health` that say how an instance is asked, whatever it speaks."""

BY_REQUESTS = (("health", "path"), ("scale", "requests_per_instance"))
"""Keys that mean nothing where no request is seen."""


def workers_in(document: Document) -> frozenset[str]:
    """The fleets that have no port."""
    return frozenset(name for name, fields in _fleets(document).items() if fields.get("port") == NO_PORT)


def silent_in(document: Document) -> frozenset[str]:
    """The fleets that answer no HTTP: workers, and those of another protocol."""
    others = (name for name, fields in _fleets(document).items() if fields.get("protocol") == TCP)
    return workers_in(document).union(others)


def check_protocols(document: Document) -> Iterator[Problem]:
    """What does nothing for a fleet, by what it answers."""
    workers, silent = workers_in(document), silent_in(document)
    for fleet, fields in _fleets(document).items():
        place: Path = ("fleets", fleet)
        if fleet in workers:
            yield from _worker(document, place, fields)
        elif fleet in silent:
            yield from _by_requests(document, place, fields, f"fleet `{fleet}` speaks tcp", "remove `protocol`")
            if fields.get("start") == Start.HOT:
                found = f"fleet `{fleet}` is to start hot, and speaks tcp: nothing tells when it serves"
                yield problem(document, document.at_value((*place, "start")), found, Unfit("`warm` or `cold`"))
        if (
            fleet not in workers
            and "steady" in mapping_of(fields.get("health"))
            and isinstance(fields.get("port"), int)
        ):
            unfit = Unfit("`port: none`", hint="an instance with a port is well once it answers well")
            yield problem(document, document.at_key((*place, "health", "steady")), "`steady` does nothing here", unfit)
    for environment, said in mapping_of(mapping_of(document.data).get("environments")).items():
        yield from _environment(document, ("environments", environment), mapping_of(said))


def _worker(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    fleet, image = str(place[1]), str(fields.get("image"))
    why, otherwise = _without_port(fleet)
    yield from _by_requests(document, place, fields, why, otherwise)
    health = mapping_of(fields.get("health"))
    for key in ASKED:
        if key in health:
            yield _nothing(document, (*place, "health", key), why, otherwise)
    if "protocol" in fields:
        yield _nothing(document, (*place, "protocol"), why, otherwise)
    if mapping_of(fields.get("rollout")).get("strategy") == "blue-green":
        found = f"{why}, and `strategy` is `blue-green`: a group of workers cannot stand by"
        yield problem(document, document.at_value((*place, "rollout", "strategy")), found, Unfit("`rolling`"))
    if mapping_of(mapping_of(mapping_of(document.data).get("images")).get(image)).get("kind") == ImageKind.VM:
        found = f"{why}, and its image `{image}` is a virtual machine"
        hint = "how an application inside one fares shows in its answers alone; or make the image `kind: container`"
        yield problem(document, document.at_value((*place, "port")), found, Unfit("a port", hint=hint))
    yield from _times(document, place, health)


def _by_requests(
    document: Document, place: Path, fields: Mapping[str, object], why: str, otherwise: str
) -> Iterator[Problem]:
    for section, key in BY_REQUESTS:
        if key in mapping_of(fields.get(section)):
            yield _nothing(document, (*place, section, key), why, otherwise)
    if mapping_of(fields.get("rollout")).get("strategy") == "canary":
        found = f"{why}, and `strategy` is `canary`, which is judged by answers"
        yield problem(document, document.at_value((*place, "rollout", "strategy")), found, Unfit("`rolling`"))


def _times(document: Document, place: Path, health: Mapping[str, object]) -> Iterator[Problem]:
    try:
        steady = duration_seconds(health.get("steady", f"{STEADY_SECONDS}s"))
        grace = duration_seconds(health["grace"]) if "grace" in health else None
    except Unfit:
        return  # told by the structure's check
    if grace is not None and grace <= steady:
        found = f"`grace` is `{health['grace']}`, and one is well only after {steady:g} s (`steady`)"
        yield problem(document, document.at_value((*place, "health", "grace")), found, Unfit("a longer duration"))


def _environment(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    held, workers = mapping_of(fields.get("fleets")), workers_in(document)
    if "metrics" in mapping_of(fields.get("gates")) and held and held.keys() <= silent_in(document):
        unfit = Unfit("", hint="remove `metrics`: answers are measured of fleets that speak HTTP")
        found = "`metrics` would hold every release: no fleet here answers HTTP"
        yield problem(document, document.at_key((*place, "gates", "metrics")), found, unfit)
    for fleet, sizes in held.items():
        if fleet in workers and "listen" in mapping_of(sizes):
            yield _nothing(document, (*place, "fleets", fleet, "listen"), *_without_port(str(fleet)))


def _without_port(fleet: str) -> tuple[str, str]:
    return f"fleet `{fleet}` has no port", f"give fleet `{fleet}` a port"


def _nothing(document: Document, place: Path, why: str, otherwise: str) -> Problem:
    unfit = Unfit("", hint=f"remove `{place[-1]}`, or {otherwise}")
    return problem(document, document.at_key(place), f"`{place[-1]}` does nothing: {why}", unfit)


def _fleets(document: Document) -> Mapping[str, Mapping[str, object]]:
    fleets = mapping_of(mapping_of(document.data).get("fleets"))
    return {str(name): mapping_of(fields) for name, fields in fleets.items()}
