"""The shop in a folder of its own, and repave's command line run in it as a user would."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from demo.interruption import WITH_ITS_PARENT
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName
from repave.operations.status import instance_statuses
from repave.store.sql import SqlStore

FROZEN = "suites: [bookworm]"
REPAIRED = "suites: [bookworm, bookworm-security]"
MENDED = 'return ("well", 200) if GOODS else ("nothing to sell", 503)'
BROKEN = 'return ("well", 200) if GOODS[0]["stock"] else ("nothing to sell", 503)'
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))


class Shop:
    """A copy of ``examples/shop`` and the ``repave`` beside this interpreter."""

    def __init__(self, *, example: Path, folder: Path, recipe: Mapping[str, str], cold: bool) -> None:
        """``recipe`` says what in repave.yaml is put in whose place; ``cold`` forgets what earlier runs baked."""
        self.folder = folder
        self.repave = str(Path(sys.executable).with_name("repave"))
        if (folder / ".repave").exists():
            self.run("destroy", "test", "--yes")  # what a run that was killed may have left
        if cold:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(example, folder, dirs_exist_ok=True)
        (folder / "repave.lock").unlink(missing_ok=True)
        for old, new in recipe.items():
            self._replace("repave.yaml", old, new)
        self.freeze()

    def freeze(self) -> None:
        """As found: locked from the frozen suite alone."""
        self._replace("repave.yaml", REPAIRED, FROZEN)

    def admit_repairs(self) -> None:
        """The one line a person changes: the security suite may be used."""
        self._replace("repave.yaml", FROZEN, REPAIRED)

    def break_application(self) -> None:
        """A release that starts, and is never well: goods have no stock."""
        self._replace("app/app.py", MENDED, BROKEN)

    def mend_application(self) -> None:
        """Undo it."""
        self._replace("app/app.py", BROKEN, MENDED)

    def run(self, *arguments: str, expect: int = 0) -> Mapping[str, Any]:
        """One ``repave`` verb to its end; answers what it says with ``--json``."""
        finished = subprocess.run(
            [self.repave, *arguments, "--json"],
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        if finished.returncode != expect:
            said = finished.stderr.decode() + finished.stdout.decode()
            raise RuntimeError(f"`repave {' '.join(arguments)}` ended with {finished.returncode}: {said}")
        answer: Mapping[str, Any] = json.loads(finished.stdout)
        return answer

    def open_store(self) -> "closing[SqlStore]":
        """What repave has written down, as long as the block lasts."""
        return closing(SqlStore(f"sqlite:///{self.folder / '.repave' / 'store.db'}"))

    def serving(self) -> list[Mapping[str, Any]]:
        """The instances that serve, oldest first, as repave saw them last: what ``repave status`` shows of each.

        Asking the command itself many times would take from the fleet what it is to be healed with.
        """
        with self.open_store() as store:
            seen = instance_statuses(store.last_seen(FLEET))
        return [asdict(instance) for instance in seen if instance.state == "serving"]

    def watch(self, environment: str) -> "subprocess.Popen[bytes]":
        """``repave deploy --watch`` in the background: it keeps the fleet until it is interrupted."""
        return subprocess.Popen(
            [*WITH_ITS_PARENT, self.repave, "deploy", environment, "--watch"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "watch.log").open("wb"),
        )

    def _replace(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise LookupError(f"{path} does not say {old!r}")
        path.write_text(text.replace(old, new), encoding="utf-8")
