"""The accounts that a machine's services and jobs run as, and the folders that are theirs; pure, from the facts.

A machine makes them at its start: sources are sysusers.d(5), tmpfiles.d(5), passwd(5), group(5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from repave.operations.adopting.facts import Facts
from repave.operations.adopting.findings import MADE
from repave.operations.adopting.judging import ACCOUNTS
from repave.operations.adopting.serving import EVERYWHERE
from repave.ports.server import Kind, is_plain

FOLDERS_PLACE = "/etc/tmpfiles.d/adopted.conf"

LONGEST_NUMBER, LAST_NUMBER = 10, 0xFFFF_0000
"""Digits, and where those begin that mean something else (systemd.io/UIDS-GIDS)."""

FIRST_NUMBER = 100
"""Below are those that every image has (Debian policy 9.2.2)."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}")
PATH = re.compile(r"/[\w./+-]*", re.ASCII)
"""Without what means something in these files."""

POWERFUL = frozenset({"root", "sudo", "wheel", "admin", "docker", "lxd", "libvirt", "disk", "shadow"})
"""Groups that own the machine: for people who logged in, which nobody does any more."""

KEPT_BELOW = ("/var/log/", "/var/lib/", "/var/cache/", "/var/spool/", "/var/www/", "/srv/", "/opt/", "/home/", "/etc/")


@dataclass(frozen=True, kw_only=True)
class Account:
    """One line of ``/etc/passwd``."""

    name: str
    number: int
    group: int
    home: str
    login: str
    """What it logged in to."""


def wanted(facts: Facts, names: Iterable[str]) -> Mapping[str, Account]:
    """Of these the ones that no package of every image makes, by name; what is no plain name is none."""
    known = _known(facts)
    found = (known[name] for name in dict.fromkeys(names) if name in known and name not in EVERYWHERE)
    return {one.name: one for one in found if one.number >= FIRST_NUMBER}


@dataclass(frozen=True, kw_only=True)
class Places:
    """Folders that count beside those of accounts."""

    started: frozenset[str]
    """In which something is started: they must be there."""

    without: tuple[str, ...]
    """Below which nothing is made."""


def files(facts: Facts, accounts: Mapping[str, Account], groups: Iterable[str], places: Places) -> Mapping[str, str]:
    """What has a machine make them, more groups, and the folders that are theirs or in which something is started."""
    lines = {
        ACCOUNTS: list(_users(facts, accounts, groups)),
        FOLDERS_PLACE: list(_folders(facts, accounts, places)),
    }
    return {place: "\n".join([MADE, *said, ""]) for place, said in lines.items() if said}


def _known(facts: Facts) -> Mapping[str, Account]:
    fields = (line.split(":") for line in facts.texts.get("/etc/passwd", "").splitlines())
    return {
        one[0]: Account(name=one[0], number=int(one[2]), group=int(one[3]), home=one[5], login=one[6])
        for one in fields
        if len(one) == 7 and NAME.fullmatch(one[0]) and _is_number(one[2]) and _is_number(one[3])  # noqa: PLR2004 - passwd(5)
    }


def _groups(facts: Facts) -> Mapping[str, tuple[int, tuple[str, ...]]]:
    """Number and members, by name."""
    fields = (line.split(":") for line in facts.texts.get("/etc/group", "").splitlines())
    return {
        one[0]: (int(one[2]), tuple(one[3].split(",")))
        for one in fields
        if len(one) == 4 and NAME.fullmatch(one[0]) and _is_number(one[2])  # noqa: PLR2004 - group(5)
    }


def _is_number(said: str) -> bool:
    """Whether it is one of a user or group, of 32 bits, that is none of those with a meaning of its own."""
    return said.isascii() and said.isdecimal() and len(said) <= LONGEST_NUMBER and int(said) < LAST_NUMBER


def _users(facts: Facts, accounts: Mapping[str, Account], groups: Iterable[str]) -> Iterator[str]:
    known = _groups(facts)
    names = {number: name for name, (number, _) in known.items() if name not in POWERFUL}
    own = {name for name in groups if name in known and name not in POWERFUL and known[name][0] >= FIRST_NUMBER}
    own |= {names[one.group] for one in accounts.values() if one.group in names and one.group >= FIRST_NUMBER}
    for name in sorted(own):
        yield f"g {name} {known[name][0]}"
    for one in accounts.values():
        number = f"{one.number}:{one.group}" if one.group in names else str(one.number)
        home, login = (said if _is_plain(said) else "-" for said in (one.home, one.login))
        yield f"u {one.name} {number} - {home} {login}"
        yield from (
            f"m {one.name} {name}"
            for name, (_, members) in known.items()
            if one.name in members and name not in POWERFUL
        )


def _is_plain(path: str) -> bool:
    return PATH.fullmatch(path) is not None and is_plain(path)


def _folders(facts: Facts, accounts: Mapping[str, Account], places: Places) -> Iterator[str]:
    """The uppermost folders of each: what is in them is state, or the recipe's."""
    known = _known(facts)
    owners = {known[name].number: known[name] for name in (*accounts, *EVERYWHERE) if name in known}
    groups = {number: name for name, (number, _) in _groups(facts).items()}
    for path, one in sorted(facts.standing.items()):
        if one.kind is not Kind.FOLDER or path in facts.database.owners or not _is_plain(path):
            continue
        owner = owners.get(one.user)
        above = facts.standing.get(path.rpartition("/")[0])
        inside = any(f"{path}/".startswith(f"{folder}/") for folder in places.without) or "/node_modules/" in f"{path}/"
        theirs = owner is not None and f"{path}/".startswith(KEPT_BELOW) and not inside
        if path in places.started or (theirs and (above is None or above.user != one.user)):
            group = groups.get(owner.group, owner.name) if owner else "root"
            yield f"d {path} {one.mode & 0o7777:04o} {owner.name if owner else 'root'} {group} -"
