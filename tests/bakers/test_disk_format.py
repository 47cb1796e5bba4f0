"""The form of a virtual machine's artifact: written and read back; what no disk can be made of is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.model.names import Digest
from repave.ports.disk_format import (
    DOCUMENT_TYPE,
    FILE_TYPE,
    INITRD_TYPE,
    KERNEL_TYPE,
    PIECE_TYPE,
    Bootstrap,
    Content,
    DiskConfiguration,
    DiskManifest,
    Piece,
    is_disk,
)
from repave.ports.errors import Invalid
from repave.ports.image_format import Descriptor

MIB = 1 << 20
digests = st.integers(0, 2**256 - 1).map(lambda number: Digest(f"sha256:{number:064x}"))
contents = st.builds(Content, digest=digests, size=st.integers(1, MIB))


@st.composite
def configurations(draw: st.DrawFn) -> DiskConfiguration:
    """Any machine."""
    numbers = draw(st.sets(st.integers(0, 63), max_size=8))
    return DiskConfiguration(
        architecture="amd64",
        firmware=draw(st.sampled_from([("uefi", "bios"), ("uefi",), ("bios",)])),
        disk_bytes=64 * MIB,
        pieces=tuple(Piece(offset=number * MIB, size=MIB, digest=draw(digests)) for number in sorted(numbers)),
        kernel=Content(digest=draw(digests), size=draw(st.integers(1, MIB))),
        initrd=draw(st.none() | contents),
        arguments="root=PARTLABEL=repave-root console=ttyS0",
        data_sources=("NoCloud", "None"),
        takes_environment=draw(st.booleans()),
        needs_cloud_init=draw(st.booleans()),
        starts_cold=draw(st.sampled_from([None, "", "its image starts more"])),
        bootstrap=draw(
            st.none() | st.builds(Bootstrap, document=contents, files=st.lists(contents, max_size=3).map(tuple))
        ),
    )


def blob(kind: str, number: int) -> Descriptor:
    """A blob of that kind."""
    return Descriptor(digest=Digest(f"sha256:{number:064x}"), size_bytes=number, media_type=kind)


MACHINE = DiskConfiguration(
    architecture="amd64",
    firmware=("uefi", "bios"),
    disk_bytes=64 * MIB,
    pieces=(Piece(offset=0, size=MIB, digest=Digest(f"sha256:{1:064x}")),),
    kernel=Content(digest=Digest(f"sha256:{2:064x}"), size=5),
    initrd=None,
    arguments="console=ttyS0",
    data_sources=("NoCloud",),
)


@given(configurations())
def test_configuration_is_read_back(machine: DiskConfiguration) -> None:
    """What was written of a machine is what is read."""
    assert DiskConfiguration.parse(machine.content(), "it") == machine


def test_machine_of_an_older_bake_is_configured_by_cloud_init() -> None:
    """It says nothing of another way."""
    said = json.loads(MACHINE.content())
    del said["takes_environment"], said["needs_cloud_init"], said["starts_cold"]
    assert DiskConfiguration.parse(json.dumps(said).encode(), "it") == MACHINE


@pytest.mark.parametrize("initrd", [None, blob(INITRD_TYPE, 9)])
@pytest.mark.parametrize("document", [None, blob(DOCUMENT_TYPE, 8)])
def test_manifest_is_read_back(initrd: Descriptor | None, document: Descriptor | None) -> None:
    """What was written of its blobs is what is read, and it is known as a machine's."""
    manifest = DiskManifest(
        configuration=blob("application/vnd.repave.vm.config.v1+json", 1),
        pieces=(blob(PIECE_TYPE, 2), blob(PIECE_TYPE, 3)),
        kernel=blob(KERNEL_TYPE, 4),
        initrd=initrd,
        document=document,
        files=(blob(FILE_TYPE, 6), blob(FILE_TYPE, 7)) if document else (),
    )
    content = manifest.content(annotations={"org.opencontainers.image.title": "web"})
    assert DiskManifest.parse(content, "it") == manifest
    assert is_disk(content, "it")


def test_container_is_no_disk() -> None:
    """A container's manifest is told apart, and refused as a machine by name."""
    content = b'{"schemaVersion":2,"config":{},"layers":[]}'
    assert not is_disk(content, "it")
    with pytest.raises(Invalid, match="shop is no virtual machine"):
        DiskManifest.parse(content, "shop")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda said: said.update(firmware=["coreboot"]), "it says it starts with coreboot: uefi and bios are known"),
        (lambda said: said.update(firmware=[]), "it says it starts with nothing"),
        (lambda said: said["disk"].update(format="qcow2"), "it has a disk of the format 'qcow2'"),
        (lambda said: said["disk"].update(size=1000), "it has a disk of 1000 bytes: no whole number of sectors"),
        (lambda said: said["disk"].update(size="1G"), "it says '1G' where a number of bytes must be"),
        (lambda said: said["disk"]["pieces"].append(said["disk"]["pieces"][0]), "at 0 that overlaps another"),
        (lambda said: said["disk"]["pieces"][0].update(offset=64 * MIB), "that overlaps another, or lies beyond"),
        (lambda said: said["disk"]["pieces"][0].update(digest="md5:0"), "it names a content without its digest"),
        (lambda said: said["kernel"].update(arguments="a\nb"), "where the kernel's command line must be"),
        (lambda said: said.update(starts_cold=True), "says True where why it starts cold must be"),
        (lambda said: said.pop("kernel"), "it says nothing of its kernel"),
        (lambda said: said.update(data_sources=["a b"]), "it says 'a b' where a plain word must be"),
        (lambda said: said.update(bootstrap=["a"]), "it says nothing of its bootstrap"),
        (lambda said: said.update(bootstrap={"files": []}), "it names a content without its digest"),
        (lambda said: said.update(bootstrap={"document": said["kernel"]}), "it lacks a list of its parts"),
    ],
)
def test_configuration_that_makes_no_disk_is_refused(change: Callable[[Any], object], told: str) -> None:
    """Each wrong thing is named."""
    said = json.loads(MACHINE.content())
    change(said)
    with pytest.raises(Invalid) as refused:
        DiskConfiguration.parse(json.dumps(said).encode(), "it")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ([PIECE_TYPE], "it must have one kernel"),
        ([KERNEL_TYPE, KERNEL_TYPE], "it must have one kernel"),
        ([KERNEL_TYPE, "text/html"], "it has a part of the kind 'text/html'"),
        ([KERNEL_TYPE, FILE_TYPE], "it must have one document that its files are for"),
        ([KERNEL_TYPE, DOCUMENT_TYPE, DOCUMENT_TYPE], "it must have one document that its files are for"),
    ],
)
def test_manifest_of_other_parts_is_refused(kinds: list[str], told: str) -> None:
    """A machine has one kernel, and nothing that nobody knows."""
    manifest = DiskManifest(
        configuration=blob("application/vnd.repave.vm.config.v1+json", 1),
        pieces=tuple(blob(kind, 2) for kind in kinds[1:]),
        kernel=blob(kinds[0], 4),
        initrd=None,
    )
    with pytest.raises(Invalid) as refused:
        DiskManifest.parse(manifest.content(annotations={}), "it")
    assert told in str(refused.value)
