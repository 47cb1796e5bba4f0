"""The verbs in the order a person meets them, for real: real packages, a real image, real containers, real HAProxy."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cosign_program import pair
from verbs import repave, said

FILE = """project: hello
images:
  web:
    kind: container
    base: {distribution: debian, release: trixie}
    packages: [python3-minimal]
    files: {app/: /srv/app/}
    run: python3 /srv/app/app.py
fleets:
  web:
    image: web
    port: 8080
    health: {interval: 300ms, timeout: 1s, healthy: 1, unhealthy: 3, grace: 20s}
environments:
  test: {provider: local, zones: [a, b], fleets: {web: {size: 2}}, config: {GREETING: hello},
    gates: {unknown: pass, metrics: {latency: 1s}, checks: [checks/smoke.py, {http: /, contains: good}]}}
signing: {key: "env:SIGNING_KEY", verify: [release.pub]}
"""

APPLICATION = """import os, socket
server = socket.create_server(("0.0.0.0", 8080))
print("listening", flush=True)
while True:
    client, _ = server.accept()
    client.recv(65536)
    body = os.environ["GREETING"].encode()
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % len(body) + body)
    client.close()
"""

CHECK = """#!/usr/bin/python3
import os, socket
host, port = os.environ["REPAVE_ADDRESS"].split(":")
with socket.create_connection((host, int(port))) as fleet:
    fleet.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    print(fleet.recv(65536).decode().splitlines()[-1], os.environ["REPAVE_RELEASE"], os.getuid() > 0)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An application, its file and its key; nothing of it runs afterwards."""
    key = pair("release.pub")
    monkeypatch.setenv("SIGNING_KEY", key.pem())
    (tmp_path / "release.pub").write_text(key.trusted.pem, encoding="ascii")
    (tmp_path / "repave.yaml").write_text(FILE, encoding="utf-8")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text(APPLICATION, encoding="utf-8")
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "smoke.py").write_text(CHECK, encoding="utf-8")
    yield tmp_path
    repave(tmp_path, "destroy", "test", "--yes")


def what_a_release_lacks_is_told(project: Path) -> None:
    """Whoever has edited or locked anew and rolls out what was made before; whoever names that release means it."""
    assert "warning" not in said(project, "deploy", "test")
    (project / "app" / "app.py").write_text(f"{APPLICATION}# changed\n", encoding="utf-8")
    lacks = "warning: r1 is without what was edited since: `app/app.py` has changed since it was locked; `repave lock`"
    assert lacks in said(project, "deploy", "test")
    repave(project, "lock")
    assert "warning: r1 was made of another lock than the one here; `repave bake`" in said(project, "deploy", "test")
    assert "another lock" not in said(project, "deploy", "test", "--release", "r1")


def damaged_layers_start_nothing(project: Path) -> None:
    """One bit of the application's layer: both verbs refuse it by name; mended, all is well."""
    layer = repave(project, "bake")["artifacts"][0]["layers"][-1]["digest"]
    place = project / ".repave" / "registry" / "blobs" / "sha256" / layer.removeprefix("sha256:")
    content = place.read_bytes()
    place.write_bytes(content[:700] + bytes([content[700] ^ 4]) + content[701:])
    (checked,) = repave(project, "verify", code=1)["artifacts"]
    assert "(application)" in checked["problem"]
    assert layer in repave(project, "deploy", "test", code=1)["error"]["message"]
    assert repave(project, "status", "test")["fleets"] == []
    place.write_bytes(content)


@pytest.mark.real
@pytest.mark.network
def test_from_a_file_to_a_serving_fleet_and_back(project: Path) -> None:
    """Lock, bake, deploy, ask, look, change the configuration, go back, clean up: each verb's own document."""
    locked = repave(project, "lock")
    assert locked["changed"]
    assert repave(project, "lock", "--check") == {"matches": True, "differs": []}
    assert repave(project, "bake")["release"] == "r1"
    assert repave(project, "bake")["new"] is False
    assert [source["name"] for source in repave(project, "scan")["sources"]] == ["debian trixie-security"]
    assert repave(project, "plan", "test")["fleets"][0]["rehearsal"]["peak"] == 2
    verified = repave(project, "verify", "--deep")
    assert (verified["verified"], verified["artifacts"][0]["signed_by"]) == (True, ["release.pub"])
    damaged_layers_start_nothing(project)

    deployed = repave(project, "deploy", "test")["fleets"][0]
    assert (deployed["result"], deployed["serving"]) == ("deployed", 2)
    assert asked(deployed["endpoint"]) == "hello"

    status = repave(project, "status", "test")["fleets"][0]
    assert (status["release"], status["phase"], status["zones"]) == ("r1", "converged", {"a": 1, "b": 1})
    assert "listening" in repave(project, "logs", "test")["instances"][0]["lines"][0]
    assert len(repave(project, "where", "python3-minimal")["releases"][0]["living"]) == 2

    checked = repave(project, "promote")["checked"]
    assert [(one["check"], one["passed"]) for one in checked] == [("checks/smoke.py", True), ("web/", False)]
    assert checked[1]["detail"].endswith("answered 200 without `good`; at its end: hello")
    assert repave(project, "logs", "test", "--check", "smoke.py")["lines"] == ["exit code 0", "hello r1 True"]

    text = (project / "repave.yaml").read_text(encoding="utf-8")
    (project / "repave.yaml").write_text(text.replace("GREETING: hello", "GREETING: goodbye"), encoding="utf-8")
    planned = repave(project, "plan", "test")["fleets"][0]
    assert planned["changes"] == [{"what": "config.GREETING", "old": "hello", "new": "goodbye"}]
    assert (planned["durations"]["start"]["measured"], planned["at_most"]) == (2, True)
    assert repave(project, "deploy", "test")["deployed"]
    took = repave(project, "plan", "test")["fleets"][0]["durations"]
    assert (took["start"]["measured"], took["leave"]["measured"]) == (4, 2)
    assert 0 < took["start"]["seconds"] < 20
    assert asked(deployed["endpoint"]) == "goodbye"
    assert [one["passed"] for one in repave(project, "promote")["checked"]] == [True, True], "it is well anew"

    assert repave(project, "gc")["waste"] == []
    what_a_release_lacks_is_told(project)
    assert [fleet["ended"] for fleet in repave(project, "destroy", "test", "--yes")["fleets"]] == [2]
    assert repave(project, "status")["fleets"] == []


def asked(endpoint: str) -> str:
    """What the fleet answers."""
    with urllib.request.urlopen(endpoint, timeout=10) as answer:  # noqa: S310 - the address is HAProxy's on loopback
        return str(answer.read().decode())
