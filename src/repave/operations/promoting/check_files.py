"""What a check is: its words in the file, and the files of the project that it is made of."""

from collections.abc import Iterator
from dataclasses import fields
from hashlib import sha256
from pathlib import Path

from repave.model.checks import Check, ProgramCheck
from repave.model.names import Digest
from repave.model.statement import canonical
from repave.operations.errors import Refused
from repave.ports.checks import LARGEST_FILES_BYTES

BEGINNINGS = (b"#!", b"\x7fELF")
"""What the kernel can start: a program that names its interpreter, and a binary."""


class CheckFiles:
    """Reads them in the project's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def of(self, check: ProgramCheck) -> dict[str, bytes]:
        """Its program and files, by path. Raises Refused for what is not there, not the project's, or too much."""
        found: dict[str, bytes] = {}
        for path in self._paths(check):
            found[path.relative_to(self._folder).as_posix()] = path.read_bytes()
            if sum(map(len, found.values())) > LARGEST_FILES_BYTES:
                raise Refused(
                    f"the files of the check {check.run} are above {LARGEST_FILES_BYTES >> 20} MiB",
                    hint="`files` of it under `gates.checks` in repave.yaml: name what it needs",
                )
        if not found[check.run].startswith(BEGINNINGS):
            raise Refused(
                f"the check {check.run} does not say by what it is run",
                hint="begin its first line with `#!`, as in `#!/bin/sh`, and what stands there in its image",
            )
        return found

    def digest(self, check: Check) -> Digest:
        """Of all that it is: another one is another check. Raises Refused."""
        said = {field.name: str(getattr(check, field.name)) for field in fields(check)}
        files = self.of(check) if isinstance(check, ProgramCheck) else {}
        whole = canonical({**said, "content": {name: sha256(content).hexdigest() for name, content in files.items()}})
        return Digest(f"sha256:{sha256(whole).hexdigest()}")

    def _paths(self, check: ProgramCheck) -> Iterator[Path]:
        for written in (check.run, *check.files):
            path = self._folder / written
            if not path.exists() or (path.is_dir() and written == check.run):
                what = "is a folder" if path.exists() else f"is not in {self._folder}"
                raise Refused(f"the check {check.run} cannot be run: {written} {what}", hint="see `gates.checks`")
            yield from self._inside(check, path)

    def _inside(self, check: ProgramCheck, path: Path) -> Iterator[Path]:
        if not path.resolve().is_relative_to(self._folder):
            raise Refused(
                f"the check {check.run} cannot be run: {path} leads out of the project to {path.resolve()}",
                hint="copy what it needs into the project",
            )
        if path.is_dir():
            for below in sorted(path.iterdir()):
                yield from self._inside(check, below)
        elif path.is_file():
            yield path
