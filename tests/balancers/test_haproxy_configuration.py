"""The text HAProxy is given."""

from dataclasses import replace
from pathlib import Path

import pytest

from repave.balancers.haproxy.configuration import (
    Settings,
    address_of,
    check_health,
    detection_seconds,
    digest,
    quoted,
    render,
    url_of,
)
from repave.balancers.haproxy.process import Process
from repave.balancers.haproxy.record import Attached, FleetRecord, RecordFile
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.model.policy import HealthPolicy
from repave.ports.errors import Conflict, Corrupt, Invalid

KEY = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
FLEET = FleetRecord(
    fleet=KEY,
    listen="127.0.0.1:8080",
    chosen=True,
    health=HealthPolicy(path="/ok?a=1", interval_seconds=1.0),
    drain_timeout_seconds=30,
    generation=3,
    attached=(Attached(instance=InstanceId("web-1"), address="10.0.0.2", port=80),),
)
ANY = "0.0.0.0"  # noqa: S104 - nothing is bound in these tests
SETTINGS = Settings(node="repave-1", states="/a b/it's", maximum_connections=100, threads=2)


def test_of_what_speaks_another_protocol_no_word_of_http_is_said() -> None:
    """Its checks are connections, and those last as long as WebSockets may."""
    other = replace(FLEET, listen="127.0.0.1:7000", health=replace(FLEET.health, path=None))
    text = render([other], SETTINGS)
    assert "listen shop.test.web from connections\n  bind 127.0.0.1:7000\n" in text
    assert not [line for line in text.partition("\nlisten ")[2].splitlines() if "http" in line or "/ok" in line]
    assert "server web-1 10.0.0.2:80 check inter 1000ms" in text


def test_the_configuration_says_what_was_declared() -> None:
    """Address, checks and instances stand in it, and words of the user's are quoted."""
    text = render([FLEET], SETTINGS)
    assert "listen shop.test.web from requests\n  bind 127.0.0.1:8080\n" in text
    assert "http-check send meth GET uri '/ok?a=1' " in text
    assert "  server web-1 10.0.0.2:80 check inter 1000ms fastinter 250ms downinter 250ms rise 2 fall 3 " in text
    assert r"server-state-file '/a b/it'\''s'" in text


def test_only_what_needs_a_reload_changes_the_digest() -> None:
    """Instances come and go by the runtime API; a changed check is configuration."""
    assert digest([FLEET], SETTINGS) == digest([replace(FLEET, attached=())], SETTINGS)
    assert digest([FLEET], SETTINGS) != digest([replace(FLEET, health=HealthPolicy())], SETTINGS)
    assert f"repave-{digest([FLEET], SETTINGS)}\n" in render([FLEET], SETTINGS)


@pytest.mark.parametrize("path", ["", "healthz", "/a b", "/a\nlisten x", "/it's", '/"', "/\\"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    """Nothing of a health path can reach another line or word of the configuration."""
    with pytest.raises(Invalid, match="is not a path of a URL"):
        check_health(HealthPolicy(path=path))


@pytest.mark.parametrize(
    ("listen", "expected"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:8080", ("::1", 8080)), ("*:443", (ANY, 443))],
)
def test_addresses_are_read(listen: str, expected: tuple[str, int]) -> None:
    """IPv4, IPv6 in brackets, and a star for all."""
    assert address_of(listen) == expected


@pytest.mark.parametrize(
    ("listen", "reached"),
    [
        ("*:80", "http://127.0.0.1:80"),
        (f"{ANY}:80", "http://127.0.0.1:80"),
        ("[::]:80", "http://[::1]:80"),
        ("10.0.0.0:80", "http://10.0.0.0:80"),
    ],
)
def test_what_listens_everywhere_is_reached_over_loopback(listen: str, reached: str) -> None:
    """In its own family; an address that only looks alike is left as it is."""
    assert url_of(replace(FLEET, listen=listen)) == reached
    spoken = replace(FLEET.health, path=None)
    assert url_of(replace(FLEET, listen=listen, health=spoken)) == reached.replace("http", "tcp")


@pytest.mark.parametrize("listen", ["", "8080", "localhost:80", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    """The message shows what was given and the form expected."""
    with pytest.raises(Invalid, match="cannot listen on") as refused:
        address_of(listen)
    assert "127.0.0.1:8080" in refused.value.hint


def test_the_detection_time_of_a_hang_is_told() -> None:
    """The first check may come a whole interval late; the next ones are quick."""
    assert detection_seconds(HealthPolicy(interval_seconds=1, timeout_seconds=1, unhealthy=3)) == pytest.approx(4.5)


@pytest.mark.parametrize("name", ["plain", "two words", "it's", "$HOME", 'a"b', "back\\slash"])
def test_haproxy_itself_accepts_the_configuration(tmp_path: Path, name: str) -> None:
    """Whatever the folder is called, and whether or not it runs as root."""
    folder = tmp_path / name
    settings = Process(folder, commands=LocalCommands(), clock=SystemClock()).settings
    file = tmp_path / "haproxy.cfg"
    file.write_text(render([FLEET], settings), encoding="utf-8")
    assert quoted(settings.states) in file.read_text(encoding="utf-8")
    LocalCommands().run(["haproxy", "-c", "-f", str(file)])


def test_the_record_comes_back(tmp_path: Path) -> None:
    """What was ordered survives this process."""
    draining = replace(FLEET.attached[0], served=True, draining_since=SystemClock().now())
    RecordFile(tmp_path).write({KEY: FLEET.put(draining)})
    assert RecordFile(tmp_path).read() == {KEY: replace(FLEET, attached=(draining,))}


@pytest.mark.parametrize("text", ["", "{", '{"format": 2, "fleets": []}', '{"format": 1}'])
def test_a_broken_record_is_named(tmp_path: Path, text: str) -> None:
    """It is never taken for an empty one."""
    (tmp_path / "attached.json").write_text(text, encoding="utf-8")
    with pytest.raises(Corrupt, match=r"attached\.json"):
        RecordFile(tmp_path).read()


def test_an_older_order_is_refused() -> None:
    """Generations only go up."""
    assert FLEET.at(3).generation == 3
    assert FLEET.at(4).generation == 4
    with pytest.raises(Conflict, match="generation 2"):
        FLEET.at(2)
