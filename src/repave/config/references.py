"""What the parts of the file say of each other: names that must be declared, addresses that must differ, state.

Works on the plain data, so that these problems are told together with those of the structure; whatever has the wrong
shape is passed over, for the structure's check tells it.
"""

from collections.abc import Collection, Iterable, Iterator

from repave.config.ages import check_ages
from repave.config.checks import check_checks
from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.gates import check_gates
from repave.config.machines import check_machines
from repave.config.order import check_order
from repave.config.origins import check_origins
from repave.config.problems import Unfit, nearest, one_of, problem
from repave.config.protocols import check_protocols
from repave.config.quantities import listen_address
from repave.config.reviews import check_review
from repave.config.rollouts import check_rollouts
from repave.config.scaling import check_scaling
from repave.config.targets import check_targets
from repave.config.words import mapping_of

STATEFUL = (
    "cassandra", "clickhouse-server", "couchdb", "elasticsearch", "etcd-server", "firebird", "influxdb",
    "keydb-server", "mariadb-server", "memcachedb", "minio", "mongodb", "mysql-server", "nfs-kernel-server",
    "opensearch", "percona-server", "percona-xtradb", "postgresql", "rabbitmq-server", "redis-server", "slapd",
    "valkey-server", "zookeeperd",
)  # fmt: skip
"""Beginnings of the names of Debian packages whose service keeps what its users entrust to it on its own disk."""

STATELESS = ("postgresql-client", "postgresql-common", "postgresql-doc", "postgresql-server-dev")
"""Packages that begin alike and keep nothing."""


def check_references(document: Document) -> Iterator[Problem]:
    """Everything that does not fit together."""
    yield from _images_of_fleets(document)
    yield from _fleets_of_environments(document)
    yield from check_order(document)
    yield from check_rollouts(document)
    yield from _pipeline(document)
    yield from _addresses(document)
    yield from _repeated(document)
    yield from _state(document)
    yield from check_targets(document)
    yield from check_machines(document)
    yield from check_scaling(document)
    yield from check_protocols(document)
    yield from check_origins(document)
    yield from check_ages(document)
    yield from check_gates(document)
    yield from check_checks(document)
    yield from check_review(document)


def check_providers(document: Document, installed: Collection[str]) -> Iterator[Problem]:
    """Every environment's provider is one of those that are installed."""
    for environment, fields in _section(document, "environments").items():
        name = mapping_of(fields).get("provider")
        if isinstance(name, str) and name not in installed:
            position = document.at_value(("environments", environment, "provider"))
            hint = "other packages bring more by the entry point `repave.providers`"
            unfit = Unfit(one_of(sorted(installed)), nearest=nearest(name, installed), hint=hint)
            yield problem(document, position, f"provider `{name}` is not installed", unfit)


def _images_of_fleets(document: Document) -> Iterator[Problem]:
    images = tuple(_section(document, "images"))
    for fleet, fields in _section(document, "fleets").items():
        image = mapping_of(fields).get("image")
        if isinstance(image, str) and image not in images:
            path = ("fleets", fleet, "image")
            yield problem(document, document.at_value(path), f"unknown image `{image}`", _known(image, images))


def _fleets_of_environments(document: Document) -> Iterator[Problem]:
    fleets = tuple(_section(document, "fleets"))
    for environment, fields in _section(document, "environments").items():
        for fleet in mapping_of(mapping_of(fields).get("fleets")):
            if fleet not in fleets:
                path = ("environments", environment, "fleets", fleet)
                found = f"unknown fleet `{fleet}` in environment `{environment}`"
                yield problem(document, document.at_key(path), found, _known(fleet, fleets))


