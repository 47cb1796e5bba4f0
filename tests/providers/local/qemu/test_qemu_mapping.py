"""What QEMU is told, and what a machine is told: without any QEMU."""

import io
import json
import resource
import subprocess
import sys
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycdlib.pycdlib import PyCdlib
from ruamel.yaml import YAML

from repave.jobs.clock import SystemClock
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.recipe import ImageKind
from repave.model.release import Limits, Revision
from repave.operations.init import initialise
from repave.ports.bootstrap_format import FILES_LABEL, bootstrap_document, with_files
from repave.ports.errors import Invalid
from repave.ports.provider import LaunchOrder
from repave.providers.local.mapping import new_record
from repave.providers.local.qemu.acceleration import EMULATED, Acceleration
from repave.providers.local.qemu.events import cause_of_end
from repave.providers.local.qemu.files_disk import write_files_disk
from repave.providers.local.qemu.groups import ControlGroups
from repave.providers.local.qemu.machine import Boot, Machine, command_line, user_of
from repave.providers.local.qemu.seed import environment_file, meta_data, seed_disk, user_data

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
ORDER = LaunchOrder(
    fleet=FLEET,
    slot=SlotId("web-1"),
    zone=ZoneName("a"),
    revision=Revision(
        release=ReleaseNumber(3), image=ImageName("web"), artifact=Digest("sha256:" + "1" * 64), port=8080
    ),
    generation=1,
)
RECORD = new_record(
    ORDER,
    InstanceId("i-0123456789ab"),
    kind=ImageKind.VM,
    address="10.64.0.2",
    at=datetime(2026, 1, 1, tzinfo=UTC),
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
GUEST_SHUTDOWN = '{"event": "SHUTDOWN", "data": {"reason": "guest-shutdown"}}'
HOST_SIGNAL = '{"event": "SHUTDOWN", "data": {"reason": "host-signal"}}'
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)


def machine(**more: object) -> Machine:
    """One machine."""
    whole = Machine(
        record=RECORD,
        boot=Boot(disk=Path("/d/disk"), kernel=Path("/d/kernel"), initrd=None, arguments="console=ttyS0"),
        overlay=Path("/i/overlay.qcow2"),
        events=Path("/i/events"),
        console=Path("/c/one, two.log"),
        acceleration=Acceleration(accelerator=EMULATED, why=""),
        limits=Limits(),
        namespace=Path("/run/netns/x"),
        runas=True,
    )
    return replace(whole, **more)  # type: ignore[arg-type] # a test's own words


def value_of(arguments: list[str], option: str) -> list[str]:
    """Every value that is given for an option."""
    return [arguments[place + 1] for place, word in enumerate(arguments) if word == option]


@settings(max_examples=50)  # each starts a shell
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_variables_come_back_as_they_were(variables: Mapping[str, str]) -> None:
    """Whatever is in them: a shell reads the quotes as systemd does."""
    show = 'eval "$1"; shift; for name; do eval "printf \'%s\\0\' \\"\\$$name\\""; done'
    command = ["sh", "-c", show, "sh", environment_file(variables), *variables]
    read = subprocess.run(command, check=True, capture_output=True, env={}).stdout
    assert read.decode().split("\0")[:-1] == list(variables.values())


def on_disk(disk: bytes, name: str) -> bytes:
    """A file of a seed disk."""
    image, content = PyCdlib(), io.BytesIO()
    image.open_fp(io.BytesIO(disk))
    image.get_file_from_iso_fp(content, joliet_path=f"/{name}")
    return content.getvalue()


@pytest.mark.parametrize("document", ["", bootstrap_document("print()\n", {}, done="/etc/done").decode()])
def test_variables_are_told_to_the_initrd_alone(document: str) -> None:
    """cloud-init would keep them on the machine's disk; what else it is told is as it was baked."""
    disk = seed_disk(RECORD, {"TOKEN": "a b"}, document)
    assert on_disk(disk, "environment") == b'TOKEN="a b"\n'
    assert on_disk(disk, "user-data").decode() == (document or "#cloud-config\n{}\n")
    assert disk.count(b"a b") == 1


