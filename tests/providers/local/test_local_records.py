"""What is kept of instances, networks and layers on this machine, and what is not ours is left alone."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from local_desk import WEB, Desk

from repave.model.names import (
    Digest,
)
from repave.model.observation import MachineState
from repave.ports.errors import Conflict, Corrupt
from repave.ports.progress import Silent

pytestmark = pytest.mark.real


def test_a_reused_process_number_is_not_taken_for_the_instance(desk: Desk) -> None:
    """A record that names another process's number shows a stopped instance, and ending it harms nobody."""
    instance = desk.launch(desk.order())
    os.kill(desk.pid(instance), signal.SIGKILL)
    desk.until(lambda: desk.seen()[instance.id].state is MachineState.STOPPED)
    path = next(desk.surroundings.folder.glob("fleets/*/*/*/instances/*.json"))
    record = json.loads(path.read_bytes())
    record["process"]["pid"] = os.getpid()
    path.write_text(json.dumps(record))
    assert desk.seen()[instance.id].state is MachineState.STOPPED
    desk.provider.terminate(WEB, instance.id, generation=1)
    assert not desk.seen()


def test_a_restart_of_the_machine_is_noticed(desk: Desk) -> None:
    """Processes of an earlier boot are stopped instances, whatever has their number now."""
    instance = desk.launch(desk.order())
    path = next(desk.surroundings.folder.glob("fleets/*/*/*/instances/*.json"))
    record = json.loads(path.read_bytes())
    record["process"]["boot"] = "an-earlier-one"
    path.write_text(json.dumps(record))
    assert desk.seen()[instance.id].detail == "the machine was restarted"


def test_an_unreadable_record_makes_the_list_incomplete(desk: Desk) -> None:
    """What can be read is listed, and what cannot is said."""
    instance = desk.launch(desk.order())
    path = next(desk.surroundings.folder.glob("fleets/*/*/*/instances/*.json"))
    path.with_name("web-9.json").write_text("{")
    sighting = desk.provider.observe(WEB)
    assert [seen.id for seen in sighting.instances] == [instance.id]
    assert "web-9.json" in sighting.incomplete
    assert desk.provider.fleets() == (WEB,)
    desk.provider.terminate(WEB, instance.id, generation=1)
    assert not desk.seen()
    with pytest.raises(Corrupt):
        desk.provider.terminate(WEB, instance.id, generation=1)
    path.with_name("web-9.json").unlink()


def test_a_foreign_bridge_is_not_touched(desk: Desk, traces: Callable[[], list[str]]) -> None:
    """A device of our name with another's label is refused and left as it is."""
    bridge = desk.provider._parts.places.bridge
    run = desk.surroundings.commands.run
    run(["ip", "link", "add", bridge, "type", "bridge"])
    run(["ip", "link", "set", "dev", bridge, "alias", "of-another"])
    with pytest.raises(Conflict, match="not of this project"):
        desk.launch(desk.order())
    assert Path(f"/sys/class/net/{bridge}/ifalias").read_text().strip() == "of-another"
    assert not desk.seen()
    assert not traces()


def test_a_network_that_another_took_is_left_to_it(desk: Desk) -> None:
    """While nothing of ours runs, a stranger's route moves the project to another network."""
    first = desk.launch(desk.order())
    assert first.address is not None
    desk.provider.terminate(WEB, first.id, generation=1)
    device = f"rt{desk.provider._parts.places.token}"
    run = desk.surroundings.commands.run
    run(["ip", "link", "add", device, "type", "bridge"])
    try:
        run(["ip", "addr", "add", f"{first.address}/24", "dev", device])
        run(["ip", "link", "set", "dev", device, "up"])
        second = desk.launch(desk.order(slot="web-2"))
        assert second.address is not None
        assert second.address.rpartition(".")[0] != first.address.rpartition(".")[0]
    finally:
        run(["ip", "link", "del", "dev", device])


def test_an_altered_layer_is_not_published(desk: Desk) -> None:
    """Bytes that differ from their digest are refused, and nothing becomes startable."""
    artifact = desk.bake()
    path = desk.surroundings.registry.path(artifact.layers[0].digest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=artifact.layers[0].digest):
        desk.provider.publish(artifact, progress=Silent())
    assert not desk.provider.published()


def test_a_layer_is_shared_and_goes_with_its_last_artifact(desk: Desk) -> None:
    """Two artifacts over one base unpack it once; withdrawing one keeps what the other needs."""
    first, second = desk.bake(), desk.bake(change={"srv/more.html": b"more\n"})
    for artifact in (first, second):
        desk.provider.publish(artifact, progress=Silent())
    layers = desk.surroundings.folder / "layers"
    assert len(list(layers.iterdir())) == 3
    desk.provider.withdraw(first.digest)
    kept = {Digest(f"sha256:{path.name}") for path in layers.iterdir()}
    assert kept == {layer.digest for layer in second.layers}
    desk.provider.withdraw(second.digest)
    assert not list(layers.iterdir())
