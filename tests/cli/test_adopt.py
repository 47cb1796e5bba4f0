"""From a pet to a recipe, for real: a Debian that was changed by hand is read, baked, and serves what it served."""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pet
import pytest
from haproxied import wait_until
from in_memory import in_memory
from ssh_server import ssh_into
from verbs import repave

pytestmark = [pytest.mark.real, pytest.mark.network, pytest.mark.timeout(900)]

TAKEN, OPEN = "in the recipe", "to decide"
STATE, SECRET = "state, belongs elsewhere", "secret, not copied"

ODDITIES = {
    ("configuration", "/etc/nginx/nginx.conf", TAKEN),
    ("configuration", "/etc/nginx/sites-enabled/default", TAKEN),
    ("configuration", "/etc/bash.bashrc", TAKEN),
    ("binary", "/usr/local/bin/resize", TAKEN),
    ("python", "/usr/local/lib/python3.11/dist-packages", TAKEN),
    ("python", "/opt/shop/venv", TAKEN),
    ("node", "/opt/printer", TAKEN),
    ("cron job", "/etc/cron.d/report", OPEN),
    ("state", "/var/lib/redis/", STATE),
    ("state", "/srv/site/uploads/", STATE),
    ("secret", "/opt/shop/signing.pem", SECRET),
    ("secret", "/opt/shop/.env", SECRET),
    ("kernel parameter", "net.core.somaxconn = 4096", OPEN),
    ("held package", pet.HELD, OPEN),
    ("package", pet.FOREIGN, OPEN),
    ("unit", "metrics.service", OPEN),
    ("unit", "shop.service", OPEN),
    ("user", "shop", OPEN),
    ("port", str(pet.METRICS_PORT), OPEN),
    ("port", str(pet.SHOP_PORT), OPEN),
}
"""What was done to the pet by hand, and what must become of each; the source of packages is looked at apart."""


PET_BYTES = 8 << 30
"""Ten times what it takes, with what others do meanwhile."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The pet's disk."""
    with in_memory(tmp_path_factory.mktemp("pet"), wanted_bytes=PET_BYTES, devices=True) as folder:
        made = pet.distribution(folder)
        pet.lived_in(made)
        yield made
        shutil.rmtree(made)


def fates(adopted: Any) -> set[tuple[str, str, str]]:  # noqa: ANN401 - a JSON document
    """What was found, and what becomes of it."""
    return {(one["area"], one["name"], one["fate"]) for one in adopted["found"]}


def state_of(root: Path) -> list[str]:
    """Every file with its time and size, so that whoever writes is seen."""
    command = ["find", str(root), "-xdev", "-path", str(root / "proc"), "-prune", "-o", "-printf", "%P %s %T@ %m\\n"]
    return sorted(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())


@contextmanager
def serving(project: Path, *, size: int) -> Iterator[str]:
    """The recipe as it was written, locked, baked and deployed; answers its page."""
    repave(project, "lock")
    repave(project, "bake")
    try:
        (fleet,) = repave(project, "deploy", "test")["fleets"]
        assert (fleet["result"], fleet["serving"]) == ("deployed", size)
        with urllib.request.urlopen(fleet["endpoint"], timeout=10) as answer:  # noqa: S310 - HAProxy's, on loopback
            yield answer.read().decode()
    finally:
        repave(project, "destroy", "test", "--yes")


def test_a_mounted_pet_is_told_whole_and_left_as_it_was(root: Path, tmp_path: Path) -> None:
    """All its oddities are found, each with its line; nothing of it has changed, and no secret has left it."""
    before = state_of(root)
    adopted = repave(tmp_path, "adopt", "--root", str(root), "--into", "shop")
    assert state_of(root) == before
    assert fates(adopted) >= ODDITIES
    (source,) = [one for one in adopted["found"] if one["area"] == "package source"]
    assert "apt.widgets.example" in source["name"]
    assert "/usr/share/keyrings/widgets.gpg" in source["detail"]
    ports = {one["name"]: one["detail"] for one in adopted["found"] if one["area"] == "port"}
    assert "package nginx" in ports[str(pet.NGINX_PORT)]
    assert "/usr/local/lib/metrics.py" in ports[str(pet.METRICS_PORT)]
    sizes = {one["name"]: one["size_bytes"] for one in adopted["found"] if one["area"] == "state"}
    assert (sizes["/var/lib/redis/"], sizes["/srv/site/uploads/"]) == (5000, 3000)
    assert [one["name"] for one in adopted["to_decide"] if not one["line"]] == []
    assert 90 < adopted["coverage"]["bytes"]["percent"] < 100
    assert (adopted["coverage"]["ports"], adopted["coverage"]["units"]) == (
        {"covered": 1, "total": 3, "percent": 33.3},
        {"covered": 1, "total": 4, "percent": 25.0},
    )
    written = [path for path in (tmp_path / "shop").rglob("*") if path.is_file()]
    assert not [path for path in written if b"PRIVATE KEY" in path.read_bytes() or b"battery" in path.read_bytes()]


def test_what_a_person_says_comes_before_the_rules(root: Path, tmp_path: Path) -> None:
    """Uploads may be taken and an application's folder be state; a secret stays one whatever is said."""
    said = ["--take", "/srv/site/uploads", "--state", "/opt/printer", "--take", "/opt/shop"]
    adopted = repave(tmp_path, "adopt", "--root", str(root), "--into", "shop", *said)
    assert (tmp_path / "shop/files/srv/site/uploads/cat.txt").read_text(encoding="ascii") == "c" * 3000
    assert ("state", "/opt/printer/index.js", STATE) in fates(adopted)
    assert "node" not in {one["area"] for one in adopted["found"]}
    assert ("secret", "/opt/shop/signing.pem", SECRET) in fates(adopted)


