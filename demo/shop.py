"""The shop of the main job."""

import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from demo.casts import Cast
from demo.example import Example
from demo.interruption import WITH_ITS_PARENT, started
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName
from repave.operations.status import instance_statuses
from repave.store.sql import SqlStore

MENDED = 'return ("well", 200) if GOODS else ("nothing to sell", 503)'
BROKEN = 'return ("well", 200) if GOODS[0]["stock"] else ("nothing to sell", 503)'
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))


class Shop(Example):
    """A copy of ``examples/shop``."""

    def __init__(self, *, example: Path, folder: Path, cast: Cast, cold: bool) -> None:
        """``cast`` says what in repave.yaml is put in whose place; ``cold`` forgets what earlier runs baked."""
        super().__init__(example=example, folder=folder, environments=[FLEET.environment], cold=cold)
        self._doubts = cast.doubts
        for old, new in cast.recipe.items():
            self.replace("repave.yaml", old, new)
        self.freeze()

    def break_application(self) -> None:
        """A release that starts, and is never well: goods have no stock. The file gives it less time to be."""
        self.replace("app/app.py", MENDED, BROKEN)
        for usual, doubtful in self._doubts.items():
            self.replace("repave.yaml", usual, doubtful)

    def mend_application(self) -> None:
        """Undo it."""
        self.replace("app/app.py", BROKEN, MENDED)
        for usual, doubtful in self._doubts.items():
            self.replace("repave.yaml", doubtful, usual)

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
        return started(
            [*WITH_ITS_PARENT, self.repave, "deploy", environment, "--watch"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "watch.log").open("wb"),
        )
