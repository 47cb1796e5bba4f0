"""Everything that is read of a server, by the server port, before anything is judged."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from repave.operations.adopting import applications, dpkg, sources
from repave.operations.adopting.dpkg import Database
from repave.operations.adopting.listening import SERVERS, Port, declared
from repave.operations.adopting.rules import GENERATED
from repave.operations.adopting.sources import Release, Source
from repave.operations.adopting.units import FOLDERS, Unit, enabled
from repave.operations.errors import Refused
from repave.ports.progress import Progress
from repave.ports.server import Heard, Kind, Server, Standing

BATCH_BYTES = 64 << 20
"""Read at once: bounds what is held in memory."""

BATCH_FILES = 2000
LARGEST_TEXT_BYTES = 1 << 20
"""Of a script or setting that is read for what it says."""

SETTINGS = re.compile(
    r"/etc/(?:hostname|hosts|environment|passwd|group|shadow|crontab|cron\.[^/]+/.+|sysctl\.conf|sysctl\.d/.+|default/.+|apt/sources\.list|apt/sources\.list\.d/.+"
    r"|systemd/system/.+)|/(?:usr/lib|etc)/os-release|/var/spool/cron/.+|/usr/(?:local/)?lib/systemd/system/[^/]+"
    r"|/var/lib/(?:dpkg/(?:status|diversions|info/.+\.(?:list|md5sums))|apt/extended_states)|.+/(?:[^/]+)?\.env"
    r"|/var/lib/apt/lists/.+_(?:In)?Release"
)
ENABLED_ONCE = re.compile(r"/var/lib/systemd/deb-systemd-helper-enabled/([^/]+\.(?:wants|requires)/([^/]+))")
"""What a package's script leaves of each link that it has laid (deb-systemd-helper(1p))."""

VARIABLES = re.compile(r"(?m)^[ \t]*EnvironmentFile[ \t]*=[ \t]*(\S+)")
SOURCE_LISTS = re.compile(r"/var/lib/apt/lists/(.+?_dists_.+?_)(?:.*_)?Packages")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a server is, as far as it could be read."""

    name: str
    standing: Mapping[str, Standing]
    """By path."""

    folders: Mapping[str, str]
    """Links of the root to folders."""

    database: Database
    texts: Mapping[str, str]
    """What small files say, by path; links by what they lead to."""

    release: Release
    own: tuple[Source, ...]
    foreign: tuple[Source, ...]
    offered: Mapping[str, frozenset[str]]
    """Names of packages by ``Source.list_prefix``, of the sources whose lists are there."""

    units: tuple[Unit, ...]
    """Those that are enabled."""

    masked: frozenset[str]
    """Names of units that may not be started at all."""

    disabled: frozenset[tuple[str, str]]
    """Links that packages have laid and somebody has removed, below ``FOLDERS[0]``, each with its unit."""

    ports: tuple[Port, ...]
    changed: tuple[str, ...]
    """Files of packages that are not what their package brought."""

    removed: tuple[str, ...]
    """Conffiles that are not there any more."""

    unseen: tuple[str, ...]
    """What could not be read, a sentence each."""

    def target(self, path: str) -> str:
        """Where the links at and above ``path`` lead; empty for a loop."""
        return _target(path, self.standing, self.folders)


def gather(server: Server, progress: Progress) -> Facts:
    """Read a server. Raises Refused for one that is no Debian or Ubuntu, Unreachable, Denied."""
    tree = server.tree(progress)
    standing = {one.path: one for one in tree.standing}
    folders = {
        one.path: f"/{one.link.strip('/')}"
        for one in tree.standing
        if one.kind is Kind.LINK and one.path.count("/") == 1
    }
    files = [one for one in tree.standing if one.kind is Kind.FILE]
    settings = (one for one in files if SETTINGS.fullmatch(one.path))
    texts = dict(texts_of(server, settings, progress, "Reading settings"))
    release = sources.release(texts)
    if release.distribution not in sources.KNOWN or dpkg.STATUS not in texts or not release.name:
        raise Refused(
            f"{server.name} was not adopted: it is {release.distribution or 'no distribution that says what it is'}"
            f"{'' if dpkg.STATUS in texts else f', and {dpkg.STATUS} cannot be read'}",
            hint="repave adopts Debian and Ubuntu, whose packages its locks are made of",
        )
    database = dpkg.database(texts, folders)
    masked = masked_units(standing)
    texts |= _linked_units(server, standing, folders, progress)
    units = enabled((one.path for one in tree.standing if one.kind is Kind.LINK), texts, masked)
    commands = {dpkg.real(word, folders) for unit in units for word in unit.command}
    variables = {line.lstrip("-") for text in texts.values() for line in VARIABLES.findall(text)}
    texts |= dict(texts_of(server, _saying(files, database, commands | variables), progress, "Reading applications"))
    changed, unread = _changed(server, standing, database, progress)
    facts = Facts(
        name=server.name,
        standing=standing,
        folders=folders,
        database=database,
        texts=texts,
        release=release,
        own=(),
        foreign=(),
        offered=_offered(server, files, progress),
        units=units,
        masked=masked,
        disabled=_disabled_units(standing),
        ports=(),
        changed=changed,
        removed=_removed(standing, database),
        unseen=(
            *(f"{folder} may not be listed" for folder in tree.unseen),
            *(
                [f"{unread} files of packages may not be read: whether they were changed is not known"]
                if unread
                else []
            ),
        ),
    )
    return _with_ports(_with_sources(facts), server, progress)


def _disabled_units(standing: Mapping[str, Standing]) -> frozenset[tuple[str, str]]:
    """Links below the administrator's folder that are not there any more, and the unit of each."""
    once = (match for path in standing if (match := ENABLED_ONCE.fullmatch(path)))
    return frozenset((match[1], match[2]) for match in once if f"{FOLDERS[0]}/{match[1]}" not in standing)


