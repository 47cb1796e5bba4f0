"""What becomes of each file of a server: pure, from the facts and the rules."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repave.model.recipe import ImageKind
from repave.operations.adopting.applications import MODULES, Environment, NodeApplication
from repave.operations.adopting.facts import Facts
from repave.operations.adopting.findings import Area, Fate, Found
from repave.operations.adopting.rules import MADE_BY_PACKAGES, SECRET, Rules
from repave.ports.server import Kind, Standing

LARGEST_COPIED_BYTES = 64 << 20
"""A larger file is a release of something, and is had by its address (`fetch`)."""

MANAGED = ("/etc/cron", "/etc/crontab", "/etc/sysctl", "/var/spool/cron")
"""Told by kinds of their own."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Files by what becomes of them."""

    copies: Mapping[str, Standing]
    """By their place in the image: the file on the server. Looked at for secrets before they are taken."""

    emptied: tuple[str, ...]
    """What was removed by hand and packages would bring again: an empty file stands in its place."""

    found: tuple[Found, ...]
    taken_bytes: int
    """Of packages and applications that the recipe brings back by their pins."""

    total_bytes: int
    """Of all that is no cache and is not made again."""


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What the recipe brings back without any file."""

    asked: frozenset[str]
    """Packages that somebody asked for, with all that they need."""

    packages: frozenset[str]
    """Those of them that the recipe has."""

    environments: tuple[Environment, ...]
    node: tuple[NodeApplication, ...]


def place(facts: Facts, rules: Rules, brought: Brought, kind: ImageKind) -> Placed:
    """What becomes of each file, by its owner and its path, in an image of this kind."""
    pinned = _Pinned(facts, brought.environments, brought.node)
    changed = frozenset(facts.changed)
    copies: dict[str, Standing] = {}
    found: list[Found] = []
    taken = total = 0
    for path, one in facts.standing.items():
        if one.kind not in {Kind.FILE, Kind.LINK}:
            continue
        owner = facts.database.owners.get(path, "")
        if owner and path not in changed:
            total += one.size_bytes if owner in brought.asked else 0
            taken += one.size_bytes if owner in brought.packages else 0
            continue
        if pinned.has(path):
            taken, total = taken + one.size_bytes, total + one.size_bytes
            continue
        fate = _fate(path, one, facts, rules, owned=bool(owner))
        if fate is Fate.AGAIN:
            continue
        total += one.size_bytes
        source = facts.standing.get(facts.target(path))
        if fate is Fate.TAKEN and not path.isprintable():
            found.append(_open(path, one, "its name has characters that no file for people should hold"))
        elif fate is Fate.TAKEN and (source is None or source.kind is not Kind.FILE):
            found.append(_open(path, one, f"a link to {one.link}, which is no file"))
        elif fate is Fate.TAKEN and source is not None and source.size_bytes > LARGEST_COPIED_BYTES:
            line = f'fetch: [{{url: https://..., into: {path}, mode: "{_mode(source)}"}}]'
            found.append(_open(path, one, "too large for a recipe's folder: fetch it by its address", line))
        elif fate is Fate.TAKEN and source is not None:
            copies[path] = source
        else:
            found.append(_told(path, one, fate, kind))
    emptied = tuple(sorted((*_off(facts), *(path for path in facts.removed if path.startswith("/etc/")))))
    return Placed(copies=copies, emptied=emptied, found=tuple(found), taken_bytes=taken, total_bytes=total)


class _Pinned:
    """Files that come back by the pins of Python and Node packages."""

    def __init__(self, facts: Facts, environments: tuple[Environment, ...], node: tuple[NodeApplication, ...]) -> None:
        self._folders = tuple(
            [f"{one.folder}/" for one in environments if one.virtual and one.pins]
            + [f"{one.folder}/{MODULES}/" for one in node if one.locked]
        )
        self._files = frozenset(
            path
            for one in environments
            if not one.virtual and one.pins
            for record, text in facts.texts.items()
            if record.startswith(f"{one.site}/") and record.endswith(".dist-info/RECORD")
            for path in _recorded(one.site, text)
        )

    def has(self, path: str) -> bool:
        """Whether this file does."""
        return path.startswith(self._folders) or path in self._files


def _recorded(site: str, text: str) -> Iterable[str]:
    for line in text.splitlines():
        named = line.rsplit(",", 2)[0].strip('"')
        parts = site.split("/")[1:]
        for part in named.split("/"):
            parts = parts[:-1] if part == ".." else [*parts, part]
        yield "/" + "/".join(parts)


def _fate(path: str, one: Standing, facts: Facts, rules: Rules, *, owned: bool) -> Fate:
    if owned:
        return Fate.SECRET if SECRET.fullmatch(path) else Fate.TAKEN
    if f"/{MODULES}/" in path:
        return Fate.OPEN
    if path in MADE_BY_PACKAGES and facts.database.owners.get(facts.target(path)):
        return Fate.AGAIN
    if one.kind is Kind.LINK and _is_made_again(path, facts):
        return Fate.AGAIN
    if path.startswith(MANAGED):
        return Fate.AGAIN if path.startswith("/var/") else Fate.TAKEN
    return rules.of(path)


def _is_made_again(path: str, facts: Facts) -> bool:
    """Links that packages' scripts make lead into packages; one's own stand below /usr/local and among settings."""
    target = facts.target(path)
    if re.match(r"/usr/(?!local/)|/var/", path):
        return True
    if re.match(r"/etc/systemd/system/[^/]+$", path):
        return target in facts.database.owners or target not in facts.standing
    return target == "" or (
        target in facts.database.owners and not path.startswith(("/usr/local/", "/etc/", "/opt/", "/srv/"))
    )


def _off(facts: Facts) -> Iterable[str]:
    """Links that packages make, and somebody has removed."""
    return (
        path
        for path, package in MADE_BY_PACKAGES.items()
        if package in facts.database.packages and path not in facts.standing
    )


def _mode(one: Standing) -> str:
    return "0755" if one.mode & 0o100 else "0644"


def _open(path: str, one: Standing, detail: str, line: str = "") -> Found:
    return Found(area=Area.FILES, name=path, fate=Fate.OPEN, detail=detail, size_bytes=one.size_bytes, line=line)


def _told(path: str, one: Standing, fate: Fate, kind: ImageKind) -> Found:
    if fate is Fate.STATE:
        folder = f"{path.rpartition('/')[0]}/"
        kept = f"repave adopt --take {folder}" if kind is ImageKind.VM else f"data: [{folder}], ephemeral: true"
        line = f"{kept}  # only if it may be lost"
        return Found(area=Area.STATE, name=path, fate=fate, size_bytes=one.size_bytes, line=line)
    if fate is Fate.SECRET:
        line = "config: {NAME: {secret: env:NAME}}"
        return Found(area=Area.SECRET, name=path, fate=fate, size_bytes=one.size_bytes, line=line)
    return _open(path, one, "no rule knows it: --state or --take says what it is", f"repave adopt --take {path}")
