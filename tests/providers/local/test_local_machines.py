"""What an instance on this machine is: isolated, named, limited, reachable; its zone, its output, its secrets."""

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path

import pytest

from repave.model.artifact import Artifact
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.observation import Instance, MachineState
from repave.model.release import Limits, Revision
from repave.ports.errors import Conflict, Corrupt, Gone, Invalid, NoCapacity
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider

pytestmark = pytest.mark.real

WEB = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
SECRET = "correct-horse-battery-staple"  # noqa: S105 - it only has to be recognised where it must not be
PATIENCE_SECONDS = 10.0

Bake = Callable[..., Artifact]


class Desk:
    """One provider, and the few things these tests ask of it."""

    def __init__(self, surroundings: Surroundings, bake: Bake) -> None:
        self.surroundings = surroundings
        self.provider = LocalProvider(surroundings)
        self.bake = bake

    def order(
        self, *, slot: str = "web-1", zone: str = "a", command: tuple[str, ...] | None = None, **more: object
    ) -> LaunchOrder:
        """An order whose artifact is published."""
        baked = {name: more.pop(name) for name in ("change", "volumes", "architecture") if name in more}
        artifact = self.bake(command=command, **baked) if command else self.bake(**baked)
        self.provider.publish(artifact, progress=Silent())
        revision = Revision(release=ReleaseNumber(3), image=artifact.image, artifact=artifact.digest, port=8080)
        order = LaunchOrder(fleet=WEB, slot=SlotId(slot), zone=ZoneName(zone), revision=revision, generation=1)
        return replace(order, **more)  # type: ignore[arg-type] # a test's own words

    def launch(self, order: LaunchOrder) -> Instance:
        """Launch, then look."""
        identity = self.provider.launch(order)
        return self.seen()[identity]

    def seen(self) -> dict[InstanceId, Instance]:
        """All instances, by id."""
        return {instance.id: instance for instance in self.provider.observe(WEB).instances}

    def pid(self, instance: Instance) -> int:
        """The number of its first process on the machine."""
        return int((self.surroundings.folder / "instances" / instance.id / "pid").read_text())

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the world."""
        for _ in range(int(PATIENCE_SECONDS / 0.05)):
            if condition():
                return
            self.surroundings.clock.sleep(0.05)
        raise AssertionError(f"it did not come to be within {PATIENCE_SECONDS:g} s")

    def said(self, instance: Instance) -> list[str]:
        """Its output so far."""
        return list(self.provider.console(WEB, instance.id))


@pytest.fixture
def desk(surroundings: Surroundings, bake: Bake) -> Desk:
    """A provider with nothing in it."""
    return Desk(surroundings, bake)


def fetch(desk: Desk, instance: Instance, path: str = "/index.html") -> tuple[int, bytes]:
    """Status and content that the instance answers over its own address, once it listens."""
    answers: list[tuple[int, bytes]] = []

    def answered() -> bool:
        connection = HTTPConnection(str(instance.address), instance.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        except ConnectionRefusedError:
            return False
        finally:
            connection.close()
        return True

    desk.until(answered)
    return answers[0]


def status(pid: int) -> Mapping[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_an_artifact_for_another_processor_is_not_started(desk: Desk) -> None:
    """It is refused by name, instead of a program that fails for no visible reason."""
    with pytest.raises(Invalid, match="the image is for riscv64, this machine is"):
        desk.launch(desk.order(architecture="riscv64"))


def test_an_instance_answers_at_its_own_address(desk: Desk) -> None:
    """Every instance has an address, and serves its topmost layer's files."""
    instances = [desk.launch(desk.order(slot=f"web-{number}")) for number in (1, 2)]
    desk.until(lambda: all("serving as 1000" in " ".join(desk.said(one)) for one in instances))
    assert [fetch(desk, instance) for instance in instances] == [(200, b"hello\n")] * 2
    assert fetch(desk, instances[0], "/removed.html")[0] == 404


