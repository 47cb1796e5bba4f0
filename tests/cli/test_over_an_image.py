"""Over an image of a registry, for real: locked from docker-registry, baked without it, and run."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from image_maker import ACCOUNTS, TAR, MadeImage, entry, layer_tar, link, push
from oci_registry import open_registry
from verbs import repave

FILE = """project: over
images:
  web:
    kind: container
    base: {{image: "{image}", architecture: {architecture}}}
    files: {{app/: /srv/app/}}
    run: httpd -f -p 8080 -h /srv/app
    user: www-data
fleets:
  web:
    image: web
    port: 8080
    health: {{path: /page, interval: 300ms, timeout: 1s, healthy: 1, unhealthy: 3, grace: 20s}}
environments:
  test: {{provider: local, fleets: {{web: {{size: 1}}}}}}
"""
BUSYBOX = Path("/bin/busybox")

pytestmark = pytest.mark.real


def base(architecture: str = "amd64") -> MadeImage:
    """Busybox in layers of three kinds; the last removes a page of the first."""
    first = layer_tar(
        entry("bin/busybox", BUSYBOX.read_bytes(), mode=0o755), link("bin/httpd", "busybox"),
        entry("etc/passwd", ACCOUNTS.encode()), entry("srv/app/page", b"below"), entry("srv/app/removed", b"below"),
    )  # fmt: skip
    second, third = layer_tar(entry("srv/app/below", b"from below")), layer_tar(entry("srv/app/.wh.removed"))
    layers = [(f"{TAR}+gzip", first), (f"{TAR}+zstd", second), (TAR, third)]
    return MadeImage(layers=layers, runs={"Env": ["PATH=/bin"]}, architecture=architecture)


def write(project: Path, image: str, architecture: str = "amd64") -> None:
    """The file, with this base."""
    text = FILE.format(image=image, architecture=architecture)
    (project / "repave.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A page to be served; nothing runs afterwards."""
    folder = tmp_path / "project"
    (folder / "app").mkdir(parents=True)
    (folder / "app/page").write_text("above", encoding="ascii")
    yield folder
    repave(folder, "destroy", "test", "--yes")


def test_an_image_of_a_registry_is_locked_baked_offline_run_and_stood_upon(project: Path, tmp_path: Path) -> None:
    """Its layers stay as they are; what was baked over it is itself pushed, and is the next image's base."""
    image = base()
    with open_registry(tmp_path / "registry") as host:
        push(host, "tools/busybox", "1.36", image, folder=tmp_path)
        write(project, f"{host}/tools/busybox:1.36")
        assert repave(project, "lock")["changed"]
        push(host, "tools/busybox", "1.36", MadeImage(layers=[(TAR, layer_tar())]), folder=tmp_path)
        assert repave(project, "lock", "--check") == {"matches": True, "differs": []}
        assert repave(project, "lock")["changed"] is False

    baked = repave(project, "bake", "--verify")
    assert [one["same"] for one in baked["verified"]] == [True]
    layout = f"oci:{project}/.repave/registry:over-web:r1"
    inspected = json.loads(subprocess.run(["skopeo", "inspect", layout], check=True, capture_output=True).stdout)
    assert inspected["Layers"][:3] == image.packed
    repave(project, "verify")

    deployed = repave(project, "deploy", "test")["fleets"][0]
    assert deployed["result"] == "deployed"
    assert [asked(deployed["endpoint"], page) for page in ("page", "below", "removed")] == ["above", "from below", ""]

    scanned = repave(project, "scan", code=3)
    assert "1 base image is not judged" in scanned["unjudged"][0]
    assert (scanned["verdict"], scanned["findings"]) == ("unknown", [])

    with open_registry(tmp_path / "another registry") as host:
        target = f"docker://{host}/over/web:r1"
        subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", layout, target], check=True)
        write(project, f"{host}/over/web:r1")
        repave(project, "lock")
        above = repave(project, "bake")
    assert above["release"] == "r2"
    assert len(above["artifacts"][0]["layers"]) == len(inspected["Layers"]) + 1


def test_an_image_for_another_processor_is_made_here(project: Path, tmp_path: Path) -> None:
    """Of a base for several the one that is asked for; nothing of it is run, and this machine does not start it."""
    other = base("arm64")
    with open_registry(tmp_path / "registry") as host:
        push(host, "tools/busybox", "1.36", base(), other, folder=tmp_path)
        write(project, f"{host}/tools/busybox:1.36", "arm64")
        repave(project, "lock")
    (image,) = repave(project, "bake", "--verify")["verified"]
    assert image["same"]
    layout = f"oci:{project}/.repave/registry:over-web:r1"
    inspected = json.loads(subprocess.run(["skopeo", "inspect", layout], check=True, capture_output=True).stdout)
    assert (inspected["Architecture"], inspected["Layers"][:3]) == ("arm64", other.packed)
    (stopped,) = repave(project, "deploy", "test", code=4)["fleets"]
    assert "the image is for arm64" in stopped["reason"]


def asked(endpoint: str, page: str) -> str:
    """What the fleet answers; nothing for a page that is not there."""
    try:
        with urllib.request.urlopen(f"{endpoint}/{page}", timeout=10) as answer:  # noqa: S310 - HAProxy's, on loopback
            return str(answer.read().decode())
    except urllib.error.HTTPError:
        return ""
