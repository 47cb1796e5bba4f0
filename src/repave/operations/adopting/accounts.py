"""The accounts that a machine's services and jobs run as, and the folders that are theirs; pure, from the facts.

A machine makes them at its start: sources are sysusers.d(5), tmpfiles.d(5), passwd(5), group(5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from repave.operations.adopting.facts import Facts
from repave.operations.adopting.judging import ACCOUNTS
from repave.operations.adopting.serving import EVERYWHERE
from repave.ports.server import Kind

FOLDERS_PLACE = "/etc/tmpfiles.d/adopted.conf"
WORDS = "# By `repave adopt`.\n"

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


def files(facts: Facts, accounts: Mapping[str, Account], without: Iterable[str]) -> Mapping[str, str]:
    """What has a machine make them, and the folders that are theirs; none below those of ``without``."""
    lines = {ACCOUNTS: list(_users(facts, accounts)), FOLDERS_PLACE: list(_folders(facts, accounts, tuple(without)))}
    return {place: WORDS + "".join(f"{line}\n" for line in said) for place, said in lines.items() if said}


def _known(facts: Facts) -> Mapping[str, Account]:
    fields = (line.split(":") for line in facts.texts.get("/etc/passwd", "").splitlines())
    return {
        one[0]: Account(name=one[0], number=int(one[2]), group=int(one[3]), home=one[5], login=one[6])
        for one in fields
        if len(one) == 7 and NAME.fullmatch(one[0]) and one[2].isdecimal() and one[3].isdecimal()  # noqa: PLR2004 - passwd(5)
    }


def _groups(facts: Facts) -> Mapping[str, tuple[int, tuple[str, ...]]]:
    """Number and members, by name."""
    fields = (line.split(":") for line in facts.texts.get("/etc/group", "").splitlines())
    return {
        one[0]: (int(one[2]), tuple(one[3].split(",")))
        for one in fields
        if len(one) == 4 and NAME.fullmatch(one[0]) and one[2].isdecimal()  # noqa: PLR2004 - group(5)
    }


def _users(facts: Facts, accounts: Mapping[str, Account]) -> Iterator[str]:
    groups = _groups(facts)
    names = {number: name for name, (number, _) in groups.items()}
    for one in accounts.values():
        group = names.get(one.group, one.name)
        if group != one.name:
            yield f"g {group} {one.group}"
        number = one.number if group == one.name else f"{one.number}:{one.group}"
        home, login = (said if PATH.fullmatch(said) else "-" for said in (one.home, one.login))
        yield f"u {one.name} {number} - {home} {login}"
        yield from (
            f"m {one.name} {name}"
            for name, (_, members) in groups.items()
            if one.name in members and name not in POWERFUL
        )


def _folders(facts: Facts, accounts: Mapping[str, Account], without: tuple[str, ...]) -> Iterator[str]:
    """The uppermost folders of each: what is in them is state, or the recipe's."""
    known = _known(facts)
    owners = {known[name].number: known[name] for name in (*accounts, *EVERYWHERE) if name in known}
    groups = {number: name for name, (number, _) in _groups(facts).items()}
    for path, one in sorted(facts.standing.items()):
        owner = owners.get(one.user)
        if one.kind is not Kind.FOLDER or owner is None or not f"{path}/".startswith(KEPT_BELOW):
            continue
        above = facts.standing.get(path.rpartition("/")[0])
        inside = any(f"{path}/".startswith(f"{folder}/") for folder in without) or "/node_modules/" in f"{path}/"
        if inside or path in facts.database.owners or not PATH.fullmatch(path):
            continue
        if above is None or above.user != one.user:
            yield f"d {path} {one.mode & 0o7777:04o} {owner.name} {groups.get(owner.group, owner.name)} -"
