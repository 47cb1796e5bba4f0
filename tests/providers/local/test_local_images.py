"""The documents of an artifact are read strictly: what no image says is told, with the artifact's name."""

import json
from pathlib import Path
from typing import Any

import pytest

from repave.model.names import Digest
from repave.ports.errors import Corrupt
from repave.providers.local.accounts import resolve_user
from repave.providers.local.images import facts_of, read_image
from repave.registries.layout import LayoutRegistry

TAR = "application/vnd.oci.image.layer.v1.tar"
CONFIGURATION: dict[str, Any] = {"config": {"Cmd": ["run"]}, "rootfs": {"diff_ids": [f"sha256:{'0' * 64}"]}}


def stored(folder: Path, configuration: object, **changes: object) -> tuple[LayoutRegistry, Digest]:
    """An image of one layer with this configuration, its manifest changed."""
    registry = LayoutRegistry(folder)

    def blob(content: bytes, media_type: str) -> dict[str, object]:
        return {"mediaType": media_type, "digest": registry.add(content), "size": len(content)}

    manifest = {
        "schemaVersion": 2,
        "config": blob(json.dumps(configuration).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [blob(b"layer", TAR)],
        **changes,
    }
    return registry, registry.add(json.dumps(manifest).encode())


def test_an_image_is_its_layers_and_what_runs(tmp_path: Path) -> None:
    """With the file of each layer, and the digest of its tar."""
    image = read_image(*stored(tmp_path, CONFIGURATION))
    assert [(layer.path.read_bytes(), layer.difference[-4:], layer.media_type) for layer in image.layers] == [
        (b"layer", "0000", TAR)
    ]
    assert facts_of(image, (), tmp_path).command == ("run",)


@pytest.mark.parametrize(
    ("configuration", "changes", "says"),
    [
        ([], {}, "no OCI image: .* no JSON object"),
        ({}, {}, "no OCI image: .* no digests"),
        ({"rootfs": {"diff_ids": []}}, {}, "no OCI image: its manifest has 1 layers, its configuration 0"),
        (CONFIGURATION, {"layers": None}, "no OCI image: .* names no configuration and layers"),
        (CONFIGURATION, {"layers": [{"digest": "sha256:../../x"}]}, "no OCI image: .* without digest"),
        (CONFIGURATION, {"layers": [{"digest": f"sha256:{'1' * 64}", "size": 1, "mediaType": TAR}]}, "is incomplete"),
    ],
)
def test_what_is_no_image_is_said(tmp_path: Path, configuration: object, changes: dict[str, object], says: str) -> None:
    """By the artifact's digest, and what of it is wrong."""
    registry, digest = stored(tmp_path, configuration, **changes)
    with pytest.raises(Corrupt, match=f"the artifact {digest}.* {says}"):
        read_image(registry, digest)


@pytest.mark.parametrize("runs", [{"Cmd": "sh -c x"}, {"Entrypoint": {"a": 1}}, {"Env": "A=b"}, {"Volumes": ["/data"]}])
def test_what_cannot_be_run_as_said_is_corrupt(tmp_path: Path, runs: dict[str, object]) -> None:
    """A text where a list belongs is not guessed at."""
    image = read_image(*stored(tmp_path, {**CONFIGURATION, "config": runs}))
    with pytest.raises(Corrupt, match=image.digest):
        facts_of(image, (), tmp_path)


@pytest.mark.parametrize("number", ["9" * 5000, str(2**31), "-1", "٣"])
def test_a_number_that_no_system_knows_is_no_account(tmp_path: Path, number: str) -> None:
    """Neither as the image's user or group, nor in its own files."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(f"app:x:{number}:{number}::/:/bin/sh\n", encoding="utf-8")
    (tmp_path / "etc/group").write_text(f"app:x:{number}:app\n", encoding="utf-8")
    for declared in (number, "app", f"33:{number}", "33:app"):
        assert resolve_user(declared, (tmp_path,)).problem
