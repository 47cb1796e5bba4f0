"""Bakes over an image of a registry: its layers stay as they are, and what is above fits what they hold."""

import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from image_maker import ACCOUNTS, DOCKER, TAR, MadeImage, digest, entry, layer_tar, link, locked
from pantry import Pantry, bake_in

from repave.model.artifact import Artifact
from repave.model.guards import Exposed
from repave.model.lock import Layer, LockedFile
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

WEB = ImageName("web")
ENTRIES = (
    entry("./etc/"), entry("./etc/passwd", ACCOUNTS.encode()), entry("./etc/group", b"www-data:x:33:\n"),
    entry("data/srv/", mode=0o750), link("srv", "data/srv"), entry("old/kept/"), entry("old/gone/"),
    entry("tool/", mode=0o755), entry("bin/su", b"x", mode=0o4755), entry("open", mode=0o666),
)  # fmt: skip


@dataclass
class Kitchen:
    """A vault, and requests for images over one that lies in it."""

    folder: Path
    vault: FileVault = field(init=False)

    def __post_init__(self) -> None:
        self.vault = FileVault(self.folder / "vault")

    def keep(self, content: bytes) -> str:
        """Into the vault."""
        source = self.folder / "source"
        source.write_bytes(content)
        return self.vault.add(source)

    def request(self, image: MadeImage, files: dict[str, bytes] | None = None, **more: Any) -> BakeRequest:  # noqa: ANN401 - a recipe's own fields
        """An image of some files over it."""
        recipe = Image(
            name=WEB,
            kind=ImageKind.CONTAINER,
            base=Base(image="registry.example/base:1", architecture=image.architecture),
            files=(FileMapping(source="app/", target="/srv/app/"),),
            run=("serve",),
            user="www-data",
        )
        placed = tuple(
            LockedFile(
                target=target,
                sha256=self.keep(content),
                size_bytes=len(content),
                mode=0o644,
                origin=f"app/{target.rpartition('/')[2]}",
                images=(WEB,),
            )
            for target, content in (files if files is not None else {"/srv/app/page": b"hello"}).items()
        )
        return BakeRequest(image=replace(recipe, **more), packages=locked(image, self.vault, self.folder), files=placed)

    def bake(self, request: BakeRequest, root: str = "root") -> Artifact:
        """Below a folder of its own."""
        return bake_in(self.folder / root, self.vault, request)

    def documents(self, artifact: Artifact, root: str = "root") -> tuple[dict[str, Any], dict[str, Any]]:
        """Manifest and configuration."""
        registry = LayoutRegistry(self.folder / root / "registry")
        manifest = json.loads(registry.read(artifact.digest))
        return manifest, json.loads(registry.read(Digest(manifest["config"]["digest"])))


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    """Nothing is baked yet."""
    return Kitchen(folder=tmp_path)


def image(*layers: tuple[str, bytes], **more: Any) -> MadeImage:  # noqa: ANN401 - its own fields
    """Layers of every kind, of which the last removes something."""
    gone = layer_tar(entry("old/.wh.gone"), entry("old/new/"), entry("tool/.wh..wh..opq"), entry("tool/own/"))
    first = [(f"{DOCKER}.image.rootfs.diff.tar.gzip", layer_tar(*ENTRIES)), (TAR, layer_tar())]
    return MadeImage(layers=[*first, (f"{TAR}+zstd", gone), *layers], **more)


def test_the_layers_below_stay_byte_for_byte_and_the_same_lock_gives_the_same_image(kitchen: Kitchen) -> None:
    """Elsewhere, from nothing, and found again where it was made."""
    base = image()
    request = kitchen.request(base)
    artifact = kitchen.bake(request)
    manifest, configuration = kitchen.documents(artifact)
    assert [layer["digest"] for layer in manifest["layers"]][:-1] == base.packed
    assert [layer["mediaType"] for layer in manifest["layers"]] == [f"{TAR}+gzip", TAR, f"{TAR}+zstd", TAR]
    assert configuration["rootfs"]["diff_ids"][:-1] == [digest(plain) for _, plain in base.layers]
    assert manifest["annotations"]["org.opencontainers.image.base.digest"] == digest(base.manifest)
    assert [layer.layer for layer in artifact.layers] == [*[Layer.BASE] * 3, Layer.APPLICATION]
    assert kitchen.bake(request, "elsewhere").digest == artifact.digest
    again = kitchen.bake(request)
    assert again.digest == artifact.digest
    assert all(layer.cached for layer in again.layers)
    other = kitchen.bake(kitchen.request(base, {"/srv/app/page": b"other"}))
    assert [layer.cached for layer in other.layers] == [True, True, True, False]