def test_older_machine_has_its_variables_from_cloud_init() -> None:
    """Which writes them where the application's unit reads them."""
    told = on_disk(seed_disk(RECORD, {"TOKEN": "a b"}, takes_environment=False), "user-data")
    (file,) = YAML(typ="safe").load(told)["write_files"]
    assert (file["path"], file["permissions"]) == ("/run/repave/environment", "0600")
    assert b64decode(file["content"]) == b'TOKEN="a b"\n'


def test_a_machine_is_told_its_name() -> None:
    """Its instance, and its slot as the host's name."""
    assert json.loads(meta_data(RECORD)) == {"instance-id": "i-0123456789ab", "local-hostname": "web-1"}
    assert user_data({}).startswith("#cloud-config\n")


def test_an_older_machine_that_installs_itself_is_told_both() -> None:
    """What its document says stays, and its variables are laid beside that."""
    document = bootstrap_document("print()\n", {"packages": []}, done="/etc/done").decode()
    said = YAML(typ="safe").load(user_data({"TOKEN": "a b"}, document))
    program, manifest, variables = said["write_files"]
    assert (program["path"], program["content"]) == ("/run/repave/bootstrap/install.py", "print()\n")
    assert json.loads(manifest["content"]) == {"packages": []}
    assert b64decode(variables["content"]) == b'TOKEN="a b"\n'
    assert said["runcmd"] == [["/usr/bin/python3", "-I", program["path"], manifest["path"]]]
    assert (said["package_update"], said["package_upgrade"]) == (False, False)


@pytest.mark.parametrize(
    "document", ["#cloud-config\nwrite_files: []\n", '#cloud-config\n{"write_files": 1}', "[]", "{}"]
)
def test_a_document_that_is_none_of_ours_is_refused(document: str) -> None:
    """With what to do."""
    with pytest.raises(Invalid, match="web has a document that cannot be read") as refused:
        with_files(document, [], "web")
    assert refused.value.hint == "bake the image again"


def test_files_are_on_a_disk_by_their_digests(tmp_path: Path) -> None:
    """Which is attached, read only, to whoever installs itself from it, and to no other machine."""
    names = {"a" * 64: b"one", "b" * 64: b"two" * 1000}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
    write_files_disk(tmp_path / "disk", {name: tmp_path / name for name in names})
    disk = PyCdlib()
    disk.open(str(tmp_path / "disk"))
    assert disk.pvd.volume_identifier.decode().strip() == FILES_LABEL
    for name, content in names.items():
        found = io.BytesIO()
        disk.get_file_from_iso_fp(found, rr_path=f"/{name}")
        assert found.getvalue() == content
    disk.close()
    boot = replace(machine().boot, files=tmp_path / "disk")
    drives = [json.loads(value) for value in value_of(command_line(machine(boot=boot)), "-blockdev")]
    assert [drive["node-name"] for drive in drives] == ["root", "seed", "files"]
    assert drives[2]["read-only"]
    assert "nvme,drive=files,serial=files" not in command_line(machine())


def test_there_may_be_more_files_than_a_process_may_open(tmp_path: Path) -> None:
    """As an image of a thousand packages has."""
    names = [f"{number:064x}" for number in range(200)]
    for name in names:
        (tmp_path / name).write_text(name)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        write_files_disk(tmp_path / "disk", {name: tmp_path / name for name in names})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    content = (tmp_path / "disk").read_bytes()
    assert all(name.encode() in content for name in names)


def test_a_machine_in_a_namespace_reaches_what_that_reaches() -> None:
    """Requests for its own address are handed on to its guest; it stands where `network` says."""
    arguments = command_line(machine())
    assert arguments[:3] == ["nsenter", "--net=/run/netns/x", "--"]
    (network,) = value_of(arguments, "-netdev")
    assert "restrict=off" in network
    assert "hostfwd=tcp:10.64.0.2:8080-:8080" in network