def _linked_units(
    server: Server, standing: Mapping[str, Standing], folders: Mapping[str, str], progress: Progress
) -> Mapping[str, str]:
    """What units say that stand elsewhere and are linked to where systemd looks (systemctl(1), enable, link)."""
    links = (one.path for one in standing.values() if one.kind is Kind.LINK and one.path.rpartition("/")[0] in FOLDERS)
    targets = {path: _target(path, standing, folders) for path in links}
    there = {path: standing[target] for path, target in targets.items() if target in standing}
    wanted = {one.path: one for one in there.values() if one.kind is Kind.FILE and one.size_bytes <= LARGEST_TEXT_BYTES}
    said = dict(texts_of(server, wanted.values(), progress, "Reading units"))
    return {path: said[one.path] for path, one in there.items() if one.path in said}


def _target(path: str, standing: Mapping[str, Standing], folders: Mapping[str, str]) -> str:
    place = path
    for _ in range(40):  # as many as Linux itself follows (path_resolution(7))
        place = dpkg.real(place, folders)
        one = standing.get(place)
        if one is None or one.kind is not Kind.LINK:
            return place
        place = _joined(place, one.link)
    return ""


def masked_units(standing: Mapping[str, Standing]) -> frozenset[str]:
    """Units that may not be started at all, by name: where their file would be is nothing (systemctl(1))."""
    return frozenset(
        path.rpartition("/")[2]
        for path, one in standing.items()
        if path.startswith(f"{FOLDERS[0]}/")
        and path.count("/") == FOLDERS[0].count("/") + 1
        and (one.link == "/dev/null" if one.kind is Kind.LINK else one.kind is Kind.FILE and not one.size_bytes)
    )


def texts_of(server: Server, files: Iterable[Standing], progress: Progress, name: str) -> Iterator[tuple[str, str]]:
    """What files say, by path."""
    for path, content in contents_of(server, files, progress, name):
        yield path, content.decode(errors="replace")


def contents_of(
    server: Server, files: Iterable[Standing], progress: Progress, name: str
) -> Iterator[tuple[str, bytes]]:
    """What files hold, by path, a bounded number of bytes at a time."""
    wanted = list(files)
    with progress.task(name, total=sum(one.size_bytes for one in wanted), unit="B") as task:
        for batch in _batches(wanted):
            yield from server.contents([one.path for one in batch]).items()
            task.advance(sum(one.size_bytes for one in batch))


