"""A server over SSH: a real sshd on loopback, whose logins find themselves on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ssh_server import SshHost, free_port, ssh_into

from repave.jobs.commands import LocalCommands
from repave.ports.errors import Denied, Invalid, Unreachable
from repave.ports.progress import Silent
from repave.servers.mounted import MountedRoot
from repave.servers.ssh import SshServer

pytestmark = pytest.mark.real


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SshHost]:
    """An sshd that puts nothing before what it runs."""
    with ssh_into(("env",), tmp_path) as running:
        yield running


def reached(host: SshHost) -> SshServer:
    """The adapter that is tried."""
    return SshServer("pet", commands=LocalCommands(), configuration=host.configuration)


def test_files_come_as_from_a_disk_whatever_they_are_called(host: SshHost, tmp_path: Path) -> None:
    """Names that a shell or an option parser would read come through as they are; so does every byte."""
    folder = tmp_path / "odd"
    folder.mkdir()
    names = ["-rf", "a b", "$(reboot)", "`id`", "line\nbreak", "*", "'\"", "--checkpoint-action=exec=sh", "č"]
    for name in names:
        (folder / name).write_bytes(name.encode() * 1000 + b"\0\xff")
    (folder / "link").symlink_to("/etc/shadow")
    paths = [str(folder / name) for name in (*names, "none")]
    server, disk = reached(host), MountedRoot(Path("/"))
    assert server.contents(paths) == disk.contents(paths)
    assert server.md5(paths) == disk.md5(paths)
    assert len(server.contents(paths)) == len(server.md5(paths)) == len(names)
    assert (server.contents([]), server.md5([])) == ({}, {})


def test_what_a_log_in_shell_says_is_passed_over(tmp_path: Path) -> None:
    """Settings of the account may greet; what is read is what was asked for."""
    greeting = ("sh", "-c", 'echo "Welcome to the pet"; exec "$@"', "greeter")
    file = tmp_path / "file"
    file.write_bytes(b"content")
    with ssh_into(greeting, tmp_path) as host:
        assert reached(host).contents([str(file)]) == {str(file): b"content"}


def test_ports_are_heard_there(host: SshHost) -> None:
    """Its own sshd waits on a port."""
    port = int(host.configuration.read_text(encoding="utf-8").split("Port ")[1].split()[0])
    (found,) = [one for one in reached(host).heard().listeners if one.port == port]
    assert (found.address, found.program) == ("127.0.0.1", "/usr/sbin/sshd")


def test_a_key_that_does_not_count_is_denied(host: SshHost) -> None:
    """Nobody is asked for a password; the hint says what must work."""
    (host.folder / "key.pub").write_text("", encoding="ascii")
    with pytest.raises(Denied, match=r"pet was not read: .*Permission denied") as caught:
        reached(host).tree(Silent())
    assert "BatchMode=yes" in caught.value.hint


def test_a_host_that_has_changed_is_not_read(host: SshHost) -> None:
    """Its key is not the one that is known."""
    known = host.folder / "known_hosts"
    address = known.read_text(encoding="ascii").split(" ")[0]
    known.write_text(f"{address} {(host.folder / 'key.pub').read_text(encoding='ascii')}", encoding="ascii")
    with pytest.raises(Denied, match="Host key verification failed") as caught:
        reached(host).heard()
    assert "look at it" in caught.value.hint


def test_nobody_there_is_unreachable(host: SshHost) -> None:
    """A port on which nothing waits."""
    text = host.configuration.read_text(encoding="utf-8")
    port = text.split("Port ")[1].split()[0]
    host.configuration.write_text(text.replace(f"Port {port}", f"Port {free_port()}"), encoding="utf-8")
    with pytest.raises(Unreachable, match=r"pet cannot be reached: .*refused"):
        reached(host).heard()


def test_a_server_without_the_programs_is_said(tmp_path: Path) -> None:
    """What cannot be listed is no empty server."""
    with (
        ssh_into(("env", "PATH=/nowhere"), tmp_path) as host,
        pytest.raises(Unreachable, match="the files of pet cannot be listed") as caught,
    ):
        reached(host).tree(Silent())
    assert "GNU find" in caught.value.hint


@pytest.mark.parametrize(
    "destination", ["-oProxyCommand=reboot", "a b", "$(id)@host", "user@-host", "", "a@b@c", "h;id"]
)
def test_what_is_no_destination_reaches_no_ssh(destination: str) -> None:
    """Neither an option nor a command can be smuggled in."""
    with pytest.raises(Invalid, match="is no destination for SSH"):
        SshServer(destination, commands=LocalCommands())
