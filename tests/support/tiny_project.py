"""The project in ``tests/offline``: a whole lock with its vault, small enough to be committed; see the readme there."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from repave.model.names import Digest
from repave.registries.layout import LayoutRegistry

FOLDER = Path(__file__).resolve().parent.parent / "offline"
PROJECT, VAULT = FOLDER / "project", FOLDER / "vault"
DIGESTS, CONTENT = FOLDER / "digests.json", FOLDER / "content.txt"

AS_ROOT = () if os.geteuid() == 0 else ("--user", "--map-root-user", "--map-auto")
WITHOUT_NETWORK = ("unshare", *AS_ROOT, "--net", "--")
"""What a command is put behind to have no network at all."""

KINDS = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hard link"}


def laid_out(folder: Path) -> Path:
    """The project as whoever clones it has it: no vault yet, nothing baked."""
    shutil.copytree(PROJECT, folder)
    return folder


def repave(folder: Path, *arguments: str, behind: Sequence[str] = ()) -> Any:  # noqa: ANN401 - whatever the document holds
    """One verb of the installed command, with ``--json``; answers its document."""
    command = [*behind, str(Path(sys.executable).with_name("repave")), *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def expected() -> tuple[dict[str, str], list[str]]:
    """The digest of each image, and what is in it, as they were committed."""
    digests: dict[str, str] = json.loads(DIGESTS.read_text(encoding="utf-8"))
    return digests, CONTENT.read_text(encoding="utf-8").splitlines()


def content(registry: LayoutRegistry, artifacts: dict[str, str]) -> list[str]:
    """A line for each file, folder and link of each layer: whoever bakes other bytes sees which."""
    return [line for image, digest in sorted(artifacts.items()) for line in _image(registry, image, Digest(digest))]


def _image(registry: LayoutRegistry, image: str, digest: Digest) -> Iterator[str]:
    manifest = json.loads(registry.read(digest))
    configuration = json.loads(registry.read(Digest(manifest["config"]["digest"])))
    yield f"{image}: configuration {json.dumps(configuration['config'], sort_keys=True)}"
    for layer in manifest["layers"]:
        name = f"{image}: {layer['annotations']['repave.layer']}"
        with tarfile.open(registry.path(Digest(layer["digest"]))) as tar:
            yield from (f"{name}: {_entry(tar, entry)}" for entry in tar)


def _entry(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> str:
    told = f"{entry.name} {KINDS[entry.type]} {entry.mode:04o} {entry.uid}:{entry.gid} {entry.mtime}"
    stream = tar.extractfile(entry) if entry.isreg() else None
    if stream is None:
        return f"{told} -> {entry.linkname}" if entry.linkname else told
    return f"{told} {entry.size} {sha256(stream.read()).hexdigest()[:16]}"
