"""Documents of images by strangers: read as they are meant, or refused by name; never anything else."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_maker import TAR, digest

from repave.ports.errors import Invalid
from repave.ports.image_format import ImageConfiguration, ImageManifest, is_index, platforms

KEYS = (
    "config", "layers", "manifests", "platform", "mediaType", "digest", "size", "rootfs", "diff_ids", "architecture",
    "Env", "Volumes", "Labels", "ExposedPorts", "StopSignal", "WorkingDir", "os",
)  # fmt: skip
LEAVES = st.sampled_from(
    (None, True, -1, 7, 1 << 70, 0.5, "", "/a", "A=b", "\0=", digest(b"x"), TAR, "linux", "80/tcp")
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
)
DESCRIBED = {"mediaType": TAR, "digest": digest(b"x"), "size": 1}


@given(DOCUMENTS, st.sampled_from((None, "config", "layers", "manifests", "rootfs")))
def test_whatever_is_written_is_read_or_refused(document: object, below: str | None) -> None:
    """Nothing else is raised, and what is read can be used."""
    whole = {"rootfs": {"diff_ids": [digest(b"x")]}, "config": DESCRIBED, "layers": [DESCRIBED]}
    content = json.dumps(document if below is None else {**whole, below: document}).encode()
    is_index(content, "")
    for read in (ImageManifest.parse, platforms):
        with suppress(Invalid):
            read(content, "it")
    with suppress(Invalid):
        found = ImageConfiguration.parse(content, "it")
        assert not any("\0" in text for text in (found.folder, *found.volumes, *found.environment.values()))
        assert all(path.startswith("/") for path in found.volumes)
        json.dumps([*found.labels.items(), *found.ports, found.stop_signal])


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b"[]", b"null"])
def test_what_is_no_document_is_refused(content: bytes) -> None:
    """However it is broken."""
    assert not is_index(content, "")
    for read in (ImageManifest.parse, ImageConfiguration.parse, platforms):
        with pytest.raises(Invalid, match="is no image"):
            read(content, "it")


def test_what_makes_no_sense_in_a_configuration_is_not_taken() -> None:
    """The rest is."""
    runs = {
        "WorkingDir": "../up",
        "Labels": {"a": "b", "c": 1},
        "ExposedPorts": {"80/tcp": {}, "all of them": {}},
        "StopSignal": "rm -rf",
        "Env": ["A=1", "=", 7, "B=\0"],
    }
    document = {"rootfs": {"diff_ids": []}, "config": runs}
    found = ImageConfiguration.parse(json.dumps(document).encode(), "it")
    assert (found.folder, found.stop_signal, found.ports) == ("", "", ("80/tcp",))
    assert (found.labels, found.environment) == ({"a": "b"}, {"A": "1"})
    runs["Volumes"] = {"/data/../../etc": {}}
    with pytest.raises(Invalid, match="declares the volume"):
        ImageConfiguration.parse(json.dumps(document).encode(), "it")
