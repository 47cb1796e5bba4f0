"""A server's own files, brought beside the recipe: each is looked at first, and no secret is taken.

Where they lie is the server's word, and it may lie: they are written as the files of an archive of strangers are.
"""

import stat
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from repave.archives.entries import Checker, Entry
from repave.archives.entries import Kind as EntryKind
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.unpacking import unpack
from repave.operations.adopting.facts import Facts, contents_of
from repave.operations.adopting.findings import Area, Fate, Found
from repave.operations.adopting.secrecy import secret_in
from repave.operations.adopting.withholding import crontab_without_secrets, unit_without_secrets
from repave.operations.guards.hook_patterns import STARTING, brings_unpinned
from repave.operations.guards.secret_patterns import Found as Secret
from repave.ports.progress import Progress
from repave.ports.server import Server, Standing

ELF = b"\x7fELF"


def copied(
    server: Server, copies: Mapping[str, Standing], facts: Facts, target: Path, progress: Progress
) -> tuple[Found, ...]:
    """Write the files below ``target``, by their places; answers what became of each.

    Raises BadArchive for a place that is none below it.
    """
    places: dict[str, list[str]] = {}
    for place, source in copies.items():
        places.setdefault(source.path, []).append(place)
    sources = {source.path: source for source in copies.values()}
    found: list[Found] = []
    read: set[str] = set()
    for path, content in contents_of(server, sources.values(), progress, "Copying files"):
        read.add(path)
        for place in places.get(path, ()):
            one = looked_at(place, content, facts)
            found.append(_without_rights(one, sources[path].mode))
            if one.fate is Fate.TAKEN:
                _write(target, facts.name, place, content, executable=bool(sources[path].mode & 0o100))
    return (*found, *(_unread(place, facts) for path in sources if path not in read for place in places[path]))


def looked_at(place: str, content: bytes, facts: Facts) -> Found:
    """What becomes of one file, by what it holds."""
    secret = secret_in(place, content) or _told_by_starter(place, content.decode(errors="replace"))
    package = facts.database.owners.get(place, "")
    whose = f"changed, of package {package}" if package else "no package owns it"
    one = Found(
        area=Area.CONFIGURATION if package else Area.FILES,
        name=place,
        fate=Fate.TAKEN,
        detail=whose,
        size_bytes=len(content),
    )
    if secret:
        where = f" in line {secret.line}" if secret.line else ""
        return replace(
            one,
            area=Area.SECRET,
            fate=Fate.SECRET,
            detail=f"{secret.kind}{where}; {whose}",
            line="config: {NAME: {secret: env:NAME}}",
        )
    unpinned = brings_unpinned(place, content.decode(errors="replace"))
    if unpinned:
        detail = f"{unpinned}; a server is replaced, and never brings itself up to date"
        return replace(one, fate=Fate.OPEN, detail=f"{whose}: {detail}", line=f"files: {{files{place}: {place}}}")
    if content.startswith(ELF) and not package:
        line = f'fetch: [{{url: https://..., into: {place}, mode: "0755"}}]'
        return replace(
            one, area=Area.BINARY, detail="a program that no package owns: copied; where does it come from?", line=line
        )
    return one


def _told_by_starter(place: str, text: str) -> Secret | None:
    """A secret in a unit or a crontab, whose comments are read, too: they are what somebody has switched off."""
    if not place.startswith(STARTING):
        return None
    without = unit_without_secrets if "/systemd/" in place else crontab_without_secrets
    told = without(text)
    return Secret(line=0, kind="secret", masked="") if told.text != text or not told.whole else None


def _without_rights(one: Found, mode: int) -> Found:
    """Told of a program that runs as its owner, whoever starts it: an image's files have no such bits."""
    if one.fate is not Fate.TAKEN or not mode & (stat.S_ISUID | stat.S_ISGID):
        return one
    return replace(one, area=Area.BINARY, detail=f"{one.detail}; its set-user-id or set-group-id bit is not taken")


def emptied(places: tuple[str, ...], facts: Facts, target: Path) -> tuple[Found, ...]:
    """Empty files where something was removed by hand that its package brings; raises as ``copied`` does."""
    for place in places:
        _write(target, facts.name, place, b"", executable=False)
    detail = "removed by hand: an empty file stands where its package would put it again"
    return tuple(Found(area=Area.CONFIGURATION, name=place, fate=Fate.TAKEN, detail=detail) for place in places)


def made(texts: Mapping[str, str], facts: Facts, target: Path) -> tuple[Found, ...]:
    """Files that stood on no server as they are, by their places; raises as ``copied`` does."""
    for place, text in texts.items():
        _write(target, facts.name, place, text.encode(), executable=text.startswith("#!"))
    detail = "made of what the server has: read it"
    return tuple(
        Found(area=Area.CONFIGURATION, name=place, fate=Fate.TAKEN, detail=detail, size_bytes=len(text.encode()))
        for place, text in texts.items()
    )


def _write(target: Path, server: str, place: str, content: bytes, *, executable: bool) -> None:
    listing = f"what {server} says of its files"
    entry = Entry(
        name=Checker(listing, ROOT_FILESYSTEM).name(place),
        kind=EntryKind.FILE,
        size_bytes=len(content),
        mode=0o755 if executable else 0o644,
        user=0,
        group=0,
        time=target.stat().st_mtime,  # as new as the folder itself: when it was written there is of no interest
        link="",
        content=BytesIO(content),
    )
    unpack([entry], target, name=listing)


def _unread(place: str, facts: Facts) -> Found:
    detail = f"may not be read on {facts.name}: adopt it as root, or bring the file yourself"
    return Found(area=Area.FILES, name=place, fate=Fate.OPEN, detail=detail, line=f"files: {{files{place}: {place}}}")