def _batches(files: Iterable[Standing]) -> Iterator[list[Standing]]:
    batch: list[Standing] = []
    size = 0
    for one in files:
        if batch and (size + one.size_bytes > BATCH_BYTES or len(batch) == BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size_bytes
    if batch:
        yield batch


def _saying(files: Iterable[Standing], database: Database, commands: Collection[str]) -> Iterator[Standing]:
    """Files that are read for what they say of applications and ports; ``commands`` are those that units name."""
    for one in files:
        own = one.path not in database.owners and not GENERATED.fullmatch(one.path)
        told = one.path.endswith((f"/{applications.MANIFEST}", f"/{applications.PACKAGE_LOCK}"))
        node = own and told and f"/{applications.MODULES}/" not in one.path
        python = own and ".dist-info/" in one.path and one.path.endswith(("/RECORD", f"/{applications.DIRECT}"))
        script = own and one.path in commands and one.size_bytes <= LARGEST_TEXT_BYTES
        if node or python or script or one.path.startswith(tuple(SERVERS)):
            yield one


def _changed(
    server: Server, standing: Mapping[str, Standing], database: Database, progress: Progress
) -> tuple[tuple[str, ...], int]:
    """Those that are not what their package brought, and how many may not be read."""
    wanted = [standing[path] for path in database.originals if path in standing and standing[path].kind is Kind.FILE]
    found: list[str] = []
    read = 0
    with progress.task("Comparing with packages", total=sum(one.size_bytes for one in wanted), unit="B") as task:
        for batch in _batches(wanted):
            hashes = server.md5(one.path for one in batch)
            found += [path for path, digest in hashes.items() if digest != database.originals[path]]
            read += len(hashes)
            task.advance(sum(one.size_bytes for one in batch))
    return tuple(sorted(found)), len(wanted) - read


def _removed(standing: Mapping[str, Standing], database: Database) -> tuple[str, ...]:
    conffiles = (path for package in database.packages.values() for path in package.conffiles)
    return tuple(sorted(path for path in conffiles if path not in standing))


def _offered(server: Server, files: Iterable[Standing], progress: Progress) -> Mapping[str, frozenset[str]]:
    offered: dict[str, frozenset[str]] = {}
    lists = (one for one in files if SOURCE_LISTS.fullmatch(one.path))
    for path, content in contents_of(server, lists, progress, "Reading lists of packages"):
        match = SOURCE_LISTS.fullmatch(path)
        names = frozenset(name.decode() for name in re.findall(rb"(?m)^Package: ([a-z0-9][a-z0-9+.-]+)$", content))
        prefix = match[1] if match else ""
        offered[prefix] = offered.get(prefix, frozenset()) | names
    return offered


def _with_sources(facts: Facts) -> Facts:
    found = sources.sources(facts.texts)
    origins = {
        re.sub(r"(?:In)?Release$", "", path.removeprefix(sources.LISTS)): match[1].strip()
        for path, text in facts.texts.items()
        if path.startswith(sources.LISTS) and (match := re.search(r"(?m)^Origin:(.*)$", text))
    }
    own = tuple(one for one in found if sources.is_own(one, facts.release, origins))
    return replace(facts, own=own, foreign=tuple(one for one in found if one not in own))


def _with_ports(facts: Facts, server: Server, progress: Progress) -> Facts:
    """What is heard counts; what is only said is added, for a service may be down just now."""
    with progress.task("Looking at ports"):
        heard = server.heard()
    linked = {
        path: facts.texts[target]
        for path, one in facts.standing.items()
        if one.kind is Kind.LINK and (target := facts.target(path)) in facts.texts
    }
    told = declared(facts.units, {**facts.texts, **linked})
    off = facts.masked.union(unit for _, unit in facts.disabled)
    said = {port.number: port for port in told if port.unit not in off}
    running = {port.number: port for port in _heard(heard)}
    ports = {
        number: replace(said[number], local=running[number].local) if number in said and number in running else port
        for number, port in {**said, **running}.items()
    }
    found = tuple(ports[number] for number in sorted(ports))
    return replace(facts, texts={**facts.texts, **linked}, ports=found, unseen=(*facts.unseen, *heard.unseen))


def _heard(heard: Heard) -> Iterator[Port]:
    for number in sorted({one.port for one in heard.listeners}):
        here = [one for one in heard.listeners if one.port == number]
        first = here[0]
        yield Port(
            number=number,
            program=first.program,
            arguments=first.arguments,
            unit=first.unit,
            local=all(one.address.startswith("127.") or one.address == "::1" for one in here),
        )


def _joined(path: str, link: str) -> str:
    """The path that a link at ``path`` leads to, without ``..``."""
    parts = [] if link.startswith("/") else path.split("/")[1:-1]
    for part in link.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts = [*parts, part]
    return "/" + "/".join(parts)
