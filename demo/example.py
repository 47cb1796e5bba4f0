"""One of the examples in a folder of its own, and repave's command line run in it as a user would."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from demo.interruption import started

FROZEN = "suites: [bookworm]"
REPAIRED = "suites: [bookworm, bookworm-security]"


class Example:
    """A copy of one of ``examples``, and the ``repave`` beside this interpreter."""

    def __init__(self, *, example: Path, folder: Path, environments: Iterable[str], cold: bool) -> None:
        """What an earlier run left in ``environments`` ends; ``cold`` also forgets what it downloaded and baked."""
        self.folder = folder
        self.environments = tuple(environments)
        self.repave = str(Path(sys.executable).with_name("repave"))
        if self.may_run:
            self.destroy()  # what a run that was killed may have left
        if cold:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(example, folder, dirs_exist_ok=True)
        (folder / "repave.lock").unlink(missing_ok=True)

    def freeze(self) -> None:
        """As found: locked from the frozen suite alone."""
        self.replace("repave.yaml", REPAIRED, FROZEN)

    def admit_repairs(self) -> None:
        """The one line a person changes: the security suite may be used."""
        self.replace("repave.yaml", FROZEN, REPAIRED)

    @property
    def may_run(self) -> bool:
        """Whether any instance may: each has a record from before its start until all of it is gone."""
        return any((self.folder / ".repave" / "local" / "fleets").glob("*/*/*/instances/*.json"))

    def destroy(self) -> None:
        """End all that runs."""
        for environment in self.environments:
            self.run("destroy", environment, "--yes")

    def run(self, *arguments: str, expect: int = 0, folder: Path | None = None) -> Mapping[str, Any]:
        """One ``repave`` verb to its end, here or in a folder; answers what it says with ``--json``."""
        pipe = subprocess.PIPE
        verb = started([self.repave, *arguments, "--json"], cwd=folder or self.folder, stdout=pipe, stderr=pipe)
        try:
            out, err = verb.communicate()
        except BaseException:
            verb.terminate()  # it ends what it has started itself
            verb.communicate()
            raise
        if verb.returncode != expect:
            said = err.decode() + out.decode()
            raise RuntimeError(f"`repave {' '.join(arguments)}` ended with {verb.returncode}: {said}")
        answer: Mapping[str, Any] = json.loads(out)
        return answer

    def replace(self, name: str, old: str, new: str) -> None:
        """Put ``new`` in the place of ``old`` in a file. Raises LookupError where it is not there."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise LookupError(f"{path} does not say {old!r}")
        path.write_text(text.replace(old, new), encoding="utf-8")
