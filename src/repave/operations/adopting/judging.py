"""What becomes of a server's packages, sources, users, cron jobs and kernel parameters: pure, from the facts."""

import re
from collections.abc import Collection, Iterator

from repave.config.references import STATEFUL, STATELESS
from repave.model.recipe import ImageKind
from repave.operations.adopting.facts import Facts
from repave.operations.adopting.findings import Area, Covered, Fate, Found, listed
from repave.operations.adopting.rules import WITHIN_A_MACHINE, serves_machine
from repave.operations.adopting.withholding import variables_of

NUMBER = re.compile(r"[0-9]{1,10}")
"""Of a user: 32 bits."""

LOCAL_USERS = range(1000, 60000)
"""Numbers that people and services get by hand (Debian policy 9.2.2)."""

PULLED = re.compile(r"lib.+|gcc-\d+-base|.+-modules(?:-.+)?|.+-common|.+-data")
"""Parts of others: installers mark them as asked for, and nobody asked."""

ACCOUNTS = "/etc/sysusers.d/adopted.conf"
"""Where a recipe says which accounts a machine makes at its start (sysusers.d(5))."""

CRON_LINE = re.compile(r"^[ \t]*(?:@\w+|[\d*/,-]+[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+\S+)[ \t]+\S.*$", re.MULTILINE)
PARAMETER = re.compile(r"^[ \t]*-?([a-z][\w./-]*)[ \t]*=[ \t]*(.*\S)[ \t]*$", re.MULTILINE)


OWN_ADDRESS = re.compile(r"127\.|::1$|f[ef]0\d::|fe00::")
"""Of the machine itself and its link: each has those (hosts(5))."""

EVERYWHERE = re.compile(r"PATH|LANG(?:UAGE)?|LC_\w+|TZ")
"""What a machine's language and place are; a bake has its own."""


def stateful(package: str) -> bool:
    """Whether its service keeps what its users entrust to it on its own disk."""
    return package.startswith(STATEFUL) and not package.startswith(STATELESS)


def packages(facts: Facts, kind: ImageKind) -> tuple[Found, ...]:
    """Packages asked for by hand, and those held back; what becomes of them in an image of this kind."""
    by_hand = facts.database.by_hand
    essential = facts.database.closure(())
    needed = {name: facts.database.closure((name,)) for name in by_hand}
    kept = sorted(_of_units(facts)) if kind is ImageKind.VM else []
    asked = [
        name
        for name in dict.fromkeys((*by_hand, *kept))
        if name not in essential
        and not (PULLED.fullmatch(name) and any(name in needed[other] for other in by_hand if other != name))
    ]
    held = sorted(one.name for one in facts.database.packages.values() if one.held)
    return (*(_package(name, facts, kind) for name in asked), *(_held(name, facts) for name in held))


def _of_units(facts: Facts) -> Iterator[str]:
    """What the machine starts, though nobody asked for it: each installation has it, or it came with something else."""
    for unit in facts.units:
        package = facts.database.owners.get(unit.file, "")
        if WITHIN_A_MACHINE.fullmatch(package):
            yield package
        for program in () if package else unit.programs:
            owner = facts.database.owners.get(facts.target(program), "")
            yield from ["python3"] if owner.startswith("python3") else [owner] if owner else []


def covered_packages(facts: Facts, found: tuple[Found, ...]) -> Covered:
    """Of the packages asked for, and all that they need, those that the recipe brings; a machine's own do not count."""
    asked = [one for one in found if one.area is Area.PACKAGE and one.fate is not Fate.AGAIN]
    taken = [one.name for one in asked if one.fate is Fate.TAKEN]
    total = facts.database.closure(one.name for one in asked)
    return Covered(covered=len(facts.database.closure(taken)), total=len(total))


def _package(name: str, facts: Facts, kind: ImageKind) -> Found:
    version = facts.database.packages[name].version
    line = f"packages: [{name}]"
    foreign = [one for one in facts.foreign if name in facts.offered.get(one.list_prefix, frozenset())]
    own = [facts.offered[one.list_prefix] for one in facts.own if one.list_prefix in facts.offered]
    if serves_machine(name, kind):
        detail = "serves a machine, no container" if kind is not ImageKind.VM else "each machine has its own, or none"
        return Found(area=Area.PACKAGE, name=name, fate=Fate.AGAIN, detail=f"{version}: {detail}")
    if stateful(name):
        return Found(
            area=Area.PACKAGE, name=name, fate=Fate.STATE, detail=f"{version}: a service that stores data", line=line
        )
    if foreign and not any(name in names for names in own):
        detail = f"{version}, from {foreign[0].address}: a base asks one archive, so one must hold both"
        return Found(area=Area.PACKAGE, name=name, fate=Fate.OPEN, detail=detail, line=line)
    if own and not any(name in names for names in own):
        detail = f"{version}: in no archive that the server asks; it was installed from a file"
        return Found(area=Area.PACKAGE, name=name, fate=Fate.OPEN, detail=detail, line=line)
    return Found(area=Area.PACKAGE, name=name, fate=Fate.TAKEN, detail=version, line=line)


def _held(name: str, facts: Facts) -> Found:
    version = facts.database.packages[name].version
    return Found(
        area=Area.HELD,
        name=name,
        fate=Fate.OPEN,
        detail=f"held at {version}: the recipe takes what the suites have, and the lock holds that still from then on",
        line=f"packages: [{name}]",
    )


def foreign_sources(facts: Facts) -> tuple[Found, ...]:
    """Archives that are not the distribution's."""
    return tuple(
        Found(
            area=Area.SOURCE,
            name=one.line,
            fate=Fate.OPEN,
            detail=f"in {one.file}"
            + (f", its keys in {one.keyring}" if one.keyring else "")
            + (
                ""
                if one.list_prefix in facts.offered
                else "; its list is not there: which packages came from it is not known"
            ),
            line=f"base: {{mirror: {one.address}}}",
        )
        for one in facts.foreign
    )


