"""A recipe as the text of ``repave.yaml``, with everything that a person must decide beside it: pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repave.model.recipe import ImageKind
from repave.operations.adopting.findings import Fate, Found
from repave.operations.adopting.serving import STAND_IN, Service
from repave.operations.adopting.sources import Release, Source
from repave.operations.scalars import one_line, quoted, scalar

FILES = "files"
"""The folder beside ``repave.yaml`` in which the server's own files lie, by their paths."""

GROUP_PARTS = 2
"""Folders from the root down that are one line: `/etc/nginx/`, `/srv/shop/`."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that the file says."""

    server: str
    project: str
    release: Release
    sources: tuple[Source, ...]
    """The distribution's own."""

    architecture: str
    packages: tuple[str, ...]
    python: tuple[str, ...]
    node: str
    """The folder of the Node application; empty where there is none."""

    files: tuple[str, ...]
    """Their places in the image."""

    service: Service | None
    """What a client meets first; a container runs it."""

    units: tuple[str, ...] = ()
    """What a virtual machine starts."""

    disk_gibibytes: int = 0
    """Of a virtual machine; 0 is what any has."""

    kind: ImageKind = ImageKind.CONTAINER
    open: tuple[Found, ...]
    """What a person must decide."""

    @property
    def runs_units_alone(self) -> bool:
        """Whether what a client meets first is one of the units."""
        if self.service is None:
            return bool(self.units)
        return self.service.unit is not None and self.service.unit.name in self.units


def written(recipe: Recipe) -> str:
    """The file."""
    lines = [
        f"# What {one_line(recipe.server)} is made of, by `repave adopt`; what is yours to decide stands at the end.",
        "# Next: `repave lock` pins every byte, `repave bake` makes the image, `repave deploy test` runs it.",
        f"project: {scalar(recipe.project)}",
        "",
        "images:",
        f"  {scalar(recipe.project)}:",
        f"    kind: {recipe.kind}",
        *([f"    disk: {recipe.disk_gibibytes}GiB"] if recipe.disk_gibibytes else []),
        f"    base: {_base(recipe)}",
        *_listed("packages", recipe.packages, "Asked for by hand; what they need comes with them."),
        *_listed("python", recipe.python, "The versions that the server has."),
        *_node(recipe),
        *_files(recipe),
        *_units(recipe),
        *([] if recipe.runs_units_alone else _run(recipe.service)),
        *_fleet(recipe),
        *_decisions(recipe.open),
    ]
    return "\n".join(lines) + "\n"


def mappings(places: Iterable[str]) -> dict[str, str]:
    """Source and target of each folder or file, as few lines as tell them apart."""
    found: dict[str, str] = {}
    for place in sorted(places):
        folders = place.split("/")[1:-1][:GROUP_PARTS]
        target = f"/{'/'.join(folders)}/" if len(folders) == GROUP_PARTS else place
        found[f"{FILES}{target}"] = target
    return found


def _base(recipe: Recipe) -> str:
    release = recipe.release
    pockets = (one.suite for one in recipe.sources if one.suite.startswith(release.name))
    suites = dict.fromkeys(suite.replace("/", "-").replace("-updates-updates", "-updates") for suite in pockets)
    said = f", suites: [{', '.join(map(scalar, suites))}]" if suites else ""
    other = "" if recipe.architecture in {"", "amd64"} else f", architecture: {scalar(recipe.architecture)}"
    return f"{{distribution: {scalar(release.distribution)}, release: {scalar(release.name)}{said}{other}}}"


def _listed(key: str, values: tuple[str, ...], why: str) -> Iterator[str]:
    if values:
        yield f"    # {why}"
        yield f"    {key}:"
        yield from (f"      - {scalar(value)}" for value in values)


def _node(recipe: Recipe) -> Iterator[str]:
    if recipe.node:
        lock = f"{FILES}{recipe.node}/package-lock.json"
        yield f"    node: {{lock: {quoted(lock)}, into: {quoted(recipe.node)}}}"


def _files(recipe: Recipe) -> Iterator[str]:
    if recipe.files:
        yield "    # The server's own files: settings that were changed, and what no package owns."
        yield "    files:"
        yield from (f"      {scalar(source)}: {scalar(target)}" for source, target in mappings(recipe.files).items())


def _units(recipe: Recipe) -> Iterator[str]:
    if recipe.units:
        yield "    # What starts, as it did there: services of packages, and the server's own among the files."
        yield "    units:"
        yield from (f"      - {scalar(unit)}" for unit in recipe.units)


def _run(service: Service | None) -> Iterator[str]:
    if service is None:
        yield "    # Nothing on the server waits on a port that an image could serve: put your command here."
    elif service.port is not None:
        unit = f" (there by {one_line(service.unit.name)})" if service.unit else ""
        yield f"    # It waits on port {service.port.number}{unit}; no shell interprets it."
    yield f"    run: [{', '.join(map(quoted, service.command if service else STAND_IN))}]"
    yield f"    user: {service.user if service else 'nobody'}"
    if service and service.scratch:
        yield "    # It writes here while it runs, and what it writes is gone with the instance."
        yield f"    data: [{', '.join(map(scalar, service.scratch))}]"
        yield "    ephemeral: true"


def _fleet(recipe: Recipe) -> Iterator[str]:
    service = recipe.service
    if service is None or service.port is None:
        return
    yield from (
        "",
        "fleets:",
        f"  {scalar(recipe.project)}:",
        f"    image: {scalar(recipe.project)}",
        f"    port: {service.port.number}",
        "    # `/` must answer with 2xx or 3xx for an instance to get requests.",
        "    health: {path: /}",
        "",
        "environments:",
        "  test:",
        "    provider: local",
        f"    fleets: {{{scalar(recipe.project)}: {{size: 2}}}}",
    )
    if service.variables:
        yield f"    # What {one_line(service.unit.name if service.unit else 'its unit')} sets."
        yield "    config:"
        yield from (f"      {scalar(name)}: {quoted(value)}" for name, value in service.variables.items())
    for name in service.withheld:
        yield f"    # Withheld; a secret is given by where it is kept: config: {{{name}: {{secret: env:{name}}}}}"


def _decisions(found: tuple[Found, ...]) -> Iterator[str]:
    if found:
        yield ""
        yield "# To decide, and the line that would say it:"
    for one in found:
        size = f", {one.size_bytes} bytes" if one.size_bytes else ""
        kind = one.fate if one.fate in {Fate.STATE, Fate.SECRET} else one.area
        yield f"#   {kind}: {one_line(one.name)}{size}{f' - {one_line(one.detail)}' if one.detail else ''}"
        if one.line:
            yield f"#       {one_line(one.line.removeprefix('# '))}"
