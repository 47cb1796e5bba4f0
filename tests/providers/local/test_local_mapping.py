"""The pure parts of this machine's provider: records, slots, addresses, accounts, and what runc is told."""

import json
import string
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.observation import MachineState
from repave.model.recipe import ImageKind
from repave.model.release import Limits, Revision
from repave.ports.errors import CommandFailed, Denied, Invalid, NoCapacity, Unreachable, WorldError
from repave.ports.provider import LaunchOrder
from repave.providers.local.accounts import resolve_user
from repave.providers.local.addresses import (
    choose_address,
    choose_network,
    hardware_address,
    loopback_network,
    read_routes,
)
from repave.providers.local.containers import (
    SEARCH_PATH,
    Container,
    IdentityMap,
    hosts_file,
    runtime_configuration,
)
from repave.providers.local.errors import of_command
from repave.providers.local.identities import identity_map
from repave.providers.local.limits import killed_for_memory, usable_controllers
from repave.providers.local.mapping import (
    ImageFacts,
    Phase,
    Record,
    image_command,
    image_environment,
    instance_of,
    new_record,
    read_facts,
    read_fleet,
    read_record,
    read_spent,
    written_facts,
    written_fleet,
    written_record,
    written_spent,
)
from repave.providers.local.places import Places, file_name
from repave.providers.local.processes import Process
from repave.providers.local.slots import SpentSlots
from repave.providers.local.variables import hostname, variables_of

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
REVISION = Revision(
    release=ReleaseNumber(3),
    image=ImageName("web"),
    artifact=Digest("sha256:" + "a" * 64),
    port=8080,
    configuration=(("LOG_LEVEL", "info"),),
    limits=Limits(memory_bytes=1 << 26, cpus=0.25),
)
ORDER = LaunchOrder(
    fleet=FLEET, slot=SlotId("web-1"), zone=ZoneName("a"), revision=REVISION, generation=4, secrets={"COLOUR": "red"}
)
IMAGE = ImageFacts(
    layers=("x", "y"),
    command=("serve", "--all"),
    environment=(("PATH", "/opt/bin"), ("LOG_LEVEL", "debug")),
    folder="/srv",
    user=33,
    group=33,
    groups=(44,),
)
GIVEN = {"PATH": SEARCH_PATH, **dict(IMAGE.environment)}
PLACES = Places(root=Path("/project/.repave/local"), runtime=Path("/run/repave/x"))
SLOTS = st.text(alphabet=string.ascii_lowercase + string.digits + "-/.", min_size=1, max_size=8)


def record() -> Record:
    """An instance of the order."""
    identity = PLACES.instance_id(FLEET, ORDER.slot)
    return new_record(ORDER, identity, kind=ImageKind.CONTAINER, address="10.64.0.2", at=AT)


def container(**more: object) -> Container:
    """The container of the order."""
    whole = Container(
        record=record(),
        image=IMAGE,
        root=Path("/root-of-it"),
        hosts=Path("/hosts-of-it"),
        variables=variables_of(ORDER, record(), GIVEN),
        limits=REVISION.limits,
        network=Path("/run/netns/x"),
        controllers=frozenset({"cpu", "memory", "pids"}),
    )
    return replace(whole, **more)  # type: ignore[arg-type] # a test's own words


def dig(configuration: object, *way: str) -> object:
    """One value deep inside."""
    for step in way:
        assert isinstance(configuration, dict)
        configuration = configuration[step]
    return configuration


def test_a_record_is_read_as_it_was_written() -> None:
    """With and without its processes."""
    process = Process(pid=7, started_ticks=99, boot="b")
    for one in (record(), replace(record(), phase=Phase.STARTED, process=process, forwarder=process)):
        assert read_record(written_record(one)) == one


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"instance": 1}'])
def test_anything_else_than_a_record_is_refused(content: bytes) -> None:
    """By errors that the store of records tells apart."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_record(content)


def test_facts_and_fleets_are_read_as_they_were_written() -> None:
    """Nothing is lost on disk."""
    assert read_facts(written_facts(IMAGE)) == IMAGE
    assert read_fleet(written_fleet(FLEET)) == FLEET


def test_no_record_holds_a_secret() -> None:
    """An order's secrets do not reach what is written down."""
    order = replace(ORDER, secrets={"TOKEN": "correct-horse"})
    identity = PLACES.instance_id(FLEET, order.slot)
    written = written_record(new_record(order, identity, kind=ImageKind.VM, address="10.64.0.2", at=AT))
    assert b"correct-horse" not in written
    assert b"TOKEN" not in written
    assert "correct-horse" not in repr(container(variables={"TOKEN": "correct-horse"}))