def users(facts: Facts, back: Collection[str] | None = None) -> tuple[Found, ...]:
    """Accounts that no package makes; a machine makes those of ``back``, a container none."""
    lines = (line.split(":") for line in facts.texts.get("/etc/passwd", "").splitlines())
    accounts = [fields for fields in lines if len(fields) == 7 and NUMBER.fullmatch(fields[2])]  # noqa: PLR2004 - passwd(5)
    made = frozenset(back or ())
    why = "an image has the users that packages make" if back is None else "nothing that starts runs as it"
    hashes = set(re.findall(r"(?m)^([^:]+):\$", facts.texts.get("/etc/shadow", "")))
    return tuple(
        Found(
            area=Area.USER,
            name=fields[0],
            fate=Fate.TAKEN if fields[0] in made else Fate.OPEN,
            detail=f"number {fields[2]}, home {fields[5]}, shell {fields[6]}"
            + (", has a password" if fields[0] in hashes else "")
            + (": made at the start" if fields[0] in made else f": {why}"),
            line="user: www-data" if back is None else f"files: {{files{ACCOUNTS}: {ACCOUNTS}}}",
        )
        for fields in accounts
        if int(fields[2]) in LOCAL_USERS
    )


def cron_jobs(facts: Facts) -> tuple[Found, ...]:
    """Jobs that no package brings as they are, and timers of one's own."""
    return tuple(sorted((*crontabs(facts), *_timers(facts)), key=lambda one: one.name))


def crontabs(facts: Facts, back: Collection[str] | None = None) -> Iterator[Found]:
    """Jobs of cron that no package brings as they are; a machine runs those of ``back``, a container none."""
    for path, text in facts.texts.items():
        periodic = re.fullmatch(r"/etc/cron\.(?:hourly|daily|weekly|monthly)/[^/]+", path)
        table = path == "/etc/crontab" or path.startswith(("/etc/cron.d/", "/var/spool/cron/"))
        brought = path in facts.database.owners and path not in facts.changed
        if brought or path.endswith("/.placeholder") or not (periodic or table):
            continue
        jobs = 1 if periodic else len(CRON_LINE.findall(text))
        if jobs:
            run = back is not None and path in back
            lost = "not taken" if back is not None else "a container runs one command; start it from outside"
            yield Found(
                area=Area.CRON,
                name=path,
                fate=Fate.TAKEN if run else Fate.OPEN,
                detail=f"{jobs} job{'s' if jobs > 1 else ''}: {'run by cron, as before' if run else lost}",
                size_bytes=len(text),
                line=_first(text),
            )


def _timers(facts: Facts) -> Iterator[Found]:
    for unit in facts.units:
        if unit.name.endswith(".timer") and unit.file and unit.file not in facts.database.owners:
            when = unit.last("OnCalendar") or unit.last("OnUnitActiveSec")
            detail = f"a timer ({when}): a container runs one command; start it from outside"
            yield Found(area=Area.CRON, name=unit.file, fate=Fate.OPEN, detail=detail, line=f"# {when}")


def of_the_machine(facts: Facts) -> tuple[Found, ...]:
    """What was written by hand into files that each machine gets anew: names of other hosts, variables for all."""
    return (*_hosts(facts), *_variables(facts))


def _hosts(facts: Facts) -> Iterator[Found]:
    lines = [line.partition("#")[0].split() for line in facts.texts.get("/etc/hosts", "").splitlines()]
    own = facts.texts.get("/etc/hostname", "").strip().partition(".")[0]
    others = [words for words in lines if words[1:] and not OWN_ADDRESS.match(words[0]) and own not in words[1:]]
    if others:
        yield Found(
            area=Area.CONFIGURATION,
            name="/etc/hosts",
            fate=Fate.OPEN,
            detail=f"addresses of {listed([words[1] for words in others])}: have your name service know them",
            size_bytes=len(facts.texts["/etc/hosts"]),
            line=f"# {' '.join(others[0])}",
        )


def _variables(facts: Facts) -> Iterator[Found]:
    text = facts.texts.get("/etc/environment", "")
    names = [name for name in sorted(variables_of(text)) if not EVERYWHERE.fullmatch(name)]
    if names:
        yield Found(
            area=Area.CONFIGURATION,
            name="/etc/environment",
            fate=Fate.OPEN,
            detail=f"sets {listed(names)} for all: what a fleet needs of them is its configuration",
            size_bytes=len(text),
            line=f"config: {{{names[0]}: ...}}",
        )


def _first(text: str) -> str:
    """The first job, as a comment can hold it."""
    match = CRON_LINE.search(text)
    return f"# {match[0].strip()}" if match else ""


def kernel_parameters(facts: Facts, back: Collection[str] | None = None) -> tuple[Found, ...]:
    """Parameters that no package sets as they are; a machine has those of the files of ``back``, a container none."""
    found = []
    for path, text in sorted(facts.texts.items()):
        settings = path == "/etc/sysctl.conf" or (path.startswith("/etc/sysctl.d/") and path.endswith(".conf"))
        if settings and (path not in facts.database.owners or path in facts.changed):
            found += [
                Found(
                    area=Area.KERNEL,
                    name=f"{name} = {value}",
                    fate=Fate.TAKEN if back is not None and path in back else Fate.OPEN,
                    detail=f"in {path}" + (": of the machine below, which containers share" if back is None else ""),
                    line=f"# sysctl -w {name}={value}",
                )
                for name, value in PARAMETER.findall(text)
            ]
    return tuple(found)
