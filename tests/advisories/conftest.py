"""A server of OSV's API, and whoever asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from osv_api import OsvApiServer, osv_api
from osv_asking import FLASK, Asking

from repave.registries.web import WebClient


@pytest.fixture
def server() -> Iterator[OsvApiServer]:
    """A server that knows one flaw."""
    with osv_api() as server:
        server.serve(FLASK, "2.2.0")
        yield server


@pytest.fixture(scope="module")
def web() -> Iterator[WebClient]:
    """Our side of the network."""
    client = WebClient()
    yield client
    client.close()


@pytest.fixture
def asking(server: OsvApiServer, web: WebClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """A way to it, with little patience."""
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    return Asking(server, tmp_path / "osv", web)