def test_an_instance_says_what_its_record_says() -> None:
    """Tags, address and state reach the model."""
    instance = instance_of(record(), MachineState.STOPPED, "why")
    assert (instance.slot, instance.zone, instance.revision) == ("web-1", "a", REVISION.id)
    assert (instance.address, instance.port, instance.detail) == ("10.64.0.2", 8080, "why")


@given(st.lists(SLOTS, max_size=30), SLOTS)
def test_spent_slots_are_exactly_those_added(names: list[str], other: str) -> None:
    """Whatever the order and the names, and after a way through the file."""
    spent = SpentSlots()
    for name in names:
        spent = spent.add(SlotId(name))
    spent = read_spent(written_spent(spent))
    assert all(name in spent for name in names)
    assert (other in spent) == (other in names)


@given(st.permutations(range(1, 30)))
def test_numbered_slots_take_the_space_of_one_range(numbers: list[int]) -> None:
    """A fleet that replaced a million instances remembers two numbers."""
    spent = SpentSlots()
    for number in numbers:
        spent = spent.add(SlotId(f"web-{number}"))
    assert spent.ranges == {"web-": ((1, 29),)}


def test_machine_wide_names_fit_and_differ() -> None:
    """Device names have 15 characters at most, and belong to one folder and slot."""
    elsewhere = replace(PLACES, root=Path("/other/.repave/local"))
    assert len(PLACES.bridge) <= 15
    assert PLACES.bridge != elsewhere.bridge
    identities = {places.instance_id(FLEET, SlotId(slot)) for places in (PLACES, elsewhere) for slot in ("a", "b")}
    assert len(identities) == 4
    assert all(len(identity) == 14 for identity in identities)


@given(st.text(min_size=1, max_size=20).filter(lambda name: max(name) < "\ud800" or max(name) > "\udfff"))
def test_a_name_becomes_one_path_component(name: str) -> None:
    """No name climbs, hides or splits."""
    component = file_name(name)
    assert "/" not in component
    assert "\0" not in component
    assert not component.startswith(".")


ROUTES = """Iface	Destination	Gateway	Flags	RefCnt	Use	Metric	Mask	MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
old0	0000400A	00000000	0000	0	0	0	00FFFFFF	0	0	0
"""


def test_routes_are_read_from_the_kernels_table() -> None:
    """The default route says nothing about what is taken, nor does one that is down."""
    assert read_routes(ROUTES) == (IPv4Network("192.0.2.0/24"),)


@given(st.text(max_size=10), st.sets(st.integers(64, 191)))
def test_a_chosen_network_is_private_and_free(token: str, seconds: set[int]) -> None:
    """It overlaps nothing taken; when all is taken, that is said."""
    taken = [IPv4Network(f"10.{second}.0.0/16") for second in seconds]
    if len(taken) == 128:
        with pytest.raises(NoCapacity):
            choose_network(token, taken)
        return
    network = choose_network(token, taken)
    assert network.is_private
    assert network.prefixlen == 24
    assert not any(network.overlaps(other) for other in taken)
    assert choose_network(token, taken) == network


def test_addresses_go_round_before_one_comes_again() -> None:
    """One given back is used last, and none is given twice."""
    network = IPv4Network("10.64.0.0/24")
    given_out: list[str] = []
    for _ in range(253):
        given_out.append(choose_address(network, given_out, given_out[-1] if given_out else ""))
    assert given_out[0] == "10.64.0.2"
    assert given_out[-1] == "10.64.0.254"
    assert len(set(given_out)) == 253
    with pytest.raises(NoCapacity):
        choose_address(network, given_out, given_out[-1])
    assert choose_address(network, [], "10.64.0.2") == "10.64.0.3"
    assert choose_address(network, [], "10.64.0.254") == "10.64.0.2"


