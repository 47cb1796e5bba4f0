"""Which wheels fit over an image of a registry, by what lies in its layers."""

from pathlib import Path

import pytest
from image_maker import TAR, MadeImage, digest, entry, layer_tar, link, locked

from repave.model.lock import Lock
from repave.model.names import ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.pinners.image_interpreter import image_interpreter
from repave.pinners.wheels import Interpreter
from repave.ports.errors import Corrupt, Invalid
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

GLIBC = b"\x7fELF...\nGNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\nCopyright"
DEBIAN = entry("etc/debian_version", b"12.1\n")
OWN = link("usr/local/bin/python3", "python3.12")
OF_DEBIAN = link("usr/bin/python3", "python3.11")
LIBRARY = entry("usr/lib/x86_64-linux-gnu/libc.so.6", GLIBC)


def asked(folder: Path, *layers: bytes, path: str = "", architecture: str = "amd64") -> Interpreter:
    """What is read of an image of these layers."""
    runs: dict[str, object] = {"Env": [f"PATH={path}"]} if path else {}
    image = MadeImage(layers=[(f"{TAR}+gzip", layer) for layer in layers], architecture=architecture, runs=runs)
    vault = FileVault(folder / "vault")
    base = Base(image="registry.example/base:1", architecture=architecture)
    request = PinRequest(
        image=Image(name=ImageName("web"), kind=ImageKind.CONTAINER, base=base, python=("flask",)),
        folder=folder,
        previous=Lock(),
        refresh=Refresh.KEEP,
        pinned=locked(image, vault, folder),
    )
    return image_interpreter(request, vault, Silent())


def test_pythons_own_images_and_debians_are_read(tmp_path: Path) -> None:
    """The version by the program's link, the C library by what it would print."""
    assert asked(tmp_path, layer_tar(LIBRARY), layer_tar(OWN)) == Interpreter(
        version=(3, 12), glibc_minor=36, machine="x86_64"
    )
    assert asked(tmp_path, layer_tar(DEBIAN, OF_DEBIAN, LIBRARY), architecture="arm64") == Interpreter(
        version=(3, 11), glibc_minor=36, machine="aarch64"
    )


def test_of_two_pythons_the_one_is_taken_that_the_image_would_run(tmp_path: Path) -> None:
    """By the order of its search path; the usual one where it names none."""
    layers = layer_tar(DEBIAN, OF_DEBIAN, OWN, LIBRARY)
    assert asked(tmp_path, layers).version == (3, 12)
    assert asked(tmp_path, layers, path="/usr/bin:/usr/local/bin").version == (3, 11)


def test_an_older_library_bears_its_version_in_its_name(tmp_path: Path) -> None:
    """Before glibc 2.34 the name that programs ask for was a link; of two libraries the older counts."""
    old = link("lib/x86_64-linux-gnu/libc.so.6", "libc-2.31.so")
    assert asked(tmp_path, layer_tar(OWN, old)).glibc_minor == 31
    assert asked(tmp_path, layer_tar(OWN, old, LIBRARY)).glibc_minor == 31


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([layer_tar(LIBRARY)], "no python3 that they could be put beside"),
        ([layer_tar(LIBRARY, OF_DEBIAN)], "no python3 that they could be put beside"),
        ([layer_tar(LIBRARY, OWN), layer_tar(entry("usr/local/bin/.wh.python3"))], "no python3"),
        ([layer_tar(OWN, entry("lib/ld-musl-x86_64.so.1"))], "has no GNU C library"),
        ([layer_tar(OWN, entry("lib/libc.so.6", b"something else"))], "has no GNU C library"),
    ],
)
def test_an_image_for_which_no_wheel_can_be_taken_is_refused(tmp_path: Path, layers: list[bytes], said: str) -> None:
    """With what would do."""
    with pytest.raises(Invalid, match=said) as refused:
        asked(tmp_path, *layers)
    assert refused.value.hint


def test_a_layer_that_changed_in_the_vault_is_refused(tmp_path: Path) -> None:
    """Nothing is read that is not what was locked."""
    layer = layer_tar(OWN, LIBRARY)
    asked(tmp_path, layer)
    image = MadeImage(layers=[(f"{TAR}+gzip", layer)])
    place = FileVault(tmp_path / "vault").path(image.packed[0].removeprefix("sha256:"))
    place.chmod(0o644)
    place.write_bytes(b"other")
    with pytest.raises(Corrupt, match=digest(b"other").removeprefix("sha256:")):
        asked(tmp_path, layer)