def test_a_machine_without_a_namespace_reaches_nothing() -> None:
    """It stands in this machine's own network, whose loopback is none of its business."""
    arguments = command_line(machine(namespace=None, runas=False))
    assert arguments[0] == "qemu-system-x86_64"
    assert "restrict=on" in value_of(arguments, "-netdev")[0]
    assert "-runas" not in arguments


def test_machines_whose_memory_is_saved_and_those_that_go_on_from_it_are_alike() -> None:
    """In every device and in the kernel's command line, none of which tells whose they are."""
    saved = command_line(machine(namespace=None, awaits=True))
    going_on = command_line(machine(below=Path("/snapshots/disk.qcow2")))
    assert value_of(saved, "-device") == value_of(going_on, "-device")
    assert not [device for device in value_of(saved, "-device") if "nvme" in device], "QEMU cannot save those"
    assert value_of(saved, "-append") == value_of(going_on, "-append")
    assert value_of(saved, "-append")[0].endswith("repave.awaits-identity")
    assert "web-1" not in value_of(saved, "-append")[0]
    assert value_of(going_on, "-incoming") == ["fd:4"]
    root = json.loads(value_of(going_on, "-blockdev")[0])
    assert root["backing"]["file"]["filename"] == "/snapshots/disk.qcow2"
    assert root["backing"]["backing"]["file"]["filename"] == str(machine().boot.disk)


@pytest.mark.parametrize(("runas", "stands"), [(True, ["unshare", "--net", "--"]), (False, ["qemu-system-x86_64"])])
def test_a_machine_whose_memory_is_saved_is_alone(*, runas: bool, stands: list[str]) -> None:
    """It stands in a network of nobody, or is let out nowhere; nothing is handed on to it."""
    arguments = command_line(machine(namespace=None, runas=runas, awaits=True))
    assert arguments[: len(stands)] == stands
    (network,) = value_of(arguments, "-netdev")
    assert "hostfwd" not in network
    assert f"restrict={'off' if runas else 'on'}" in network


def test_a_machine_that_takes_its_variables_by_itself_starts_without_cloud_init() -> None:
    """It is told so, and its name; another is started as its image says."""
    knowing = replace(machine().boot, takes_environment=True)
    (told,) = value_of(command_line(machine(boot=knowing)), "-append")
    assert told == "console=ttyS0 repave.environment systemd.hostname=web-1 cloud-init=disabled"
    assert value_of(command_line(machine()), "-append") == ["console=ttyS0"]


def test_a_machine_that_needs_cloud_init_takes_its_variables_by_itself_all_the_same() -> None:
    """cloud-init runs for what else there is, its name among it."""
    both = replace(machine().boot, takes_environment=True, needs_cloud_init=True)
    assert value_of(command_line(machine(boot=both)), "-append") == ["console=ttyS0 repave.environment"]


def test_limits_are_the_guests() -> None:
    """Memory in whole MiB, processors rounded up."""
    arguments = command_line(machine(limits=Limits(memory_bytes=200_000_000, cpus=0.5)))
    assert (value_of(arguments, "-m"), value_of(arguments, "-smp")) == (["190M"], ["1"])


@pytest.mark.parametrize(("there", "guests"), [(1, "1"), (2, "2"), (64, "2")])
def test_without_limits_a_machine_has_what_is_enough_for_a_small_server(
    monkeypatch: pytest.MonkeyPatch, there: int, guests: str
) -> None:
    """A second processor starts it sooner; more than this machine has would wait for each other."""
    monkeypatch.setattr("os.cpu_count", lambda: there)
    arguments = command_line(machine())
    assert (value_of(arguments, "-m"), value_of(arguments, "-smp")) == (["512M"], [guests])


def test_a_machine_has_the_same_size_whoever_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that a watch bound to one processor saved is of use to a person's deploy."""
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert value_of(command_line(machine()), "-smp") == ["2"]


