"""What an instance on this machine is: isolated, named, limited, reachable; its zone and its secrets."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from local_desk import WEB, Desk, fetch, status

from repave.model.names import InstanceId, ZoneName
from repave.model.observation import MachineState
from repave.model.release import Limits
from repave.ports.errors import Invalid, NoCapacity
from repave.ports.progress import Silent
from repave.providers.local.places import token_of
from repave.providers.local.provider import LocalProvider

pytestmark = pytest.mark.real

SECRET = "correct-horse-battery-staple"  # noqa: S105 - it only has to be recognised where it must not be


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


@pytest.mark.parametrize("place", ["127.0.0.1:8080", "8000"])
def test_one_that_listens_where_nobody_asks_is_told_so(desk: Desk, place: str) -> None:
    """Its port on its own loopback, and another port: what it does is known before anybody looks at its code."""
    instance = desk.launch(desk.order(command=("/bin/sh", "-c", f"exec httpd -f -p {place} -h /srv")))
    said = f"listens on {place if ':' in place else f'[::]:{place}'}, not on 0.0.0.0:8080"
    desk.until(lambda: desk.seen()[instance.id].detail == said)


def test_nothing_is_told_of_one_that_listens_where_it_should(desk: Desk) -> None:
    """Neither before it was asked the first time, nor when it listens somewhere else besides."""
    command = "httpd -p 127.0.0.1:9000 -h /srv; exec httpd -f -p $PORT -h /srv"
    instance = desk.launch(desk.order(command=("/bin/sh", "-c", command)))
    listening = Path(f"/proc/{desk.pid(instance)}/net/tcp6")
    desk.until(lambda: f":{8080:04X} " in listening.read_text())
    assert desk.seen()[instance.id].detail == ""
    assert fetch(desk, instance)[0] == 200
    assert desk.seen()[instance.id].detail == ""


def test_who_loses_the_folder_still_reaches_what_starts_then(desk: Desk) -> None:
    """The bridge that is left carries the new addresses too, and what ran before keeps its own."""
    before = desk.launch(desk.order())
    (desk.surroundings.folder / "network.json").unlink()
    after = desk.launch(desk.order(slot="web-2"))
    assert IPv4Network(f"{before.address}/24", strict=False) != IPv4Network(f"{after.address}/24", strict=False)
    assert [fetch(desk, instance) for instance in (before, after)] == [(200, b"hello\n")] * 2


def test_the_bridge_keeps_its_hardware_address(desk: Desk) -> None:
    """Instances that have asked for it once are not to ask again because another came or went."""
    told = Path(f"/sys/class/net/rb{token_of(desk.surroundings.folder)}/address")
    desk.launch(desk.order())
    first = told.read_text()
    second = desk.launch(desk.order(slot="web-2"))
    assert told.read_text() == first
    desk.provider.terminate(WEB, second.id, generation=1)
    assert told.read_text() == first


def test_its_address_is_told_before_its_network_is_made(desk: Desk) -> None:
    """Others get ready meanwhile; who asked there too early is answered once it is made, not when he asks again."""
    told: list[tuple[str, str, int | None]] = []

    def placed(instance: InstanceId, address: str, port: int | None) -> None:
        assert not Path(f"/run/netns/repave-{instance}").exists()
        told.append((instance, address, port))

    identity = desk.provider.launch(desk.order(), placed=placed)
    (instance,) = desk.seen().values()
    assert told == [(identity, instance.address, instance.port)]
    # Complete (ATF_COM of arp(7)), although nobody has asked yet.
    neighbours = Path("/proc/net/arp")
    desk.until(
        lambda: [instance.address, "0x1", "0x2"] in [line.split()[:3] for line in neighbours.read_text().splitlines()]
    )


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
