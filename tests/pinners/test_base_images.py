"""Images of a real registry as bases: what is locked of them, what moves, and what is refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from image_maker import ACCOUNTS, TAR, MadeImage, digest, entry, index_of, layer_tar, push
from oci_registry import open_registry

from repave.model.lock import Ecosystem, Layer, Lock, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.pinners.base_images import BaseImagePinner
from repave.ports.distribution import Manifest, Reference
from repave.ports.errors import Invalid, Unreachable
from repave.ports.pinner import Held, PinRequest, Refresh, Repair
from repave.ports.progress import Silent
from repave.ports.vault import Fetch
from repave.registries.oci.pushing import RegistryWriter
from repave.registries.oci.session import Session
from repave.registries.vault import FileVault

pytestmark = pytest.mark.real

WEB = ImageName("web")


def made(content: str, *, architecture: str = "amd64", runs: dict[str, object] | None = None) -> MadeImage:
    """An image of two layers; ``content`` tells it from others."""
    below = layer_tar(entry("etc/passwd", ACCOUNTS.encode()))
    above = layer_tar(entry("content", f"{content} {architecture}".encode()))
    return MadeImage(
        layers=[(f"{TAR}+gzip", below), (f"{TAR}+zstd", above)], architecture=architecture, runs=runs or {}
    )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry."""
    with open_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@dataclass
class Project:
    """One image, locked again and again."""

    host: str
    folder: Path
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.vault = FileVault(self.folder / "vault")
        self.held: tuple[Held, ...] = ()

    def push(self, name: str, tag: str, *images: MadeImage) -> None:
        """Push under a tag."""
        push(self.host, name, tag, *images, folder=self.folder)

    def pin(
        self,
        image: str,
        *,
        refresh: Refresh = Refresh.KEEP,
        named: tuple[str, ...] = (),
        repairs: tuple[Repair, ...] = (),
        architecture: str = "amd64",
        ephemeral: bool = False,
    ) -> tuple[LockedPackage, ...]:
        """Lock with a pinner of its own, as each run of the command has, and keep the lock."""
        session = Session()
        try:
            pinner = BaseImagePinner(distribution=lambda: RegistryWriter(session), vault=self.vault)
            base = Base(image=f"{self.host}/{image}", architecture=architecture)
            recipe = Image(name=WEB, kind=ImageKind.CONTAINER, base=base, ephemeral=ephemeral)
            request = PinRequest(
                image=recipe, folder=self.folder, previous=self.lock, refresh=refresh, named=named, repairs=repairs
            )
            pins = pinner.pin(request, progress=Silent())
        finally:
            session.close()
        self.held = pins.held
        locked = LockedImage(name=WEB, kind=recipe.kind, base=base, recipe=Digest(f"sha256:{'0' * 64}"))
        self.lock = Lock(images=(locked,), packages=pins.packages)
        return pins.packages

    def version(self, image: str, *, refresh: Refresh = Refresh.KEEP, named: tuple[str, ...] = ()) -> str:
        """The digest that is locked."""
        (found,) = {package.version for package in self.pin(image, refresh=refresh, named=named)}
        return found

    def repaired(self, image: str, flawed: str) -> str:
        """The digest that is locked, with flaws found in a base."""
        repair = Repair(ecosystem=Ecosystem.OCI, name=f"{self.host}/{flawed}", versions=(), images=(WEB,))
        (found,) = {package.version for package in self.pin(image, refresh=Refresh.REPAIRS, repairs=(repair,))}
        return found


@pytest.fixture
def project(host: str, tmp_path: Path) -> Project:
    """Nothing is locked yet."""
    return Project(host=host, folder=tmp_path)


def test_every_blob_is_locked_and_had_by_its_address(project: Project) -> None:
    """Manifest, configuration and layers, in the order of the image, with the tag they were found by."""
    image = made("first")
    project.push("whole", "1.0", image)
    packages = project.pin("whole:1.0")
    assert [package.filename for package in packages] == [
        "manifest.json", "config.json", "layer-01.tar.gz", "layer-02.tar.zst",
    ]  # fmt: skip
    assert [f"sha256:{package.sha256}" for package in packages[2:]] == image.packed
    assert {(package.ecosystem, package.layer, package.name, package.reference) for package in packages} == {
        (Ecosystem.OCI, Layer.BASE, f"{project.host}/whole", "1.0")
    }
    assert {package.version for package in packages} == {digest(image.manifest)}
    wanted = [
        Fetch(url=package.origin, sha256=package.sha256, size_bytes=package.size_bytes, name=package.filename)
        for package in packages
    ]
    project.vault.fetch(wanted, progress=Silent())
    assert all(project.vault.has(package.sha256) for package in packages)


def test_of_an_index_the_image_for_the_processor_is_taken(project: Project) -> None:
    """The index is locked too, so that a digest in the file can be followed to the image."""
    images = made("for"), made("for", architecture="arm64")
    project.push("several", "1", *images)
    for image in images:
        packages = project.pin(f"several@{digest(index_of(images))}", architecture=image.architecture)
        assert packages[0].filename == "index.json"
        assert packages[0].sha256 == digest(index_of(images)).removeprefix("sha256:")
        assert {package.version for package in packages} == {digest(image.manifest)}
    with pytest.raises(Invalid, match="no image for linux/riscv64") as refused:
        project.pin("several:1", architecture="riscv64")
    assert refused.value.hint == "it has linux/amd64, linux/arm64"


