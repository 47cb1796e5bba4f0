"""The ports on which something waits, as the kernel shows them."""

import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.jobs.commands import LocalCommands
from repave.ports.server import Listener
from repave.servers import machine
from repave.servers.kernel import heard_in
from repave.servers.machine import ThisMachine

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0
   2: 0100007F:1F40 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
   3: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 444 1 0 100 0
"""
LINKS = "/proc/20/fd/5 socket:[222]\n/proc/9/fd/5 socket:[222]\n/proc/30/fd/3 socket:[111]\n"
PROCESSES = (
    "9\x1f/usr/sbin/nginx\x1fnginx\x01-g\x01daemon off;\x01\x1f0::/system.slice/nginx.service \n"
    "20\x1f/usr/sbin/nginx\x1fnginx: worker\x1f0::/system.slice/nginx.service \n"
    "30\x1f/usr/bin/python3.11\x1fpython3\x01/srv/a b.py\x01\x1f0::/user.slice \n"
)


def test_a_port_has_its_program_and_unit() -> None:
    """Of parent and workers the parent; both families; what is no longer waiting is none; nameless ones are said."""
    heard = heard_in(f"{TABLE}\x1e{LINKS}\x1e{PROCESSES}")
    assert heard.listeners == (
        Listener(port=22, address="::1"),
        Listener(
            port=80,
            address="0.0.0.0",  # noqa: S104 - what the table says
            program="/usr/sbin/nginx",
            arguments=("nginx", "-g", "daemon off;"),
            unit="nginx.service",
        ),
        Listener(port=8000, address="127.0.0.1", program="/usr/bin/python3.11", arguments=("python3", "/srv/a b.py")),
    )
    assert heard.unseen == ("whose ports 22 are: only root sees the processes of others",)


def test_a_kernel_that_shows_nothing_is_no_quiet_server() -> None:
    """No table is told from an empty one."""
    assert heard_in("").unseen == ("the kernel's table of ports cannot be read there",)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_what_a_server_prints_breaks_nothing(printed: str) -> None:
    """A program may call itself anything."""
    heard_in(f"{TABLE}\x1e{LINKS}\x1e9\x1f{printed}")


def test_this_machine_hears_its_own() -> None:
    """A port of this very process is heard, with the program that waits."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (found,) = [one for one in ThisMachine(LocalCommands()).heard().listeners if one.port == port]
    assert found.address == "127.0.0.1"
    assert os.path.realpath(sys.executable) == found.program


def test_a_mounted_folder_may_have_any_bytes_as_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is another machine's is passed over by its very name."""
    mounts = tmp_path / "mounts"
    mounts.write_bytes(b"server:/a /mnt/\xff nfs4 rw 0 0\n/dev/vda1 / ext4 rw 0 0\n")
    monkeypatch.setattr(machine, "MOUNTS", mounts)
    assert ThisMachine(LocalCommands())._passed_over >= {os.fsdecode(b"/mnt/\xff")}