def test_an_instance_is_held_on_all_sides(desk: Desk) -> None:
    """Namespaces of its own, no privilege, no capability, a filter, an unprivileged user, a name."""
    instance = desk.launch(desk.order(command=("/bin/sh", "-c", "hostname; exec sleep 1000")))
    pid = desk.pid(instance)
    desk.until(lambda: status(pid)["Name"] == "sleep")
    facts = status(pid)
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"
    assert {facts[f"Cap{which}"] for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert facts["Uid"].split() == ["1000"] * 4
    assert facts["Groups"].split() == ["1004"]
    for kind in ("pid", "mnt", "net", "ipc", "uts"):
        assert Path(f"/proc/{pid}/ns/{kind}").readlink() != Path(f"/proc/self/ns/{kind}").readlink(), kind
    shown = desk.surroundings.commands.run(["nsenter", "--target", str(pid), "--uts", "hostname"]).stdout
    assert shown == b"web-1\n"


def test_only_temporary_folders_can_be_written(desk: Desk) -> None:
    """The root is read-only; /tmp, /run and /var/tmp are memory."""
    script = (
        "for d in / /srv /etc /bin /tmp /run /var/tmp; do (: >$d/probe) 2>/dev/null && echo wrote $d; done; echo end"
    )
    instance = desk.launch(desk.order(command=("/bin/sh", "-c", script)))
    desk.until(lambda: "end" in desk.said(instance))
    assert desk.said(instance) == ["wrote /tmp", "wrote /run", "wrote /var/tmp", "end"]


def test_the_data_of_an_ephemeral_image_is_its_users_own_and_in_memory(desk: Desk) -> None:
    """Each volume of the image can be written by its user, belongs to nobody else, and begins empty."""
    script = "echo x >/data/file && echo wrote; ls -ld /data; ls /data; echo end"
    order = desk.order(command=("/bin/sh", "-c", script), change={"data/old": b"below"}, volumes=("/data",))
    instance = desk.launch(order)
    desk.until(lambda: "end" in desk.said(instance))
    wrote, rights, *files, _ = desk.said(instance)
    assert (wrote, files) == ("wrote", ["file"])
    assert rights.split()[2:4] == ["web", "web"]


def test_a_low_port_needs_one_capability_and_gets_no_more(desk: Desk) -> None:
    """CAP_NET_BIND_SERVICE (bit 10) for a port below 1024, and nothing else."""
    order = desk.order()
    instance = desk.launch(replace(order, revision=replace(order.revision, port=80)))
    desk.until(lambda: bool(desk.said(instance)))
    assert status(desk.pid(instance))["CapEff"] == f"{1 << 10:016x}"
    assert fetch(desk, instance) == (200, b"hello\n")


def test_limits_reach_the_kernel(desk: Desk) -> None:
    """What the revision allows is what the control group says."""
    order = desk.order()
    limits = Limits(memory_bytes=64 * 1024 * 1024, cpus=0.5)
    instance = desk.launch(replace(order, revision=replace(order.revision, limits=limits)))
    groups = Path("/sys/fs/cgroup")
    group = f"repave-{instance.id}"
    if (groups / "cgroup.controllers").exists():
        assert (groups / group / "memory.max").read_text().strip() == str(64 * 1024 * 1024)
        assert (groups / group / "cpu.max").read_text().split() == ["50000", "100000"]
    else:
        assert (groups / "memory" / group / "memory.limit_in_bytes").read_text().strip() == str(64 * 1024 * 1024)
        assert (groups / "cpu" / group / "cpu.cfs_quota_us").read_text().strip() == "50000"


def test_an_instance_that_uses_too_much_memory_says_so(desk: Desk) -> None:
    """A kill by the kernel is told apart from an end of its own."""
    command = ("/bin/sh", "-c", "x=0123456789abcdef; while :; do x=$x$x; done")
    order = desk.order(command=command)
    limits = Limits(memory_bytes=16 * 1024 * 1024)
    instance = desk.launch(replace(order, revision=replace(order.revision, limits=limits)))
    desk.until(lambda: desk.seen()[instance.id].state is MachineState.STOPPED)
    assert "memory limit" in desk.seen()[instance.id].detail


def test_configuration_is_delivered_as_variables(desk: Desk) -> None:
    """The revision's configuration, where it runs, and the secrets."""
    order = desk.order(command=("/bin/sh", "-c", "export; echo end"))
    revision = replace(order.revision, configuration=(("LOG_LEVEL", "info"),))
    instance = desk.launch(replace(order, revision=revision, secrets={"TOKEN": SECRET}))
    desk.until(lambda: "end" in desk.said(instance))
    said = "\n".join(desk.said(instance))
    for line in (
        "LOG_LEVEL='info'",
        "PORT='8080'",
        "REPAVE_RELEASE='r3'",
        f"REPAVE_REVISION='{revision.id}'",
        f"REPAVE_INSTANCE='{instance.id}'",
        "REPAVE_ZONE='a'",
        "REPAVE_FLEET='web'",
        "REPAVE_ENVIRONMENT='test'",
        f"TOKEN='{SECRET}'",
    ):
        assert line in said


def test_a_secret_is_in_no_file_and_no_process_list(desk: Desk) -> None:
    """Its value is in the process's own environment, and nowhere else that is ours."""
    instance = desk.launch(desk.order(secrets={"TOKEN": SECRET}))
    pid = desk.pid(instance)
    desk.until(lambda: SECRET.encode() in Path(f"/proc/{pid}/environ").read_bytes())
    places = desk.provider._parts.places
    for folder in (places.root, places.runtime):
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert SECRET.encode() not in path.read_bytes(), path
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert SECRET.encode() not in path.read_bytes(), path
        except OSError:
            continue
    assert SECRET not in repr(desk.order(secrets={"TOKEN": SECRET}))


def test_a_stopped_zone_takes_nothing_until_it_is_started(desk: Desk) -> None:
    """Every process of the zone is killed, no other; launches there answer NoCapacity and name the switch."""
    here, there = (desk.launch(desk.order(slot=f"web-{zone}", zone=zone)) for zone in ("a", "b"))
    desk.provider.stop_zone(ZoneName("a"))
    assert desk.seen()[here.id].state is MachineState.STOPPED
    assert desk.seen()[there.id].state is MachineState.RUNNING
    with pytest.raises(NoCapacity, match="zone a is stopped") as refused:
        desk.launch(desk.order(slot="web-3", zone="a"))
    assert "a.stopped" in refused.value.hint
    LocalProvider(desk.surroundings).start_zone(ZoneName("a"))
    assert desk.launch(desk.order(slot="web-3", zone="a")).state is MachineState.RUNNING


def test_a_command_that_is_not_in_the_image_is_invalid(desk: Desk, traces: Callable[[], list[str]]) -> None:
    """The refusal names the program, and nothing half-started is left."""
    with pytest.raises(Invalid, match="/srv/missing"):
        desk.launch(desk.order(command=("/srv/missing",)))
    assert not desk.seen()
    assert not traces()
    assert not desk.provider.kept_consoles(WEB)


def test_an_image_that_would_run_as_root_is_refused(desk: Desk) -> None:
    """An unprivileged user is no wish but a condition."""
    artifact = desk.bake(user="root")
    desk.provider.publish(artifact, progress=Silent())
    order = desk.order()
    with pytest.raises(Invalid, match="user is root"):
        desk.launch(replace(order, revision=replace(order.revision, artifact=artifact.digest)))


def test_a_polite_end_lets_the_application_finish(desk: Desk) -> None:
    """A process that handles SIGTERM gets it; what it says then is kept."""
    script = "trap 'echo goodbye; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    instance = desk.launch(desk.order(command=("/bin/sh", "-c", script)))
    desk.until(lambda: "ready" in desk.said(instance))
    desk.provider.terminate(WEB, instance.id, generation=1)
    assert desk.said(instance) == ["ready", "goodbye"]


def test_a_followed_console_ends_with_its_instance(desk: Desk) -> None:
    """Following shows what is there, then what comes, and stops by itself."""
    instance = desk.launch(desk.order(command=("/bin/sh", "-c", "echo one; sleep 0.3; echo two")))
    assert list(islice(desk.provider.console(WEB, instance.id, follow=True), 9)) == ["one", "two"]


def test_a_console_is_bounded_and_keeps_the_newest(desk: Desk) -> None:
    """Beyond 8 MiB of disk the oldest part is given back; the newest lines stay whole."""
    script = "yes 0123456789abcdef | head -n 600000; echo last; exec sleep 1000"
    instance = desk.launch(
        desk.order(
            command=("/bin/busybox", "sh", "-c", script.replace("yes", "busybox yes").replace("head", "busybox head"))
        )
    )
    path = next(desk.surroundings.folder.glob(f"fleets/*/*/*/consoles/{instance.id}.log"))
    desk.until(lambda: path.stat().st_size > 600000 * 17)
    desk.seen()
    assert path.stat().st_blocks * 512 <= 5 * 1024 * 1024
    lines = desk.said(instance)
    assert lines[-1] == "last"
    assert set(lines[:-1]) == {"0123456789abcdef"}
    assert len(lines) > 200000


def test_consoles_of_the_ended_are_kept_up_to_a_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest output goes first, and is then answered with Gone."""
    monkeypatch.setattr("repave.providers.local.consoles.CONSOLES_KEPT", 2)
    instances = [desk.launch(desk.order(slot=f"web-{number}")) for number in (1, 2, 3, 4)]
    for instance in instances[:3]:
        desk.provider.terminate(WEB, instance.id, generation=1)
    assert [kept[0] for kept in desk.provider.kept_consoles(WEB)] == [one.id for one in instances[1:]]
    with pytest.raises(Gone):
        desk.provider.console(WEB, instances[0].id)


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


def test_what_is_needed_is_proved_here(desk: Desk, traces: Callable[[], list[str]]) -> None:
    """Each need is tried, works where these tests run, and leaves nothing behind."""
    proofs = desk.provider.describe().proofs
    assert {proof.name for proof in proofs} == {
        "programs",
        "containers",
        "bridge network",
        "overlay mounts",
        "resource limits",
        "virtual machines",
        "acceleration",
    }
    optional = {"resource limits", "acceleration"}
    assert all(proof.works for proof in proofs if proof.name not in optional), proofs
    assert not traces()
