"""The bank's example is what story and tutorial need: six environments, keys of one's own, a check that tells."""

import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from demo.bank import Bank

from repave.config.project import load_project
from repave.model.names import ImageName

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "bank"
SIZES = {"dev": 1, "test": 1, "integration": 1, "acceptance": 2, "preprod": 2, "prod": 3}


def test_the_example_is_played_with_keys_of_its_own(tmp_path: Path) -> None:
    """Locked from the frozen suite; whose private keys nobody has do not count in the copy, and each file is there."""
    bank = Bank(example=EXAMPLE, folder=tmp_path / "bank", cold=False)
    as_published, copy = load_project(EXAMPLE), load_project(bank.folder)
    assert {
        str(name): copy.environments[name].fleets[fleet].size for name in copy.pipeline for fleet in copy.fleets
    } == SIZES
    assert copy.images[ImageName("web")].base.suites == ("bookworm",)
    assert bank.environments == tuple(SIZES)
    for person, before in zip(copy.people, as_published.people, strict=True):
        assert person.keys == ((bank.keys / f"{person.name}.pub").read_text(encoding="utf-8").strip(),)
        assert person.keys != before.keys
    assert not list(EXAMPLE.rglob("*.key"))


@pytest.fixture
def serve() -> Iterator[Callable[[type[BaseHTTPRequestHandler]], str]]:
    """Serves with a handler until the test ends; answers the address."""
    servers = []

    def start(handler: type[BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def tried(address: str) -> subprocess.CompletedProcess[str]:
    """The example's check, as a gate runs it."""
    command = [sys.executable, str(EXAMPLE / "checks" / "loan.py")]
    return subprocess.run(
        command, env={**os.environ, "REPAVE_ADDRESS": address}, capture_output=True, text=True, check=False
    )


def test_the_check_tells_a_right_calculator_from_a_wrong_one(
    serve: Callable[[type[BaseHTTPRequestHandler]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It passes on the application as it is, and not once it forgets the interest."""
    application = runpy.run_path(str(EXAMPLE / "app" / "bank.py"))
    address = serve(application["Bank"])
    assert (tried(address).returncode, "843.21" in tried(address).stdout) == (0, True)
    monkeypatch.setitem(
        application["Bank"].loan.__globals__, "instalment", lambda amount, _percent, years: amount / years / 12
    )
    wrong = tried(address)
    assert (wrong.returncode, "555.56" in wrong.stdout) == (1, True)
