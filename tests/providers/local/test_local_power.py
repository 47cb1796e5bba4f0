"""After a loss of power small files may be empty, and what was written last may be gone."""

import io
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from full_disk import LARGEST_BYTES, full_disk
from local_desk import WEB, Desk
from local_order import record

from repave.jobs.commands import LocalCommands
from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName, ProjectName
from repave.ports.commands import Finished
from repave.ports.errors import Corrupt
from repave.providers.local.guarded import Guarded
from repave.providers.local.layer_folders import LayerFolders
from repave.providers.local.places import Places
from repave.providers.local.records import Records
from repave.providers.local.unpacking import LayerFile
from repave.providers.local.usermode import UserModeNetwork
from repave.scratch.whole import write_whole
from repave.simulation.clock import SimulatedClock

ODD = FleetKey(project=ProjectName(".shop"), environment=EnvironmentName("a/b"), fleet=FleetName("50% ä"))


def emptied(folder: Path, pattern: str) -> Path:
    """The one file of the folder with that name, of which nothing is left."""
    (path,) = folder.glob(pattern)
    path.write_bytes(b"")
    return path


@pytest.mark.real
@pytest.mark.parametrize("lost", ["network.json", "fleets/*/*/*/fleet.json", "fleets/*/*/*/consoles/*.json"])
def test_what_can_be_known_without_a_file_is(desk: Desk, lost: str) -> None:
    """Instances are published, started, seen and ended without it."""
    first = desk.launch(desk.order())
    emptied(desk.surroundings.folder, lost)
    assert desk.provider.fleets() == (WEB,)
    second = desk.launch(desk.order(slot="web-2", change={"srv/more.html": b"more\n"}))
    assert first.address != second.address
    for instance in (first, second):
        desk.provider.terminate(WEB, instance.id, generation=1)
    assert not desk.seen()


def test_a_fleet_is_known_by_its_folder(tmp_path: Path) -> None:
    """Whatever it is called."""
    records = Records(places=Places(root=tmp_path, runtime=tmp_path))
    for fleet in (WEB, ODD):
        records.write(replace(record(), fleet=fleet))
    for path in tmp_path.glob("fleets/*/*/*/fleet.json"):
        path.write_bytes(b"")
    assert records.fleets() == tuple(sorted((WEB, ODD)))


def test_an_order_that_cannot_be_fenced_is_refused(tmp_path: Path) -> None:
    """It may be an older one; who knows that nobody else acts removes the file."""
    records = Records(places=Places(root=tmp_path, runtime=tmp_path))
    records.fence(WEB, 3)
    path = emptied(tmp_path, "fleets/*/*/*/generation")
    with pytest.raises(Corrupt, match=str(path)) as told:
        records.fence(WEB, 4)
    assert "remove the file" in told.value.hint
    path.unlink()
    records.fence(WEB, 4)


def test_what_is_remembered_outlasts_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest generation, by which orders are refused; whose an instance is, by which nothing of it is forgotten."""
    flushed: list[str] = []
    monkeypatch.setattr("os.fsync", lambda handle: flushed.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    records = Records(places=Places(root=tmp_path, runtime=tmp_path))
    records.fence(WEB, 3)
    records.write(record())
    assert [name.split(".")[1] for name in flushed] == ["generation", "fleet", record().slot]


def test_nothing_is_left_beside_a_record_that_could_not_be_written(tmp_path: Path) -> None:
    """Of a disk that is full: what was there before is there still."""
    place = tmp_path / "network.json"
    write_whole(place, b"before")
    with full_disk(), pytest.raises(OSError, match="too large"):
        write_whole(place, bytes(LARGEST_BYTES + 1))
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("network.json", b"before")]


def test_without_root_addresses_begin_anew(tmp_path: Path) -> None:
    """Those that are in use stay theirs."""
    places, commands = Places(root=tmp_path, runtime=tmp_path), LocalCommands()
    network = UserModeNetwork(places=places, clock=SimulatedClock(), guarded=Guarded(places=places, commands=commands))
    taken = network.allocate(())
    emptied(tmp_path, "network.json")
    assert network.allocate((taken,)) != taken


class Noticing(LocalCommands):
    """Sees what is there when the disk is waited for."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self._place = place
        self.seen: list[tuple[bool, bytes]] = []

    def run(self, arguments: Sequence[str], **more: object) -> Finished:
        """Look, then run it."""
        assert list(arguments[:2]) == ["sync", "--file-system"]
        self.seen.append((self._place.exists(), (Path(arguments[2]) / "page").read_bytes()))
        return super().run(arguments, **more)  # type: ignore[arg-type] # as it was given


@pytest.mark.parametrize("privileged", [True, False])
def test_an_unpacked_layer_outlasts_a_loss_of_power(tmp_path: Path, *, privileged: bool) -> None:
    """All of it is on this machine's own disk before the seal is, by which it is believed from then on."""
    stored = tmp_path / "layer.tar"
    with tarfile.open(stored, mode="w") as archive:
        member = tarfile.TarInfo("page")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    digest = Digest(f"sha256:{sha256(stored.read_bytes()).hexdigest()}")
    layer = LayerFile(
        path=stored, digest=digest, difference=digest, media_type="application/vnd.oci.image.layer.v1.tar"
    )
    places = Places(root=tmp_path / "local", runtime=tmp_path)
    folder = places.artifact(digest)
    place = places.seals / digest.removeprefix("sha256:") if privileged else folder / "seal"
    commands = Noticing(place)
    layers = LayerFolders(places=places, commands=commands, privileged=privileged)
    layers.unpack((layer,), folder, (), lambda _: None)
    assert commands.seen == [(False, b"hello")]
    assert place.exists()
