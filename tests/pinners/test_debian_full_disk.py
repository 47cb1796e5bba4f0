"""A disk that is full while apt brings indexes is told, as what it is."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from debian_upstream import SECURITY, SUITE, UPDATES, Locking, Upstream
from guarded_folder import guarded

from repave.jobs.commands import LocalCommands
from repave.pinners.debian import workspace
from repave.ports.commands import Finished
from repave.ports.errors import NoCapacity

NAMESPACES = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--mount", "--")
SMALL = 'mount -t tmpfs -o "size=$0" none "$1" && mkdir "$1/partial" && shift && exec "$@"'
SUITES = (SUITE, UPDATES, SECURITY)


class SmallDisk(LocalCommands):
    """Apt's indexes come onto a disk of their own."""

    def __init__(self, size: str) -> None:
        super().__init__()
        self._size = size

    def run(self, arguments: Sequence[str], **options: Any) -> Finished:  # noqa: ANN401 - handed on as they are
        """Run to the end."""
        if "update" not in arguments:
            return super().run(arguments, **options)
        lists = Path(options["environment"]["APT_CONFIG"]).parents[2] / "lists"
        return super().run((*NAMESPACES, "sh", "-c", SMALL, self._size, str(lists), *arguments), **options)


@pytest.mark.real
@pytest.mark.parametrize("size", ["4k", "256k"])
def test_a_disk_that_fills_while_indexes_come_is_told(
    upstream: Upstream, locking: Locking, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    """Apt ends, whatever was still to come when the disk was full: it does not wait for what it asks again."""
    monkeypatch.setattr(workspace, "UPDATE_TIMEOUT_SECONDS", 30.0)
    fields = "".join(f"X-Field-{number}: {'x' * 1000}\n" for number in range(1000))
    for suite in SUITES:
        upstream.publish(suite, {"base-files 12": "Essential: yes", f"app-{suite} 1.0": fields})
    with guarded(upstream.root, password=None) as server:
        locking.mirror, locking.suites, locking.commands = server.address, SUITES, SmallDisk(size)
        with pytest.raises(NoCapacity, match="no room left on the disk for the index of bookworm"):
            locking.run(f"app-{SUITE}")
