"""Which wheel of an image satisfies which requirement of another, for the image's own Python (PEP 508)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from repave.attestations.sbom.inventory import Facts

UPSTREAM = re.compile(r"(?:\d+:)?(\d+\.\d+(?:\.\d+)?)")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's name of an architecture, and the one that Python says."""


def environment(python: str, architecture: str) -> dict[str, str]:
    """What markers are judged by: the image's own Python, by the version of its package, on Linux."""
    match = UPSTREAM.match(python)
    full = match[1] if match else "3"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": MACHINES.get(architecture, architecture),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "sys_platform": "linux",
    }


@dataclass(kw_only=True)
class _Wheel:
    requirements: tuple[Requirement, ...]
    extras: set[str] = field(default_factory=lambda: {""})
    """Those that are wanted of it; the empty one always is."""

    needs: set[str] = field(default_factory=set)


def wheel_needs(wheels: Mapping[str, Facts], target: dict[str, str]) -> Mapping[str, tuple[str, ...]]:
    """By name of each wheel, the names of those that it requires.

    A lock does not tell which extras the file asked for. A wheel that nothing else requires, but that an extra of
    another wants, is taken to be there for that.
    """
    known: dict[str, str] = {canonicalize_name(name): name for name in wheels}
    graph = {name: _Wheel(requirements=tuple(_read(facts))) for name, facts in wheels.items()}
    _follow(graph, known, target)
    for name in sorted(graph):
        if not any(name in wheel.needs for wheel in graph.values()) and _activate(name, graph, target):
            _follow(graph, known, target)
    return {name: tuple(sorted(wheel.needs)) for name, wheel in graph.items()}


def _read(facts: Facts) -> Iterator[Requirement]:
    for text in facts.needs:
        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue  # an old upload; whoever resolved the lock could not read it either


def _follow(graph: Mapping[str, _Wheel], known: Mapping[str, str], target: dict[str, str]) -> None:
    """Add what is required, and the extras that are wanted by it, until nothing more comes."""
    waiting = list(graph)
    while waiting:
        wheel = graph[waiting.pop()]
        for requirement in wheel.requirements:
            name = known.get(canonicalize_name(requirement.name))
            if name is None or graph[name] is wheel or not _wanted(requirement, wheel.extras, target):
                continue
            wheel.needs.add(name)
            if not requirement.extras <= graph[name].extras:
                graph[name].extras |= requirement.extras
                waiting.append(name)


def _activate(name: str, graph: Mapping[str, _Wheel], target: dict[str, str]) -> bool:
    """Want the first extra that brings the wheel; whether there is one."""
    for other in sorted(graph):
        for requirement in graph[other].requirements:
            if other != name and canonicalize_name(requirement.name) == canonicalize_name(name):
                named = re.findall(r"extra\s*==\s*[\"']([^\"']+)[\"']", str(requirement.marker))
                for extra in named:
                    if _wanted(requirement, {extra}, target):
                        graph[other].extras.add(extra)
                        return True
    return False


def _wanted(requirement: Requirement, extras: set[str], target: dict[str, str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**target, "extra": extra}) for extra in extras)
