"""The pure parts of this machine's provider: records, slots, names and addresses."""

import json
import string
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_order import AT, FLEET, IMAGE, ORDER, PLACES, REVISION, container, record

from repave.model.names import (
    SlotId,
)
from repave.model.observation import MachineState
from repave.model.recipe import ImageKind
from repave.ports.errors import NoCapacity
from repave.providers.local.addresses import (
    choose_address,
    choose_network,
    hardware_address,
    loopback_network,
    read_routes,
)
from repave.providers.local.containers import (
    hosts_file,
)
from repave.providers.local.mapping import (
    Phase,
    instance_of,
    new_record,
    read_facts,
    read_record,
    read_spent,
    written_facts,
    written_record,
    written_spent,
)
from repave.providers.local.places import file_name
from repave.providers.local.processes import Process
from repave.providers.local.slots import SpentSlots
from repave.providers.local.variables import hostname

SLOTS = st.text(alphabet=string.ascii_lowercase + string.digits + "-/.", min_size=1, max_size=8)


def test_a_record_is_read_as_it_was_written() -> None:
    """With and without its processes; a worker has no port."""
    process = Process(pid=7, started_ticks=99, boot="b")
    started = replace(record(), phase=Phase.STARTED, process=process, forwarder=process)
    for one in (record(), started, replace(record(), port=None)):
        assert read_record(written_record(one)) == one


def test_a_record_of_an_earlier_version_is_read() -> None:
    """It holds no limits, nor what kind of instance it is of."""
    written = json.loads(written_record(record()))
    del written["limits"], written["kind"]
    assert read_record(json.dumps(written).encode()) == replace(record(), limits=None)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"instance": 1}'])
def test_anything_else_than_a_record_is_refused(content: bytes) -> None:
    """By errors that the store of records tells apart."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_record(content)


def test_facts_are_read_as_they_were_written() -> None:
    """Nothing is lost on disk."""
    assert read_facts(written_facts(IMAGE)) == IMAGE


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


@pytest.mark.parametrize(("slot", "name"), [("web-1", "web-1"), ("a/b.c_d", "a-b-c-d"), ("//", "instance")])
def test_a_slot_becomes_a_host_name(slot: str, name: str) -> None:
    """Letters, digits and hyphens only."""
    assert hostname(slot) == name
    assert len(hostname("x" * 100)) == 63
    assert hosts_file("10.0.0.2", slot).splitlines()[-1] == f"10.0.0.2 {name}"