def test_a_tag_stays_what_it_was_locked_as_until_it_is_upgraded(project: Project) -> None:
    """Also when only this base is to move, and when only security repairs are."""
    project.push("moving", "1", made("old"))
    old = project.version("moving:1")
    project.push("moving", "1", made("new"))
    assert project.version("moving:1") == old
    assert project.version("moving:1", refresh=Refresh.SECURITY) == old
    new = project.version("moving:1", refresh=Refresh.NAMED, named=(f"{project.host}/moving",))
    assert new != old
    project.push("moving", "1", made("newest"))
    assert project.version("moving:1", refresh=Refresh.UPGRADE) not in {old, new}


def test_a_base_with_flaws_becomes_what_its_tag_names_now(project: Project) -> None:
    """Only where its repair is asked for; what the registry has not made anew stays."""
    project.push("flawed", "1", made("old"))
    old = project.version("flawed:1")
    assert project.repaired("flawed:1", "flawed") == old
    project.push("flawed", "1", made("new"))
    assert project.repaired("flawed:1", "another") == old
    assert project.repaired("flawed:1", "flawed") != old
    assert project.held == ()


def test_a_base_with_flaws_that_is_named_by_its_digest_is_held(project: Project) -> None:
    """By the file itself: a tag beside the digest changes nothing."""
    image = made("old")
    project.push("frozen", "1", image)
    project.push("frozen", "1", made("new"))
    for name in (f"frozen@{digest(image.manifest)}", f"frozen:1@{digest(image.manifest)}"):
        assert project.repaired(name, "frozen") == digest(image.manifest)
        (held,) = project.held
        assert (held.name, held.why) == (f"{project.host}/frozen", "the base of image `web` is named by its digest")
        assert held.recipe == ("images", WEB, "base", "image")
        assert "name a tag" in held.remedy


def test_another_name_in_the_file_is_another_base(project: Project) -> None:
    """What was locked for the old name does not stay."""
    project.push("named", "1", made("one"))
    project.push("named", "2", made("two"))
    assert project.version("named:1") != project.version("named:2")


def test_documents_that_the_vault_lost_are_brought_again_by_their_digest(project: Project) -> None:
    """Not by the tag, which names another image now."""
    project.push("lost", "1", made("old"))
    packages = project.pin("lost:1")
    project.push("lost", "1", made("new"))
    for package in packages:
        project.vault.remove(package.sha256)
    assert project.pin("lost:1") == packages
    assert project.vault.has(packages[0].sha256)


def test_a_locked_base_is_kept_without_a_registry(project: Project) -> None:
    """Nobody is asked for what the vault has; a new base cannot be had."""
    project.push("offline", "1", made("old"))
    packages = project.pin("offline:1")
    lock, project.host = project.lock, "127.0.0.1:9"
    with pytest.raises(Unreachable):
        project.pin("offline:1")
    image = lock.images[0]
    away = replace(image, base=replace(image.base, image="127.0.0.1:9/offline:1"))
    project.lock = replace(lock, images=(away,))
    assert project.pin("offline:1") == packages


@pytest.mark.parametrize(
    ("image", "said", "hint"),
    [
        (
            made("other", architecture="arm64"),
            "is for linux/arm64, image web is for linux/amd64",
            "architecture: arm64",
        ),
        (made("data", runs={"Volumes": {"/var/lib/data": {}}}), "the volumes /var/lib/data", "ephemeral: true"),
        (MadeImage(layers=[(TAR, layer_tar())], differences=[digest(b"1"), digest(b"2")]), "other layers", ""),
    ],
)
def test_a_base_that_the_recipe_cannot_mean_is_refused(
    project: Project, image: MadeImage, said: str, hint: str
) -> None:
    """By name, with what to write instead."""
    project.push("refused", "1", image)
    with pytest.raises(Invalid, match=said) as refused:
        project.pin("refused:1")
    assert hint in refused.value.hint


def test_an_ephemeral_image_may_stand_on_one_with_volumes(project: Project) -> None:
    """Its author has said that the state is lost."""
    project.push("volumes", "1", made("data", runs={"Volumes": {"/var/lib/data": {}}}))
    assert project.pin("volumes:1", ephemeral=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layers": "none"}, "names no configuration and layers"),
        ({"layers": [{"mediaType": "application/x-iso", "digest": digest(b"x"), "size": 1}]}, "cannot be read"),
        ({"layers": [{"mediaType": TAR, "digest": "md5:1", "size": 1}]}, "without digest, size and kind"),
        ({"layers": [{"mediaType": TAR, "digest": digest(b"x"), "size": -1}]}, "a blob of -1 bytes"),
        ({"layers": [{"mediaType": TAR, "digest": digest(b"x"), "size": 1}] * 49}, "has 49 layers"),
    ],
)
def test_a_manifest_that_is_none_is_refused(project: Project, change: dict[str, object], said: str) -> None:
    """Whatever a registry hands out."""
    image = made("strange")
    project.push("strange", "1", image)
    image.manifest = json.dumps({**json.loads(image.manifest), **change}).encode()

    class Lying(RegistryWriter):
        """Hands out another manifest."""

        def manifest(self, reference: Reference) -> Manifest:
            """Not what was pushed."""
            found = super().manifest(reference)
            return replace(found, content=image.manifest, digest=digest(image.manifest))

    session = Session()
    pinner = BaseImagePinner(distribution=lambda: Lying(session), vault=project.vault)
    recipe = Image(name=WEB, kind=ImageKind.CONTAINER, base=Base(image=f"{project.host}/strange:1"))
    request = PinRequest(image=recipe, folder=project.folder, previous=Lock(), refresh=Refresh.KEEP)
    with pytest.raises(Invalid, match=said):
        pinner.pin(request, progress=Silent())
    session.close()


def test_an_image_that_is_not_there_is_named(project: Project) -> None:
    """With what to look at."""
    with pytest.raises(Invalid, match=r"there is no image .*nothing:1") as refused:
        project.pin("nothing:1")
    assert "tag" in refused.value.hint
