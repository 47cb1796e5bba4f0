"""What was unpacked is started as it was left, or not at all."""

import errno
import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest

from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.observation import MachineState
from repave.model.release import Revision
from repave.ports.errors import Corrupt
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings
from repave.providers.local import artifacts, seals
from repave.providers.local.hashed import Hashed
from repave.providers.local.layer_folders import LayerFolders
from repave.providers.local.mapping import Phase
from repave.providers.local.places import Places, find_places
from repave.providers.local.provider import LocalProvider
from repave.providers.local.records import Records
from repave.providers.local.seals import broken, seal
from repave.providers.local.trees import remove_tree
from repave.providers.local.unpacking import LayerFile

WEB = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))

Bake = Callable[..., Artifact]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A sealed folder."""
    folder = tmp_path / "tree"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc" / "passwd").write_text("root", encoding="ascii")
    (folder / "etc" / "link").symlink_to("passwd")
    (folder / "odd\nname").write_text("", encoding="ascii")
    seal(folder, tmp_path / "seal")
    return folder


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "written": (lambda tree: (tree / "etc/passwd").write_text("toor", encoding="ascii"), "etc/passwd"),
    "other rights": (lambda tree: (tree / "etc/passwd").chmod(0o4755), "etc/passwd"),
    "replaced": (lambda tree: (tree / "odd\nname").replace(tree / "etc/passwd"), "."),
    "added": (lambda tree: (tree / "etc/shadow").touch(), "etc"),
    "removed": (lambda tree: (tree / "etc/link").unlink(), "etc"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_breaks_the_seal(tree: Path, tmp_path: Path, change: str) -> None:
    """The first path that is different is named."""
    assert broken(tree, tmp_path / "seal") is None
    make, path = CHANGES[change]
    make(tree)
    assert broken(tree, tmp_path / "seal") == path


def test_what_was_never_sealed_is_not_trusted(tree: Path, tmp_path: Path) -> None:
    """Nor what is gone."""
    assert broken(tree, tmp_path / "none") == "."
    assert broken(tmp_path / "none", tmp_path / "seal") == "."


class Broken:
    """A stream, or a seal, that fails half-way."""

    def __init__(self, failure: BaseException, *, after: int) -> None:
        self._failure = failure
        self._left = after

    def read(self, hashed: Hashed, size: int = 100, /) -> bytes:
        """Some of it, as long as there is room."""
        self._left -= 1
        if self._left < 0:
            raise self._failure
        return hashed._source.read(min(size, 100))

    def seal(self, folder: Path, place: Path) -> None:
        """Never."""
        del folder, place
        raise self._failure


FAILURES = [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]


@pytest.mark.parametrize("privileged", [True, False])
@pytest.mark.parametrize("sealing", [True, False])
@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_what_could_not_be_unpacked_takes_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, *, sealing: bool, privileged: bool
) -> None:
    """On a full disk it would keep it full; whether it fails over the bytes or over the seal."""
    layer = tmp_path / "layer.tar"
    with tarfile.open(layer, mode="w") as archive:
        member = tarfile.TarInfo("large")
        member.size = 10_000
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    digest = Digest(f"sha256:{sha256(layer.read_bytes()).hexdigest()}")
    stored = LayerFile(
        path=layer, digest=digest, difference=digest, media_type="application/vnd.oci.image.layer.v1.tar"
    )
    places, broken = Places(root=tmp_path / "local", runtime=tmp_path), Broken(failure, after=20)
    if sealing:
        monkeypatch.setattr(seals, "seal", broken.seal)
    else:
        monkeypatch.setattr(Hashed, "read", lambda hashed, size=100: broken.read(hashed, size))
    with pytest.raises(type(failure)):
        LayerFolders(places=places, commands=LocalCommands(), privileged=privileged).unpack(
            (stored,), places.artifact(digest), (), lambda _: None
        )
    assert not [path for path in places.root.rglob("*") if path.name == "large" or path.name.startswith(".unpacking-")]


def order(artifact: Artifact, slot: str) -> LaunchOrder:
    """One instance of it."""
    revision = Revision(release=ReleaseNumber(1), image=artifact.image, artifact=artifact.digest, port=8080)
    return LaunchOrder(fleet=WEB, slot=SlotId(slot), zone=ZoneName("a"), revision=revision, generation=1)


def page(surroundings: Surroundings, artifact: Artifact) -> Path:
    """A file of the artifact's topmost layer, unpacked."""
    layer = artifact.layers[-1].digest.removeprefix("sha256:")
    return surroundings.folder / "layers" / layer / "srv" / "index.html"


