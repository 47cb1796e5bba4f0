"""Users and groups of an image, read from its own files without following any link."""

import os
from dataclasses import dataclass
from pathlib import Path

HIGHEST_ID = 2**31 - 1
FILE_BYTES = 4 * 1024 * 1024
"""An account file larger than this is no account file."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who an instance runs as."""

    user: int
    group: int
    groups: tuple[int, ...] = ()
    problem: str = ""
    """Why nobody can be run as; empty when it is fine."""


def resolve_user(declared: str, roots: tuple[Path, ...]) -> Account:
    """The account of ``user``, ``user:group`` or their numbers; ``roots`` are the layers, topmost first."""
    if not declared:
        return _nobody("the image names no user, which means root")
    user_part, _, group_part = declared.partition(":")
    users, groups = _lines("passwd", roots), _lines("group", roots)
    entry = next((line for line in users if user_part in (line[0], line[2])), None)
    if entry is not None:
        user, group, name = int(entry[2]), int(entry[3]), entry[0]
    elif _is_id(user_part):
        user, group, name = int(user_part), int(user_part), ""
    else:
        return _nobody(f"the image's user {declared!r} is not in its /etc/passwd")
    if group_part:
        found = next((line for line in groups if group_part in (line[0], line[2])), None)
        if found is None and not _is_id(group_part):
            return _nobody(f"the image's group {group_part!r} is not in its /etc/group")
        group = int(found[2]) if found else int(group_part)
    if user == 0:
        return _nobody("the image's user is root")
    members = {int(line[2]) for line in groups if name and len(line) > 3 and name in line[3].split(",")}  # noqa: PLR2004 - group(5): the fourth field
    return Account(user=user, group=group, groups=tuple(sorted(members - {group})))


def _nobody(problem: str) -> Account:
    return Account(user=65534, group=65534, problem=problem)


def _lines(name: str, roots: tuple[Path, ...]) -> list[list[str]]:
    """The fields of every well-formed line of the topmost file of that name."""
    for root in roots:
        content = _read(root, name)
        if content is not None:
            fields = (line.split(":") for line in content.splitlines())
            return [line for line in fields if len(line) >= 3 and _is_id(line[2]) and _group_fits(name, line)]  # noqa: PLR2004 - passwd(5), group(5): the third field
    return []


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(HIGHEST_ID)) and int(text) <= HIGHEST_ID


def _group_fits(name: str, line: list[str]) -> bool:
    return name != "passwd" or (len(line) > 3 and _is_id(line[3]))  # noqa: PLR2004 - passwd(5): the fourth field


def _read(root: Path, name: str) -> str | None:
    """The file below /etc, unless a link stands in the way: it could point at a file of this machine."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        folder = os.open(root / "etc", flags | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
            return file.read(FILE_BYTES).decode(errors="replace")
    except OSError:
        return None
    finally:
        os.close(folder)
