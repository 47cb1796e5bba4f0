"""What is done about each thing seen: by the image's `guards` and its allow-list."""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from repave.model.artifact import Artifact
from repave.model.guards import Action, Allowed, Exposed, Guard, Guards, Judged, Sight
from repave.model.lock import LockedFile
from repave.model.names import ImageName
from repave.model.recipe import Image
from repave.operations.errors import Refused
from repave.operations.guards.hook_patterns import unpinned_in
from repave.operations.guards.secret_patterns import secrets_in
from repave.ports.vault import Vault

LARGEST_SEARCHED_BYTES = 32 << 20
"""Of one file; what is larger is no source or setting, and is told by its name alone."""

SETUID_BITS, OTHERS_WRITE, STICKY = 0o6000, 0o002, 0o1000
MOST_SHOWN = 12
"""Places that one refusal names."""


class Guarded(Refused):
    """Something is in the image that must not be: there is no lock and no release with it."""

    code: ClassVar[str] = "guarded"


def judge_files(image: Image, files: Iterable[LockedFile], vault: Vault) -> tuple[Judged, ...]:
    """Secrets among an image's files, and what its hooks would bring in; reads the vault. Raises Gone."""
    placed = tuple(files)
    by_origin = {file.origin: file for file in placed}
    """A file may go to several places; it is looked at once."""
    secrets = (sight for origin in sorted(by_origin) for sight in _secrets(by_origin[origin], vault))
    unpinned = (
        Sight(guard=Guard.UNPINNED, path=found.path, line=found.line, what=found.what)
        for found in unpinned_in(image, placed, vault)
    )
    return tuple(_judged(sight, image.guards) for sight in (*secrets, *unpinned))


def judge_artifact(image: Image, artifact: Artifact) -> tuple[Judged, ...]:
    """Permission bits of everything in the layers."""
    return tuple(
        _judged(sight, image.guards)
        for layer in artifact.layers
        for exposed in layer.exposed
        for sight in _permissions(exposed)
    )


def stop_at(judged: Mapping[ImageName, Iterable[Judged]]) -> None:
    """Raise Guarded if anything in any image stops; every place is named, as far as a message can hold them."""
    stopped = [
        f"image {name}: {described(one.sight)}"
        for name, found in judged.items()
        for one in found
        if one.action is Action.STOP
    ]
    if stopped:
        more = [f"and {len(stopped) - MOST_SHOWN} more"] if len(stopped) > MOST_SHOWN else []
        lines = "\n  ".join([*stopped[:MOST_SHOWN], *more])
        raise Guarded(
            f"this must not go into an image:\n  {lines}",
            hint="take it out (a secret belongs in `config` by reference); or, having looked, list its path and the "
            "reason under `guards: {allow: [{path: ..., reason: ...}]}` of the image",
        )


def described(sight: Sight) -> str:
    """``app/settings.py:12: AWS access key AKIA***``."""
    place = f"{sight.path}:{sight.line}" if sight.line else sight.path
    return f"{place}: {sight.what}"


def _secrets(file: LockedFile, vault: Vault) -> Iterator[Sight]:
    content = vault.path(file.sha256).read_bytes() if file.size_bytes <= LARGEST_SEARCHED_BYTES else b""
    for found in secrets_in(file.origin, content):
        what = f"{found.kind} {found.masked}".rstrip()
        yield Sight(guard=Guard.SECRETS, path=file.origin, line=found.line, what=what)


def _permissions(exposed: Exposed) -> Iterator[Sight]:
    mode = f"mode {exposed.mode:04o}, owner {exposed.owner}"
    if exposed.mode & SETUID_BITS:
        yield Sight(guard=Guard.SETUID, path=exposed.path, line=0, what=f"runs as its owner or group ({mode})")
    if exposed.mode & OTHERS_WRITE and not exposed.mode & STICKY:
        yield Sight(guard=Guard.WRITABLE, path=exposed.path, line=0, what=f"anyone may write it ({mode})")


def _judged(sight: Sight, guards: Guards) -> Judged:
    for allowed in guards.allow:
        if _meant(allowed, sight.path):
            return Judged(sight=sight, action=Action.ALLOW, reason=allowed.reason)
    action = {
        Guard.SECRETS: guards.secrets,
        Guard.SETUID: guards.setuid,
        Guard.WRITABLE: guards.writable,
        Guard.UNPINNED: guards.unpinned,
    }[sight.guard]
    reason = "" if action is Action.STOP else f"`guards: {{{sight.guard}: {action}}}`"
    return Judged(sight=sight, action=action, reason=reason)


def _meant(allowed: Allowed, path: str) -> bool:
    """Whether it is the path, or below it where it ends with a slash."""
    return path == allowed.path or (allowed.path.endswith("/") and path.startswith(allowed.path))