def test_hardware_addresses_follow_addresses() -> None:
    """Locally administered, the same for the same address."""
    assert hardware_address("10.64.0.2") == "02:52:0a:40:00:02"
    assert str(loopback_network("x")).startswith("127.")


ACCOUNTS = {
    "passwd": "root:x:0:0::/root:/bin/sh\nbroken\nwww-data:x:33:34::/srv:/bin/sh\n",
    "group": "root:x:0:\nwww-data:x:34:\nlogs:x:44:www-data,other\nmail:x:8:\n",
}


@pytest.mark.parametrize(
    ("declared", "user", "group", "groups"),
    [
        ("www-data", 33, 34, (44,)),
        ("33", 33, 34, (44,)),
        ("www-data:mail", 33, 8, (44,)),
        ("www-data:44", 33, 44, ()),
        ("1000", 1000, 1000, ()),
        ("1000:1001", 1000, 1001, ()),
    ],
)
def test_a_user_is_found_in_the_image(
    tmp_path: Path, declared: str, user: int, group: int, groups: tuple[int, ...]
) -> None:
    """By name or number, with its groups; a bare number needs no entry."""
    (tmp_path / "etc").mkdir()
    for name, content in ACCOUNTS.items():
        (tmp_path / "etc" / name).write_text(content)
    account = resolve_user(declared, (tmp_path / "absent", tmp_path))
    assert (account.user, account.group, account.groups, account.problem) == (user, group, groups, "")


@pytest.mark.parametrize("declared", ["", "root", "0", "0:33", "nobody-knows", "www-data:nobody-knows"])
def test_a_user_that_is_root_or_unknown_is_a_problem(tmp_path: Path, declared: str) -> None:
    """And would never be run as root by mistake."""
    (tmp_path / "etc").mkdir()
    for name, content in ACCOUNTS.items():
        (tmp_path / "etc" / name).write_text(content)
    account = resolve_user(declared, (tmp_path,))
    assert account.problem
    assert account.user != 0


def test_an_account_file_is_not_read_through_a_link(tmp_path: Path) -> None:
    """A link in the image could point at a file of the machine."""
    (tmp_path / "etc").symlink_to("/etc")
    assert resolve_user("daemon", (tmp_path,)).problem
    (tmp_path / "etc").unlink()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").symlink_to("/etc/passwd")
    assert resolve_user("daemon", (tmp_path,)).problem


def test_entry_point_and_command_are_joined() -> None:
    """As the image specification says; null counts as empty."""
    assert image_command({"Entrypoint": ["a"], "Cmd": ["b", "c"]}) == ("a", "b", "c")
    assert image_command({"Entrypoint": None}) == ()
    assert image_environment({"Env": ["A=b=c", "D="]}) == (("A", "b=c"), ("D", ""))
    with pytest.raises(TypeError):
        image_command({"Cmd": "sh -c x"})


def test_variables_override_from_image_to_secret() -> None:
    """Configuration beats the image, what repave says beats both, and secrets are there."""
    variables = variables_of(ORDER, record(), GIVEN)
    assert variables["PATH"] == "/opt/bin"
    assert variables["LOG_LEVEL"] == "info"
    assert variables["COLOUR"] == "red"
    assert {name: variables[name] for name in ("PORT", "REPAVE_RELEASE", "REPAVE_ZONE", "REPAVE_FLEET")} == {
        "PORT": "8080",
        "REPAVE_RELEASE": "r3",
        "REPAVE_ZONE": "a",
        "REPAVE_FLEET": "web",
    }


@pytest.mark.parametrize(("name", "value"), [("A=B", "c"), ("", "c"), ("A", "b\0c")])
def test_what_cannot_be_a_variable_is_invalid(name: str, value: str) -> None:
    """The message names the variable, and never its value."""
    with pytest.raises(Invalid, match="cannot be a variable") as refused:
        variables_of(replace(ORDER, secrets={name: value}), record(), GIVEN)
    assert "b\0c" not in str(refused.value)