def test_files_go_where_the_layers_below_would_have_them(kitchen: Kitchen) -> None:
    """Links are followed, and folders that are there keep their rights."""
    artifact = kitchen.bake(kitchen.request(image()))
    registry = LayoutRegistry(kitchen.folder / "root/registry")
    listed = members(registry.path(artifact.layers[-1].digest))
    assert listed == {"data": 0o755, "data/srv": 0o750, "data/srv/app": 0o755, "data/srv/app/page": 0o644}


def members(path: Path) -> dict[str, int]:
    """Names and modes of a tar."""
    with tarfile.open(path) as archive:
        return {member.name: member.mode for member in archive}


def test_what_a_layer_removed_is_no_folder_any_more(kitchen: Kitchen) -> None:
    """A file can be where a whiteout took a folder away; not where one stayed, or came anew."""
    for free in ("/old/gone", "/tool/below"):
        kitchen.bake(kitchen.request(image(), {free: b"x"}))
    for taken in ("/old/kept", "/old/new", "/tool/own"):
        with pytest.raises(Invalid, match="is a folder in the image"):
            kitchen.bake(kitchen.request(image(), {taken: b"x"}))


def test_the_configuration_is_the_bases_with_the_recipes_above(kitchen: Kitchen) -> None:
    """Variables, labels, ports and the stop signal come from below; what is run, as whom and where, from the recipe."""
    runs = {
        "Env": ["PATH=/opt/bin:/bin", "FLAVOUR=plain", "EMPTY="],
        "Entrypoint": ["/entry"],
        "Cmd": ["/other"],
        "User": "root",
        "WorkingDir": "/opt",
        "Labels": {"vendor": "somebody"},
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT",
        "Volumes": {"/var/below": {}},
    }
    request = kitchen.request(image(runs=runs), ephemeral=True, data=("/var/own/",))
    assert kitchen.documents(kitchen.bake(request))[1]["config"] == {
        "Cmd": ["serve"],
        "Env": ["PATH=/opt/bin:/bin", "LANG=C.UTF-8", "FLAVOUR=plain", "EMPTY="],
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"org.opencontainers.image.title": "web", "vendor": "somebody"},
        "StopSignal": "SIGQUIT",
        "User": "33:33",
        "Volumes": {"/var/below": {}, "/var/own": {}},
        "WorkingDir": "/srv/app",
    }
    bare = replace(request, files=(), image=replace(request.image, files=(), data=()))
    assert kitchen.documents(kitchen.bake(bare))[1]["config"]["WorkingDir"] == "/opt"


def test_an_image_without_accounts_has_a_nobody(kitchen: Kitchen) -> None:
    """By the number that it has everywhere; who is named and not there is told."""
    empty = MadeImage(layers=[(TAR, layer_tar(entry("program", mode=0o755)))])
    request = kitchen.request(empty)
    artifact = kitchen.bake(replace(request, image=replace(request.image, user="nobody")))
    assert kitchen.documents(artifact)[1]["config"]["User"] == "65534:65534"
    with pytest.raises(Invalid, match="no user 'www-data'"):
        kitchen.bake(request)


def test_an_image_for_another_processor_is_baked_where_nothing_must_run(kitchen: Kitchen) -> None:
    """Unpacking is the same everywhere; the image says whom it is for."""
    foreign = kitchen.bake(kitchen.request(image(architecture="riscv64")))
    assert kitchen.documents(foreign)[1]["architecture"] == "riscv64"


def test_rights_in_the_layers_below_are_told(kitchen: Kitchen) -> None:
    """Set-uid programs and what anyone may write, from the cache too."""
    for _ in range(2):
        artifact = kitchen.bake(kitchen.request(image()))
        assert artifact.layers[0].exposed == (
            Exposed(path="/bin/su", mode=0o4755, owner=0),
            Exposed(path="/open", mode=0o666, owner=0),
        )


PYTHONS = {
    "/usr/local/bin/python3": (link("usr/local/bin/python3", "python3.12"), "/usr/local/lib/python3.12/site-packages"),
    "/usr/bin/python3": (link("usr/bin/python3", "python3.13"), "/usr/local/lib/python3.13/dist-packages"),
}
"""By its program: how Python's own images have it, and how Debian's."""


