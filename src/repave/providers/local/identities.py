"""Without root: which identities of this machine a container's users and groups become."""

import os
import pwd
import shutil
from pathlib import Path

from repave.providers.local.containers import IdentityMap

NEEDED = 65536
"""Identities a distribution may use, by Debian policy 9.2.2."""


def identity_map(folder: Path = Path("/etc")) -> IdentityMap:
    """Ours for the container's root; for its other users the range that subuid(5) gives us, where there is one.

    With no range, or without the programs that may apply it, only the container's root is mapped: the application
    then runs as that, which outside is the unprivileged user we are.
    """
    users = _range(folder / "subuid", os.getuid())
    groups = _range(folder / "subgid", os.getuid())
    single = IdentityMap(users=((0, os.getuid(), 1),), groups=((0, os.getgid(), 1),))
    if users is None or groups is None or not shutil.which("newuidmap") or not shutil.which("newgidmap"):
        return single
    return IdentityMap(
        users=(*single.users, (1, users, NEEDED - 1)),
        groups=(*single.groups, (1, groups, NEEDED - 1)),
    )


def _range(path: Path, user: int) -> int | None:
    """The first of a long enough range given to the user by number or name."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    names = {str(user)}
    try:
        names.add(pwd.getpwuid(user).pw_name)
    except KeyError:
        names.discard("")
    for line in lines:
        owner, _, rest = line.partition(":")
        first, _, count = rest.partition(":")
        if owner in names and first.isdecimal() and count.isdecimal() and int(count) >= NEEDED - 1:
            return int(first)
    return None