def test_the_configuration_holds_what_keeps_an_instance_in() -> None:
    """Read-only root, no privilege, no capability, namespaces, filter, no raised limits of the machine."""
    configuration = runtime_configuration(container())
    json.dumps(configuration)
    assert dig(configuration, "root") == {"path": "/root-of-it", "readonly": True}
    assert dig(configuration, "process", "noNewPrivileges") is True
    assert dig(configuration, "process", "user") == {"uid": 33, "gid": 33, "additionalGids": [44]}
    assert set(map(tuple, dig(configuration, "process", "capabilities").values())) == {()}  # type: ignore[attr-defined] # a mapping, as the specification has it
    assert "rlimits" not in dig(configuration, "process")  # type: ignore[operator] # a mapping, as above
    namespaces = {entry["type"]: entry.get("path") for entry in dig(configuration, "linux", "namespaces")}  # type: ignore[attr-defined] # a list
    assert namespaces == {"pid": None, "mount": None, "ipc": None, "uts": None, "network": "/run/netns/x"}
    assert dig(configuration, "linux", "seccomp", "syscalls")
    assert dig(configuration, "linux", "resources", "memory") == {"limit": 1 << 26}
    assert dig(configuration, "linux", "resources", "cpu") == {"quota": 25000, "period": 100000}
    assert dig(configuration, "linux", "resources", "pids") == {"limit": 4096}


def test_what_the_machine_cannot_limit_is_left_out() -> None:
    """A missing controller does not keep an instance from starting."""
    configuration = runtime_configuration(container(controllers=frozenset()))
    assert set(dig(configuration, "linux", "resources")) == {"devices"}  # type: ignore[call-overload] # a mapping


@pytest.mark.parametrize("count", [1, 2])
def test_without_root_users_are_mapped(count: int) -> None:
    """With one identity the application is the container's root, which outside is the unprivileged caller."""
    mapped = ((0, 1000, 1), (1, 100000, 65535))[:count]
    configuration = runtime_configuration(
        container(identities=IdentityMap(users=mapped, groups=mapped), network=None, controllers=frozenset())
    )
    assert dig(configuration, "process", "user", "uid") == (0 if count == 1 else 33)
    assert len(dig(configuration, "linux", "uidMappings")) == count  # type: ignore[arg-type] # a list
    assert "resources" not in dig(configuration, "linux")  # type: ignore[operator] # a mapping


def test_subordinate_identities_are_used_where_they_are_given(tmp_path: Path) -> None:
    """No file, no range: only our own identity is mapped."""
    assert identity_map(tmp_path).single


@pytest.mark.parametrize(("slot", "name"), [("web-1", "web-1"), ("a/b.c_d", "a-b-c-d"), ("//", "instance")])
def test_a_slot_becomes_a_host_name(slot: str, name: str) -> None:
    """Letters, digits and hyphens only."""
    assert hostname(slot) == name
    assert len(hostname("x" * 100)) == 63
    assert hosts_file("10.0.0.2", slot).splitlines()[-1] == f"10.0.0.2 {name}"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ('exec: "serve": executable file not found in $PATH', Invalid),
        ("write /x: no space left on device", NoCapacity),
        ("fork/exec: resource temporarily unavailable", NoCapacity),
        ("mount: permission denied", Denied),
        ("something new", Unreachable),
    ],
)
def test_what_programs_say_becomes_an_error_of_ours(said: str, error: type[WorldError]) -> None:
    """With the attempt in front, the cause behind, and a hint."""
    failed = CommandFailed(["runc"], exit_code=1, stderr=f"first\n{said}\n")
    found = of_command("starting web-1", failed)
    assert type(found) is error
    assert found.message == f"starting web-1: {said}"
    assert found.hint


def test_a_program_that_overran_leaves_the_outcome_open() -> None:
    """It may or may not have worked."""
    assert isinstance(of_command("x", CommandFailed(["runc"], exit_code=None, stderr="")), Unreachable)


def test_control_groups_of_both_versions_are_understood(tmp_path: Path) -> None:
    """Version 2 lists its controllers; version 1 has a folder for each."""
    assert usable_controllers(tmp_path) == frozenset()
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "cgroup.procs").touch()
    assert usable_controllers(tmp_path) == {"memory"}
    (tmp_path / "cgroup.controllers").write_text("cpu io pids\n")
    assert usable_controllers(tmp_path) == {"cpu", "pids"}
    for folder, name, text in (
        ("memory/a", "memory.oom_control", "oom_kill 0\n"),
        ("b", "memory.events", "oom_kill 2\n"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    assert not killed_for_memory("/a", tmp_path)
    assert killed_for_memory("/b", tmp_path)
