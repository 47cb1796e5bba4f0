"""A bake in a network that has nothing but itself."""

import os
import subprocess
import sys
from pathlib import Path

from pydantic import TypeAdapter

from repave.model.artifact import Artifact
from repave.ports.baker import BakeRequest

BAKE = """
import socket, sys
from pathlib import Path
from pydantic import TypeAdapter
from pantry import bake_in
from repave.model.artifact import Artifact
from repave.ports.baker import BakeRequest
from repave.registries.vault import FileVault

assert [name for _, name in socket.if_nameindex()] == ["lo"]
request = TypeAdapter(BakeRequest).validate_json(sys.stdin.read())
artifact = bake_in(Path(sys.argv[1]), FileVault(Path(sys.argv[2])), request)
print(TypeAdapter(Artifact).dump_json(artifact).decode())
"""


def bake_unplugged(root: Path, vault: Path, request: BakeRequest) -> Artifact:
    """Bake in another process, with cache and registry below ``root``."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    finished = subprocess.run(
        ["unshare", *user, "--net", sys.executable, "-c", BAKE, os.fspath(root), os.fspath(vault)],
        input=TypeAdapter(BakeRequest).dump_json(request).decode(),
        env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if finished.returncode:
        raise AssertionError(finished.stderr)
    return TypeAdapter(Artifact).validate_json(finished.stdout)