def test_a_path_may_hold_a_comma() -> None:
    """QEMU separates values by commas."""
    assert "file,id=console,path=/c/one,, two.log,append=on" in command_line(machine())


def test_each_machine_has_a_user_of_its_own() -> None:
    """Clear of the users that anything else has."""
    other = replace(RECORD, instance=InstanceId("i-fedcba987654"))
    assert len({user_of(RECORD), user_of(other)}) == 2
    assert min(user_of(RECORD), user_of(other)) > 1_000_000_000


def test_what_is_written_stays_above_the_published_disk() -> None:
    """The published disk is read only, and an initrd is handed over where there is one."""
    arguments = command_line(machine(boot=replace(machine().boot, initrd=Path("/d/initrd"))))
    root, seed = (json.loads(value) for value in value_of(arguments, "-blockdev"))
    assert root["file"]["filename"] == "/i/overlay.qcow2"
    assert root["backing"]["file"]["filename"] == "/d/disk"
    assert root["backing"]["read-only"] is True
    assert seed["read-only"] is True
    assert value_of(arguments, "-initrd") == ["/d/initrd"]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("", "crashed or was killed"),
        ('{"QMP": {}}\n{"event": "SHUTD', "crashed or was killed"),
        ('[]\n{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-panic"}}', "kernel panicked"),
        ('{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}', "restarted itself"),
        ('{"event": "SHUTDOWN", "data": {"reason": "of-another-version"}}', "of-another-version"),
        (f"{GUEST_SHUTDOWN}\n{HOST_SIGNAL}", "shut itself down"),
    ],
)
def test_the_cause_of_an_end_is_its_first_event(said: str, cause: str) -> None:
    """A record that is cut off or empty is one of a QEMU that had no time to say anything."""
    assert cause in cause_of_end(said)


def test_who_runs_no_machine_waits_for_none_of_what_runs_them(tmp_path: Path) -> None:
    """Every deploy asks the provider of this machine, and few of them for machines."""
    initialise(tmp_path)
    program = (
        "import sys; from pathlib import Path; from repave.wiring import Wiring;"
        "print(sorted(Wiring(Path('repave.yaml')).machines('local').published()),"
        "[one for one in sys.modules if one in ('asyncio', 'qemu') or one.startswith('repave.providers.local.qemu')])"
    )
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[] []"


@pytest.mark.parametrize("unified", [False, True], ids=["version 1", "version 2"])
def test_a_control_group_limits_and_goes(tmp_path: Path, *, unified: bool) -> None:
    """Of both versions; removing it again is no error."""
    if unified:
        (tmp_path / "cgroup.controllers").touch()
    for name in () if unified else ("cpu", "cpuacct", "memory", "pids"):
        (tmp_path / name).mkdir()
    controllers = frozenset({"cpu", "memory", "pids"})
    groups = ControlGroups(controllers=controllers, clock=SystemClock(), root=tmp_path)
    joined = groups.make(RECORD, memory_bytes=1 << 20, cpus=0.5)
    assert len(joined) == (1 if unified else 4)
    limits = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size}
    if unified:
        assert limits == {"memory.max": "1048576", "cpu.max": "50000 100000"}
    else:
        expected = {"memory.limit_in_bytes": "1048576", "cpu.cfs_quota_us": "50000", "cpu.cfs_period_us": "100000"}
        assert limits == expected
    for path in [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]:
        path.unlink()  # as the kernel does, whose files go with their group
    groups.remove(RECORD)
    groups.remove(RECORD)
    assert not list(tmp_path.rglob("repave-*"))


def test_without_controllers_there_are_no_groups(tmp_path: Path) -> None:
    """A user without rights has none."""
    groups = ControlGroups(controllers=frozenset(), clock=SystemClock(), root=tmp_path)
    assert groups.make(RECORD, memory_bytes=1, cpus=1.0) == ()
    groups.remove(RECORD)
    assert not list(tmp_path.iterdir())