def _pipeline(document: Document) -> Iterator[Problem]:
    pipeline = _section(document, "").get("pipeline")
    environments = tuple(_section(document, "environments"))
    if not isinstance(pipeline, list):
        return
    for index, name in enumerate(pipeline):
        path = ("pipeline", index)
        if not isinstance(name, str):
            continue
        if name not in environments:
            found = f"unknown environment `{name}` in `pipeline`"
            yield problem(document, document.at_value(path), found, _known(name, environments))
        elif name in pipeline[:index]:
            yield problem(
                document, document.at_value(path), f"environment `{name}` stands in `pipeline` again", Unfit("it once")
            )
    left_out = [name for name in environments if name not in pipeline]
    if left_out and pipeline:
        found = f"`pipeline` leaves out {', '.join(f'`{name}`' for name in left_out)}"
        expected = Unfit("every environment once", hint="or leave `pipeline` out: the order is then that of the file")
        yield problem(document, document.at_key(("pipeline",)), found, expected)


def _addresses(document: Document) -> Iterator[Problem]:
    """No two fleets can listen on one address."""
    taken: dict[str, str] = {}
    for environment, fields in _section(document, "environments").items():
        for fleet, sizes in mapping_of(mapping_of(fields).get("fleets")).items():
            written = mapping_of(sizes).get("listen")
            try:
                address = listen_address(written)
            except Unfit:
                continue  # absent, or told by the structure's check
            if address in taken:
                path = ("environments", environment, "fleets", fleet, "listen")
                found = f"`listen` is `{address}`, which fleet {taken[address]} has already"
                yield problem(document, document.at_value(path), found, Unfit("an address of its own"))
            taken.setdefault(address, f"`{fleet}` of environment `{environment}`")


def _repeated(document: Document) -> Iterator[Problem]:
    """Lists of names in which a second mention can only be a slip."""
    for environment, fields in _section(document, "environments").items():
        yield from _twice(document, ("environments", environment, "zones"), mapping_of(fields).get("zones"))
    for image, fields in _section(document, "images").items():
        yield from _twice(document, ("images", image, "packages"), mapping_of(fields).get("packages"))
        yield from _twice(document, ("images", image, "python"), mapping_of(fields).get("python"))
        yield from _twice(document, ("images", image, "units"), mapping_of(fields).get("units"))
        suites = mapping_of(mapping_of(fields).get("base")).get("suites")
        yield from _twice(document, ("images", image, "base", "suites"), suites)
        files = mapping_of(mapping_of(fields).get("files"))
        targets: dict[object, str] = {}
        for source, target in files.items():
            if isinstance(target, str) and target in targets:
                found = f"`{source}` and `{targets[target]}` both go to `{target}`"
                position = document.at_value(("images", image, "files", source))
                yield problem(document, position, found, Unfit("a target of its own"))
            targets.setdefault(target if isinstance(target, str) else source, source)


def _twice(document: Document, path: Path, values: object) -> Iterator[Problem]:
    if not isinstance(values, list):
        return
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            found = f"`{value}` stands in `{path[-1]}` again"
            yield problem(document, document.at_value((*path, index)), found, Unfit("it once"))


def _state(document: Document) -> Iterator[Problem]:
    """An image that keeps state on its own disk loses it at every rollout."""
    for image, fields in _section(document, "images").items():
        if mapping_of(fields).get("ephemeral") is True:
            continue
        hint = "every rollout would lose it: run it elsewhere, or say `ephemeral: true` if it may be lost"
        packages, kept = mapping_of(fields).get("packages"), mapping_of(fields).get("data")
        for index, place in enumerate(kept if isinstance(kept, list) else ()):
            found = f"image `{image}` would keep state on its own disk: `{place}` is declared as data"
            yield problem(document, document.at_value(("images", image, "data", index)), found, Unfit("", hint=hint))
        for index, package in enumerate(packages if isinstance(packages, list) else ()):
            if isinstance(package, str) and package.startswith(STATEFUL) and not package.startswith(STATELESS):
                found = f"image `{image}` would keep state on its own disk: `{package}` is a service that stores data"
                position = document.at_value(("images", image, "packages", index))
                yield problem(document, position, found, Unfit("", hint=hint))


def _section(document: Document, name: str) -> dict[str, object]:
    """A top section of the file, or with no name the file; empty where it has another shape."""
    top = mapping_of(document.data)
    return dict(mapping_of(top.get(name)) if name else top)


def _known(name: str, names: Iterable[str]) -> Unfit:
    known = tuple(names)
    return Unfit(one_of(known), nearest=nearest(name, known))
