"""Which wheels the Python of an image of a registry would take: read from its layers, nothing of it is run."""

import re

from repave.archives.base_images import LockedBase, locked_base, read_layers
from repave.archives.stacks import LayerStack
from repave.model.lock import Ecosystem
from repave.model.recipe import Base
from repave.pinners.wheels import MACHINES, NEWEST_GLIBC, Interpreter
from repave.ports.errors import Invalid
from repave.ports.image_python import ImagePython, image_python
from repave.ports.pinner import PinRequest
from repave.ports.progress import Progress
from repave.ports.vault import Fetch, Vault

DEBIAN = "etc/debian_version"
LIBRARY = "libc.so.6"
NAMED = re.compile(r"(?:.*/)?libc-2\.(\d+)\.so")
"""Before glibc 2.34 the library's name was a link to the file that bears its version."""

SAID = re.compile(rb"GNU C Library [^\n]{0,200}release version 2\.(\d+)")
"""What the library prints when it is run as a program."""


def image_interpreter(request: PinRequest, vault: Vault, progress: Progress) -> Interpreter:
    """Bring the base's layers into the vault and read them. Raises Invalid where no wheel could be taken."""
    parts = [package for package in request.pinned if package.ecosystem is Ecosystem.OCI]
    vault.fetch(
        [
            Fetch(url=part.origin, sha256=part.sha256, size_bytes=part.size_bytes, name=f"{part.name} {part.filename}")
            for part in parts
        ],
        progress=progress,
    )
    base = locked_base(parts, vault)
    if base is None:
        raise Invalid(f"the base of {request.image.name} is not locked", hint="lock it again")
    with progress.task(f"Reading the base of {request.image.name}"):
        stack = read_layers(base, vault, lambda path: path == DEBIAN or path.rpartition("/")[2] == LIBRARY)
    python = _python(base, stack)
    return Interpreter(
        version=tuple(int(part) for part in python.version.split(".")),
        glibc_minor=min(_glibc(base, stack), NEWEST_GLIBC),
        machine=_machine(request.image.base),
    )


def _python(base: LockedBase, stack: LayerStack) -> ImagePython:
    found = image_python(
        stack.links,
        search_path=base.configuration.environment.get("PATH", ""),
        debian=stack.file(DEBIAN) is not None,
    )
    if found is None:
        raise Invalid(
            f"the image wants Python packages, but {base.name} has no python3 that they could be put beside",
            hint="one in /usr/local/bin is, as Python's own images have it, and Debian's in /usr/bin",
        )
    return found


def _glibc(base: LockedBase, stack: LayerStack) -> int:
    """The oldest, where there are several: wheels for it are taken by all."""
    linked = (NAMED.fullmatch(target) for path, target in stack.links.items() if path.rpartition("/")[2] == LIBRARY)
    said = (SAID.search(content) for content in stack.files.values())
    found = [int(match[1]) for match in (*linked, *said) if match]
    if not found:
        raise Invalid(
            f"{base.name} has no GNU C library, and wheels are locked for no other",
            hint="stand on an image of Debian or of another glibc system; Alpine's musl takes other wheels",
        )
    return min(found)


def _machine(base: Base) -> str:
    if base.architecture not in MACHINES:
        raise Invalid(
            f"no wheels are known for the architecture {base.architecture}", hint=f"known are {', '.join(MACHINES)}"
        )
    return MACHINES[base.architecture]