@pytest.mark.parametrize("program", PYTHONS)
def test_wheels_are_laid_out_for_the_python_below_and_nothing_is_run(kitchen: Kitchen, program: str) -> None:
    """Also for another processor: nothing is compiled, so nothing of the base must start."""
    entry_of_python, site = PYTHONS[program]
    python = layer_tar(entry_of_python, entry("etc/debian_version", b"13.1\n"))
    pantry = Pantry(vault=kitchen.vault, folder=kitchen.folder)
    greeting = pantry.wheel("greeting", {"greeting/__init__.py": "", "greeting-1.0.data/scripts/greet": "#!python\n"})
    digests = set()
    for architecture in ("amd64", "riscv64"):
        request = kitchen.request(image((TAR, python), architecture=architecture))
        artifact = kitchen.bake(replace(request, packages=(*request.packages, greeting)))
        (layer,) = (layer for layer in artifact.layers if layer.layer is Layer.PYTHON)
        path = LayoutRegistry(kitchen.folder / "root/registry").path(layer.digest)
        listed = members(path)
        assert f"{site[1:]}/greeting/__init__.py" in listed
        assert not [name for name in listed if name.endswith(".pyc")]
        with tarfile.open(path) as archive:
            script = archive.extractfile("usr/local/bin/greet")
            assert script is not None
            assert script.read().startswith(f"#!{program}\n".encode())
        digests.add(layer.digest)
    assert len(digests) == 1


def test_wheels_over_an_image_without_a_python_are_refused(kitchen: Kitchen) -> None:
    """Also over one whose python3 leaves no place for them."""
    greeting = Pantry(vault=kitchen.vault, folder=kitchen.folder).wheel("greeting", {"greeting/__init__.py": ""})
    for more in ((), ((TAR, layer_tar(link("usr/bin/python3", "python3.12"))),)):
        request = kitchen.request(image(*more))
        with pytest.raises(Invalid, match="no python3 that they could be put beside"):
            kitchen.bake(replace(request, packages=(*request.packages, greeting)))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([(TAR, layer_tar(entry("a/../../etc/passwd")))], "points outside"),
        ([(TAR, layer_tar(entry("a/.wh..")))], "a whiteout that names nothing"),
        ([(TAR, b"no tar at all" * 100)], "is no tar archive"),
    ],
)
def test_a_layer_that_is_none_is_refused(kitchen: Kitchen, layers: Sequence[tuple[str, bytes]], said: str) -> None:
    """By its number and the image's name."""
    with pytest.raises(Corrupt, match=f"layer 4 of registry.example/base@sha256.*{said}"):
        kitchen.bake(kitchen.request(image(*layers)))


def test_a_layer_that_unpacks_to_something_else_is_refused(kitchen: Kitchen) -> None:
    """The configuration's digest of its tar is checked, not only that of the blob."""
    base = MadeImage(layers=[(f"{TAR}+gzip", layer_tar(entry("a")))], differences=[digest(b"else")])
    with pytest.raises(Corrupt, match="its configuration says"):
        kitchen.bake(kitchen.request(base))


def test_a_layer_that_changed_in_the_vault_is_refused(kitchen: Kitchen) -> None:
    """Nothing of it stays in the registry; one that is missing is named."""
    request = kitchen.request(image())
    place = kitchen.vault.path(request.packages[2].sha256)
    place.chmod(0o644)
    place.write_bytes(place.read_bytes() + b"!")
    with pytest.raises(Corrupt, match="the vault has"):
        kitchen.bake(request)
    assert list(LayoutRegistry(kitchen.folder / "root/registry").blobs()) == []
    place.unlink()
    with pytest.raises(Gone):
        kitchen.bake(request)


def test_a_lock_without_all_of_the_base_is_refused(kitchen: Kitchen) -> None:
    """A layer that is not locked is not guessed."""
    request = kitchen.request(image())
    for packages, said in (
        (request.packages[:-1], "does not hold all"),
        (request.packages[1:], r"no manifest\.json"),
        ((), "is not locked"),
    ):
        with pytest.raises(Invalid, match=said):
            kitchen.bake(replace(request, packages=packages))


def test_a_bomb_is_ended(kitchen: Kitchen) -> None:
    """By what it unpacks to, before all of it is read."""
    bomb = MadeImage(layers=[(f"{TAR}+zstd", layer_tar(entry("zeros", bytes(80 << 20))))])
    with pytest.raises(Corrupt, match="unpacks to more than 250 times its size"):
        kitchen.bake(kitchen.request(bomb))