def test_the_living_pet_is_read_over_ssh_and_its_recipe_serves_its_page(root: Path, tmp_path: Path) -> None:
    """Over SSH the same is found, with the ports that are heard; locked, baked and run it answers as the pet did."""
    project = tmp_path / "shop"
    with pet.alive(root) as into, ssh_into(into, tmp_path) as host:
        page = pet.page_of(into)
        options = ["--ssh-config", str(host.configuration), "--into", str(project)]
        adopted = repave(tmp_path, "adopt", "pet", *options)
    assert fates(adopted) >= ODDITIES
    assert adopted["unseen"] == []
    with serving(project, size=2) as served:
        assert served == page


PROBE = """#!/bin/sh
echo "probe: $(systemctl is-active cron metrics nginx shop | tr '\\n' ' ')"
echo "probe: $(cat /proc/sys/net/core/somaxconn) $(id -u shop) $(cat /etc/cron.d/report)"
echo "probe: $GREETING"
"""
PROBE_UNIT = """[Unit]
After=cron.service metrics.service nginx.service shop.service
[Service]
Type=oneshot
ExecStart=/usr/local/bin/probe
"""
FOUND_INSIDE = ("active active active active", "4096 1001 30 2 * * * root /usr/local/bin/resize --nightly", "hello")


def found_inside(project: Path) -> set[str]:
    """What the probe has told on the console of the only machine."""
    lines = [line for instance in repave(project, "logs", "test")["instances"] for line in instance["lines"]]
    return {match[1] for line in lines if (match := re.search(r"probe: (.*\S)", line))}


def test_the_pet_as_a_virtual_machine_starts_all_that_it_started(root: Path, tmp_path: Path) -> None:
    """Nothing of it is left to decide that is neither state nor a secret nor a stranger's; it serves the same page.

    Its services, its user, its job and its kernel parameter are there, as a unit of ours finds that is told the
    configuration.
    """
    project = tmp_path / "shop"
    adopted = repave(tmp_path, "adopt", "--root", str(root), "--into", "shop", "--kind", "vm")
    open_still = {(one["area"], one["name"]) for one in adopted["found"] if one["fate"] == OPEN}
    sources = {one for one in open_still if one[0] == "package source"}
    assert open_still - sources == {("held package", pet.HELD), ("package", pet.FOREIGN)}
    assert adopted["coverage"]["ports"]["percent"] == 100
    assert adopted["coverage"]["units"] == {"covered": 4, "total": 5, "percent": 80}
    pet.put(project, "files/usr/local/bin/probe", PROBE, mode=0o755)
    pet.put(project, "files/etc/systemd/system/probe.service", PROBE_UNIT)
    recipe = (project / "repave.yaml").read_text(encoding="utf-8")
    for old, new in {
        "      - shop.service\n": "      - shop.service\n      - probe.service\n",
        "size: 2": "size: 1",
        "provider: local": "provider: local\n    config: {GREETING: hello}",
    }.items():
        assert recipe.count(old) == 1
        recipe = recipe.replace(old, new)
    (project / "repave.yaml").write_text(recipe, encoding="utf-8")
    with serving(project, size=1) as served:
        assert served == pet.PAGE
        wait_until(lambda: found_inside(project) >= set(FOUND_INSIDE), "the probe tells", seconds=120)


def test_without_root_over_ssh_what_may_not_be_seen_is_said(root: Path, tmp_path: Path) -> None:
    """A plain user's recipe is written all the same, and names what is missing in it."""
    hidden = root / "opt/shop/app.py"
    hidden.chmod(0o600)
    try:
        with pet.alive(root) as into, ssh_into((*into, *pet.AS_NOBODY), tmp_path) as host:
            options = ["--ssh-config", str(host.configuration), "--into", "shop"]
            adopted = repave(tmp_path, "adopt", "pet", *options)
    finally:
        hidden.chmod(0o644)
    (left,) = [one for one in adopted["to_decide"] if one["name"] == "/opt/shop/app.py"]
    assert "may not be read" in left["detail"]
    assert any("/root may not be listed" in sentence for sentence in adopted["unseen"])
    assert any("only root sees the processes of others" in sentence for sentence in adopted["unseen"])
    assert (tmp_path / "shop/repave.yaml").exists()


def test_the_table_names_what_to_decide_and_a_second_run_overwrites_nothing(root: Path, tmp_path: Path) -> None:
    """A person reads percentages and lines; where there is a recipe already, nothing is touched."""
    command = [str(Path(sys.executable).with_name("repave"))]
    arguments = ["adopt", "--root", str(root), "--into", str(tmp_path)]
    first = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True)
    assert f"packages: [{pet.HELD}]" in first.stdout
    assert "% " in first.stdout
    assert "things to decide" in first.stderr
    assert "ports are told by what its configuration says" in first.stderr
    again = subprocess.run([*command, *arguments, "--json"], capture_output=True, text=True, check=False)
    error = json.loads(again.stdout)["error"]
    assert (again.returncode, error["code"]) == (5, "refused")
    assert "--into" in error["hint"]
