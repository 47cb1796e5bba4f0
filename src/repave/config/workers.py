"""Fleets without a port: what is said of answers and requests would do nothing for them, so it is refused."""

from collections.abc import Collection, Iterator, Mapping

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.grammar.fleets import STEADY_SECONDS
from repave.config.problems import Unfit, problem
from repave.config.quantities import NO_PORT, duration_seconds
from repave.config.words import mapping_of
from repave.model.recipe import ImageKind

ASKED = ("path", "interval", "timeout", "healthy", "unhealthy")
"""Keys of `health` that say how an instance is asked."""


def workers_in(document: Document) -> Collection[str]:
    """The fleets that have no port."""
    fleets = mapping_of(mapping_of(document.data).get("fleets"))
    return tuple(str(name) for name, fields in fleets.items() if mapping_of(fields).get("port") == NO_PORT)


def check_workers(document: Document) -> Iterator[Problem]:
    """What does nothing for a worker, and what does nothing but for one."""
    workers = workers_in(document)
    for fleet, fields in mapping_of(mapping_of(document.data).get("fleets")).items():
        place: Path = ("fleets", fleet)
        health = mapping_of(mapping_of(fields).get("health"))
        if fleet in workers:
            yield from _worker(document, place, mapping_of(fields))
            yield from _times(document, place, health)
        elif "steady" in health and isinstance(mapping_of(fields).get("port"), int):
            unfit = Unfit("`port: none`", hint="an instance with a port is well once it answers well")
            yield problem(document, document.at_key((*place, "health", "steady")), "`steady` does nothing here", unfit)
    for environment, fields in mapping_of(mapping_of(document.data).get("environments")).items():
        held = mapping_of(mapping_of(fields).get("fleets"))
        if "metrics" in mapping_of(mapping_of(fields).get("gates")) and held and held.keys() <= set(workers):
            unfit = Unfit("", hint="remove `metrics`: of workers nobody measures answers")
            found = "`metrics` would hold every release: no fleet here has a port"
            yield problem(document, document.at_key(("environments", environment, "gates", "metrics")), found, unfit)
        for fleet, sizes in held.items():
            if fleet in workers and "listen" in mapping_of(sizes):
                where: Path = ("environments", environment, "fleets", fleet, "listen")
                yield _nothing(document, where, str(fleet))


def _worker(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    fleet, image = str(place[1]), str(fields.get("image"))
    for key in ASKED:
        if key in mapping_of(fields.get("health")):
            yield _nothing(document, (*place, "health", key), fleet)
    if "requests_per_instance" in mapping_of(fields.get("scale")):
        yield _nothing(document, (*place, "scale", "requests_per_instance"), fleet)
    strategy = mapping_of(fields.get("rollout")).get("strategy", "rolling")
    if strategy in {"canary", "blue-green"}:
        where: Path = (*place, "rollout", "strategy")
        found = f"fleet `{fleet}` has no port, and `strategy` is `{strategy}`, which goes by requests"
        yield problem(document, document.at_value(where), found, Unfit("`rolling`"))
    images = mapping_of(mapping_of(document.data).get("images"))
    if mapping_of(images.get(image)).get("kind") == ImageKind.VM:
        found = f"fleet `{fleet}` has no port, and its image `{image}` is a virtual machine"
        hint = "how an application inside one fares shows in its answers alone; or make the image `kind: container`"
        yield problem(document, document.at_value((*place, "port")), found, Unfit("a port", hint=hint))


def _times(document: Document, place: Path, health: Mapping[str, object]) -> Iterator[Problem]:
    try:
        steady = duration_seconds(health.get("steady", f"{STEADY_SECONDS}s"))
        grace = duration_seconds(health["grace"]) if "grace" in health else None
    except Unfit:
        return  # told by the structure's check
    if grace is not None and grace <= steady:
        found = f"`grace` is `{health['grace']}`, and one is well only after {steady:g} s (`steady`)"
        yield problem(document, document.at_value((*place, "health", "grace")), found, Unfit("a longer duration"))


def _nothing(document: Document, place: Path, fleet: str) -> Problem:
    unfit = Unfit("", hint=f"remove `{place[-1]}`, or give fleet `{fleet}` a port")
    return problem(document, document.at_key(place), f"`{place[-1]}` does nothing: fleet `{fleet}` has no port", unfit)