class SetBack(SystemClock):
    """A clock that is an hour earlier at each look."""

    def __init__(self) -> None:
        self._looks = 0

    def now(self) -> datetime:
        """Ever earlier."""
        self._looks += 1
        return super().now() - timedelta(hours=self._looks)


@pytest.mark.real
def test_a_changed_tree_starts_nothing_and_is_unpacked_anew(surroundings: Surroundings, bake: Bake) -> None:
    """Refused by whoever launches next; the next publishing mends it, since nothing runs from it."""
    provider, artifact = LocalProvider(surroundings), bake()
    provider.publish(artifact, progress=Silent())
    place = page(surroundings, artifact)
    place.write_bytes(b"other\n")
    with pytest.raises(Corrupt, match=r"srv/index\.html"):
        LocalProvider(surroundings).launch(order(artifact, "web-1"))
    assert not provider.observe(WEB).instances
    provider.publish(artifact, progress=Silent())
    assert place.read_bytes() == b"hello\n"
    identity = provider.launch(order(artifact, "web-2"))
    provider.terminate(WEB, identity, generation=1)


@pytest.mark.real
def test_a_tree_that_changes_below_an_instance_is_refused_until_it_ended(
    surroundings: Surroundings, bake: Bake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another instance, nor another artifact over the same layer, is made of it meanwhile.

    It is looked at again after a minute, though the clock was set back.
    """
    provider, artifact = LocalProvider(replace(surroundings, clock=SetBack())), bake()
    provider.publish(artifact, progress=Silent())
    identity = provider.launch(order(artifact, "web-1"))
    base = artifact.layers[0].digest.removeprefix("sha256:")
    (surroundings.folder / "layers" / base / "etc" / "passwd").chmod(0o777)
    for other in (artifact, bake(change={"srv/more.html": b"more\n"})):
        with pytest.raises(Corrupt, match="etc/passwd"):
            provider.publish(other, progress=Silent())
    later = monotonic() + 61
    monkeypatch.setattr(artifacts, "monotonic", lambda: later)
    with pytest.raises(Corrupt, match="etc/passwd"):
        provider.launch(order(artifact, "web-2"))
    provider.terminate(WEB, identity, generation=1)
    provider.publish(artifact, progress=Silent())


@pytest.mark.real
def test_what_only_ended_instances_ran_from_is_unpacked_anew(surroundings: Surroundings, bake: Bake) -> None:
    """As after a loss of the machine, when the project's folder comes back from a backup that was made while it ran."""
    provider, artifact = LocalProvider(surroundings), bake()
    provider.publish(artifact, progress=Silent())
    identity = provider.launch(order(artifact, "web-1"))
    backup = surroundings.folder.with_name("backup")
    surroundings.commands.run(["cp", "-a", "--one-file-system", str(surroundings.folder), str(backup)])
    provider.terminate(WEB, identity, generation=1)
    remove_tree(surroundings.folder)
    backup.rename(surroundings.folder)

    restored = LocalProvider(surroundings)
    [left] = restored.observe(WEB).instances
    assert left.state is MachineState.STOPPED
    restored.publish(artifact, progress=Silent())
    second = restored.launch(order(artifact, "web-2"))
    for instance in (second, identity):
        restored.terminate(WEB, instance, generation=1)


@pytest.mark.real
@pytest.mark.parametrize("starting", [True, False])
def test_a_tree_is_left_alone_while_an_instance_starts_or_its_root_is_shown(
    surroundings: Surroundings, bake: Bake, *, starting: bool
) -> None:
    """Of one that another process starts there may be the record alone; of one that died its mount remains."""
    provider, artifact = LocalProvider(surroundings), bake()
    provider.publish(artifact, progress=Silent())
    identity = provider.launch(order(artifact, "web-1"))
    places = find_places(surroundings.folder, user=os.geteuid(), privileged=True)
    records = Records(places=places)
    [record] = records.of_fleet(WEB)
    assert record.process is not None
    record.process.stop(patience_seconds=0)
    if starting:
        records.write(replace(record, phase=Phase.STARTING, process=None))
        surroundings.commands.run(["umount", str(places.artifact(artifact.digest) / "root")])
    page(surroundings, artifact).chmod(0o777)
    with pytest.raises(Corrupt, match=r"srv/index\.html"):
        provider.publish(artifact, progress=Silent())
    provider.terminate(WEB, identity, generation=1)
    provider.publish(artifact, progress=Silent())
