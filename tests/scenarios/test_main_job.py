"""The main job, for real: packages, images, containers, a balancer and load; then accidents, and another engine."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from peers.engine import engine
from performing import demo
from verbs import repave

pytestmark = [pytest.mark.real, pytest.mark.network, pytest.mark.timeout(900)]

REPAVE = str(Path(sys.executable).with_name("repave"))
RATE = "200"
"""Requests a second. The load is open, so a busy machine, whose story is longer, is asked more: with so many, a story
beside other tests ends at about 20,000, and one that is alone waits for them."""


def fleet(folder: Path) -> Mapping[str, Any]:
    """The one fleet, as last seen."""
    status: Mapping[str, Any] = repave(folder, "status", "test", "--instances")["fleets"][0]
    return status


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The demo's figures, and its shop's folder, where the fleet is left running until the end."""
    folder = tmp_path_factory.mktemp("demo")
    shop = folder / "shop"
    try:
        with demo(folder, "--json", "--keep", "--rate", RATE) as performing:
            out, err = performing.communicate()
        assert out, err.decode()
        yield shop, json.loads(out)
    finally:
        if (shop / "repave.yaml").exists():
            repave(shop, "destroy", "test", "--yes")


def test_not_one_request_fails(told: tuple[Path, Mapping[str, Any]]) -> None:
    """Patch, rollback, a killed process and a stopped zone: of at least 20,000 requests none fails, in no act."""
    figures = told[1]
    assert figures["requests"] >= 20_000
    assert figures["failed"] == 0, json.dumps([act for act in figures["acts"] if act["failed"]], indent=2)
    assert [act["title"] for act in figures["acts"] if act["requests"] == 0] == []
    assert len(figures["acts"]) == 6


def test_the_patch_closes_real_vulnerabilities_and_the_page_shows_it(told: tuple[Path, Mapping[str, Any]]) -> None:
    """The CVEs come from the repairs' changelogs; another OpenSSL answers after it."""
    figures = told[1]
    assert figures["cves_closed"]
    assert all(cve.startswith("CVE-") for cve in figures["cves_closed"])
    assert len(set(figures["openssl"].values())) == 2, figures["openssl"]


def test_nothing_is_left_to_patch(told: tuple[Path, Mapping[str, Any]]) -> None:
    """A second patch finds nothing and changes nothing; the first one's CVEs run nowhere any more."""
    shop, figures = told
    before = fleet(shop)["release"]
    repave(shop, "lock")  # the application was mended since the broken release was locked
    assert repave(shop, "patch")["cves_closed"] == []
    assert fleet(shop)["release"] == before
    # No source that the shop names judges wheels, so where else the flaw may be is unknown, and said.
    found = repave(shop, "where", figures["cves_closed"][0], code=3)["releases"]
    assert found, "the release that held it is still known"
    assert [release["living"] for release in found if release["living"]] == []


def test_the_report_is_a_page_of_its_own(told: tuple[Path, Mapping[str, Any]]) -> None:
    """It shows every act and closed CVE, and asks nothing from elsewhere."""
    figures = told[1]
    page = Path(figures["report"]).read_text(encoding="utf-8")
    assert all(cve in page for cve in figures["cves_closed"])
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_a_deploy_that_is_killed_again_and_again_goes_on(told: tuple[Path, Mapping[str, Any]]) -> None:
    """Promise 8: kill -9 at many moments of a real deployment leaves no double, no orphan, and enough serving."""
    shop, _ = told
    template = shop / "app" / "templates" / "shop.html"
    template.write_text(template.read_text(encoding="utf-8").replace("paving", "cobble"), encoding="utf-8")
    repave(shop, "lock")
    release = repave(shop, "bake")["release"]
    endpoint = fleet(shop)["endpoint"]
    moment, ended = 0.35, None
    while ended is None:
        with (shop / "deploy.log").open("wb") as log:
            deploy = subprocess.Popen([REPAVE, "deploy", "test"], cwd=shop, stdout=log, stderr=log)
        try:
            ended = deploy.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            os.kill(deploy.pid, signal.SIGKILL)
            deploy.wait()
        assert httpx.get(endpoint, timeout=10).status_code == 200
        moment *= 1.2  # where all takes longer, there are no more moments, but later ones
    assert ended == 0, (shop / "deploy.log").read_text(encoding="utf-8")
    status = fleet(shop)
    assert status["release"] == release
    assert (status["serving"], len(status["instances"])) == (6, 6), status
    assert "cobble" in httpx.get(endpoint, timeout=10).text
    containers = [path.name for path in Path("/sys/fs/cgroup").rglob("repave-i-*") if path.is_dir()]
    ours = {instance["instance"] for instance in status["instances"]}
    assert ours <= {name.removeprefix("repave-") for name in containers}


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose name leaves room for the engine's sockets: a socket's path has 107 characters at most."""
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        yield Path(folder)


def test_docker_runs_the_image(told: tuple[Path, Mapping[str, Any]], short_path: Path) -> None:
    """After ``skopeo copy`` out of the layout, another engine runs what was baked."""
    shop, _ = told
    release = fleet(shop)["release"]
    archive = short_path / "image.tar"
    source = f"oci:{shop / '.repave' / 'registry'}:shop-web:{release}"
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "-q", source, f"docker-archive:{archive}:shop:{release}"],
        check=True,
        timeout=120,
    )
    with engine(short_path / "engine") as docker:
        docker.docker("load", "-i", str(archive), seconds=120)
        writable = ["--tmpfs", "/tmp"]  # noqa: S108 - inside the container
        name = docker.docker("run", "--detach", "--read-only", *writable, f"shop:{release}").strip()
        address = docker.docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name).strip()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                answer = httpx.get(f"http://{address}:8080/version", timeout=2).json()
                break
            except httpx.TransportError:
                time.sleep(0.3)
        assert answer["openssl"].startswith("OpenSSL 3")
