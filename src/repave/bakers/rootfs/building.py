"""``build:`` seen from outside: which folders its commands may change, and what is said when one fails."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from repave.bakers.rootfs.ownership import application_folders
from repave.bakers.rootfs.skeleton import Skeleton
from repave.model.recipe import BuildLimits, Image
from repave.ports.baker import BakeRequest
from repave.ports.errors import CommandFailed, Invalid, WorldError

NOT_FOUND = (126, 127)
"""What a shell, and who starts a program in its place, ends with when there is no such program."""

SETUP_SECONDS = 300.0
"""Beside what the commands take: unpacking, copying, and writing the layer."""

NO_NETWORK = (
    "it wanted the network, and a bake has none: what it fetches belongs under `packages`, `python`, `node`, `fetch` "
    "or `git`, where the lock pins it"
)
NO_PROGRAM = "the image has no such program: name the package that brings it under `packages`"


def build_folders(request: BakeRequest, below: Skeleton, *, system: Skeleton) -> tuple[str, ...]:
    """The application's folders as the layers below have them, the one it starts in first; none inside another.

    Raises Invalid when there is none, or one is the system's too; ``system`` is what packages alone have.
    """
    if request.image.base.image:
        raise Invalid(
            f"image {request.image.name} has `build`, but its base is an image of a registry: nothing of it runs here",
            hint="name a distribution as base, or have it made beforehand",
        )
    found = [below.resolve(folder) for folder in application_folders(request)]
    if not found:
        raise Invalid(
            f"image {request.image.name} has `build`, but no folder of an application that it could work in",
            hint="map a folder under `files`, such as `app/: /srv/app/`",
        )
    for folder in found:
        if not folder or any(known.startswith(f"{folder}/") for known in system.directories):
            raise Invalid(
                f"`build` of image {request.image.name} would change /{folder}, which holds folders of packages",
                hint="map the application to a folder of its own, such as /srv/app/",
            )
    distinct = dict.fromkeys(found)
    return tuple(folder for folder in distinct if not any(folder.startswith(f"{other}/") for other in distinct))


def build_job(image: Image, folders: Sequence[str]) -> dict[str, Any]:
    """What determines the outcome, beside the layers below: it is part of the layer's key."""
    return {
        "commands": [list(command) for command in image.build],
        "folders": list(folders),
        "limits": asdict(image.build_limits),
    }


def failure(request: BakeRequest, answer: dict[str, Any], folders: Sequence[str]) -> WorldError:
    """The error for what ``hooks`` answered of a command that did not end well."""
    image = request.image
    number = answer["hook"]
    label = f"build/{number} of image {image.name}, {shlex.join(image.build[number - 1])}"
    limit = answer["stopped"]
    if limit:
        return Invalid(
            f"`{label}` was stopped: {_overrun(limit, image.build_limits)}{_last_lines(answer['output'])}",
            hint=f"have it do less, or raise `build_limits: {{{limit}: ...}}` of the image; nothing was kept",
        )
    places = ", ".join(f"/{folder}" for folder in folders)
    hint = f"it runs without network, not as root, and may write in {places} and /tmp only; nothing was kept"
    if answer["network"]:
        hint = NO_NETWORK
    elif answer["exit_code"] in NOT_FOUND:
        hint = NO_PROGRAM
    return CommandFailed((label,), exit_code=answer["exit_code"], stderr=answer["output"], hint=hint)


def _overrun(limit: str, limits: BuildLimits) -> str:
    match limit:
        case "time":
            return f"all commands together may take {limits.time_seconds:g} s"
        case "memory":
            return f"it used more than {limits.memory_bytes >> 20} MiB of memory"
        case "processes":
            return f"it had {limits.processes} processes and threads at once"
        case _:
            return f"it filled the {limits.output_bytes >> 20} MiB that the application's folders and /tmp have"


def _last_lines(output: str) -> str:
    lines = output.strip().splitlines()[-8:]
    return "".join(f"\n{line}" for line in lines)
