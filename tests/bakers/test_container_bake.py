"""Real bakes of real packages: the same digest always, isolated, readable by others, safe to kill."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pantry import BAKE, Pantry, bake_in, fetched, request_of
from pydantic import TypeAdapter
from strange_day import bake_on_a_strange_day

from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.model.guards import Exposed
from repave.model.lock import Layer
from repave.model.names import Digest
from repave.operations.reproduction import difference
from repave.ports.baker import BakeRequest
from repave.ports.errors import CommandFailed, Corrupt, Gone, Invalid
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

pytestmark = [pytest.mark.real, pytest.mark.network]

NAMESPACES = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user", "--map-auto"]), "--net"]
PROBE = """#!/bin/sh
set -e
cd /usr/share/probe
cat /proc/net/dev >network
ls /dev >devices
code=0; /usr/sbin/policy-rc.d probe start || code=$?; echo "$code" >policy
start-stop-daemon --start --exec /bin/sleep -- 1000
echo "as a real package would" >>/var/log/probe.log
date >/var/cache/probe.cache
head -c 16 /dev/urandom >/etc/machine-id
rm /etc/issue.net
useradd --system probe
"""
"""What a package may do while it is installed: all of it once, and it tells what it found."""

FAILING = "#!/bin/sh\necho 'the moon is in the wrong phase' >&2\nexit 7\n"


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """What the tests share, and the first bake of the full image."""

    pantry: Pantry
    root: Path
    full: BakeRequest
    small: BakeRequest
    """The same base, another platform, no wheels, another application."""

    artifact: Artifact

    def bake(self, request: BakeRequest) -> Artifact:
        """Bake again where the full image was baked."""
        return bake_in(self.root, self.pantry.vault, request)


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    """Debian's essential packages and Python's, some packages of our own, and an application."""
    folder = tmp_path_factory.mktemp("kitchen")
    empty = Pantry(vault=FileVault(folder / "vault"), folder=folder / "made")
    empty.folder.mkdir()
    pantry = replace(empty, debian=fetched(folder, empty))
    probe = pantry.deb("probe", PROBE)
    greeting = pantry.wheel(
        "greeting",
        {
            "greeting/__init__.py": "def main():\n    print('good morning')\n",
            "greeting/__main__.py": "from greeting import main\nmain()\n",
            "greeting/template.py": "this is {{ no }} Python\n",
            "greeting.pth": "import pathlib; pathlib.Path('/usr/local/ran').touch()\n",
            "greeting-1.0.dist-info/entry_points.txt": "[console_scripts]\ngreet = greeting:main\n",
            "greeting-1.0.data/scripts/greet-too": "#!python\nimport greeting\ngreeting.main()\n",
        },
    )
    files = [pantry.file("/srv/app/app.py", b"print('app')\n"), pantry.file("/bin/serve", b"#!/bin/sh\n", mode=0o755)]
    base = [package for package in pantry.debian if package.layer is Layer.BASE]
    full = request_of([*pantry.debian, probe, greeting], files)
    return Kitchen(
        pantry=pantry,
        root=folder / "cold",
        artifact=bake_in(folder / "cold", pantry.vault, full),
        full=full,
        small=request_of([*base, probe], [pantry.file("/srv/app/app.py", b"print('other')\n")]),
    )


def test_the_same_request_gives_the_same_image_after_whatever_came_before(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After another bake over the same base, and one that was killed in the middle; by another umask and locale."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "cs_CZ.UTF-8")
    before = os.umask(0o077)
    try:
        small = kitchen.bake(kitchen.small)
        for layer in kitchen.artifact.layers[1:]:
            (kitchen.root / "cache/layers" / f"{layer.inputs.removeprefix('sha256:')}.json").unlink()
        kill_in_the_middle(kitchen.root, kitchen.pantry.vault, kitchen.full)
        full = kitchen.bake(kitchen.full)
    finally:
        os.umask(before)
    assert small.digest != kitchen.artifact.digest
    assert full.digest == kitchen.artifact.digest
    assert [layer.cached for layer in full.layers] == [True, False, False, False]
    assert list((kitchen.root / "cache/work").iterdir()) == []


def test_nothing_of_the_day_the_user_and_the_machine_is_in_an_image(kitchen: Kitchen) -> None:
    """More than a year later, as another user on one core, in another folder, with another umask, locale and zone."""
    folder = Path(tempfile.mkdtemp(prefix="repave: a strange day, "))
    folder.chmod(0o755)
    try:
        artifact, said = bake_on_a_strange_day(folder, kitchen.pantry.vault._root, kitchen.full)
        registries = LayoutRegistry(kitchen.root / "registry"), LayoutRegistry(folder / "registry")
        if artifact.digest != kitchen.artifact.digest:
            raise AssertionError(difference(kitchen.artifact, registries[0], artifact, registries[1]))
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
    days = {line for line in said.splitlines() if line.startswith("day inside: ")}
    later = SystemClock().now() + timedelta(days=400)
    assert days <= {f"day inside: {later + timedelta(days=offset):%Y-%m-%d}" for offset in (-1, 0)}
    assert days


def kill_in_the_middle(root: Path, vault: FileVault, request: BakeRequest) -> None:
    """Start a bake, and end it with no chance to clean up while dpkg is at work."""
    known = {path.name for path in (root / "cache/layers").iterdir()}
    with subprocess.Popen(
        [sys.executable, "-c", BAKE, root, vault._root], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        process.stdin.write(TypeAdapter(BakeRequest).dump_json(request))
        process.stdin.close()
        while not list((root / "cache/work").glob("*/tree/var/lib/dpkg/status*")):
            assert process.poll() is None, "the bake ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert {path.name for path in (root / "cache/layers").iterdir()} == known
    assert str(root) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")


def test_nothing_changed_makes_nothing(kitchen: Kitchen) -> None:
    """Every layer is found, and the digest is the same (promise 10)."""
    again = kitchen.bake(kitchen.full)
    assert again.digest == kitchen.artifact.digest
    assert all(layer.cached for layer in again.layers)


def test_two_bakes_at_once_agree(kitchen: Kitchen) -> None:
    """The second waits for the first, and finds its layers."""
    files = (kitchen.pantry.file("/srv/app/app.py", b"print('at once')\n"),)
    request = replace(kitchen.full, files=files)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(kitchen.bake, (request, request))
    assert first.digest == second.digest
    assert sorted([first.layers[-1].cached, second.layers[-1].cached]) == [False, True]


def test_skopeo_reads_the_image_and_programs_run_in_it(kitchen: Kitchen, tmp_path: Path) -> None:
    """Inspected, copied for a container engine, unpacked: dpkg is content, Python and what came as a wheel run."""
    registry = LayoutRegistry(kitchen.root / "registry")
    registry.tag("shop-web:r1", kitchen.artifact.digest)
    source = f"oci:{kitchen.root / 'registry'}:shop-web:r1"
    commands = LocalCommands()
    inspected = json.loads(commands.run(["skopeo", "inspect", source]).stdout)
    assert inspected["Digest"] == kitchen.artifact.digest
    assert inspected["Layers"] == [layer.digest for layer in kitchen.artifact.layers]
    commands.run(["skopeo", "copy", "--quiet", source, f"docker-archive:{tmp_path / 'image.tar'}:web:r1"])

    root = unpacked(kitchen, tmp_path / "root")

    def inside(*arguments: str) -> str:
        return commands.run([*NAMESPACES, "chroot", os.fspath(root), *arguments]).stdout.decode()

    assert not (root / "usr/local/ran").exists()
    assert inside("dpkg", "--audit") == ""
    listed = inside("dpkg-query", "--show", "--showformat", "${Package} ${Status}\\n").splitlines()
    debs = [package.name for package in kitchen.full.packages if package.filename.endswith(".deb")]
    assert listed == [f"{name} install ok installed" for name in sorted(debs)]
    assert inside("python3", "-c", "import socket, greeting; greeting.main()") == "good morning\n"
    assert inside("greet") == inside("greet-too") == "good morning\n"
    assert (root / "usr/bin/serve").stat().st_mode & 0o777 == 0o755
    assert (root / "bin").is_symlink()


def test_debsums_finds_every_file_of_every_package_intact(kitchen: Kitchen, tmp_path: Path) -> None:
    """Configuration files too: a bake takes away only what no package brought; nothing needs an exception."""
    root = os.fspath(unpacked(kitchen, tmp_path / "root"))
    commands = LocalCommands()
    checked = commands.run(["debsums", f"--root={root}", "--all"], timeout_seconds=300, check=False)
    lines = checked.stdout.decode().splitlines()
    assert [line for line in lines if not line.endswith(" OK")] == []
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert commands.run(["debsums", f"--root={root}", "--list-missing"]).stdout == b""
    assert len(lines) > 1000


def unpacked(kitchen: Kitchen, root: Path) -> Path:
    """All layers of the image, by tar."""
    registry = LayoutRegistry(kitchen.root / "registry")
    root.mkdir()
    for layer in kitchen.artifact.layers:
        LocalCommands().run(
            ["tar", "--extract", "--file", os.fspath(registry.path(layer.digest)), "--directory", os.fspath(root)]
        )
    return root


def test_a_package_finds_no_network_no_service_and_no_device_of_the_host(kitchen: Kitchen, tmp_path: Path) -> None:
    """What its script saw while it was installed; what it left of the moment is in no layer."""
    layer = next(layer for layer in kitchen.artifact.layers if layer.layer is Layer.PLATFORM)
    tar = LayoutRegistry(kitchen.root / "registry").path(layer.digest)
    LocalCommands().run(["tar", "--extract", "--file", os.fspath(tar), "--directory", os.fspath(tmp_path)])
    told = tmp_path / "usr/share/probe"
    interfaces = [line.split(":")[0].strip() for line in (told / "network").read_text().splitlines()[2:]]
    assert interfaces == ["lo"]
    assert (told / "policy").read_text() == "101\n"
    devices = "fd full null random shm stderr stdin stdout tty urandom zero"
    assert (told / "devices").read_text().split() == devices.split()
    assert (tmp_path / "etc/.wh.issue.net").read_bytes() == b""
    for gone in (
        "var/log/probe.log",
        "var/cache/probe.cache",
        "usr/sbin/policy-rc.d",
        "etc/passwd-",
        "etc/resolv.conf",
    ):
        assert not (tmp_path / gone).exists(), gone
    assert not (tmp_path / "usr/sbin/.wh.policy-rc.d").exists()
    assert "probe:" in (tmp_path / "etc/passwd").read_text()


def test_the_configuration_says_what_runs_and_nothing_of_the_machine(kitchen: Kitchen) -> None:
    """User by number, the command as a list, no time of the bake."""
    registry = LayoutRegistry(kitchen.root / "registry")
    manifest = json.loads(registry.read(kitchen.artifact.digest))
    content = json.loads(registry.read(Digest(manifest["config"]["digest"])))
    assert content["config"] == {
        "Cmd": ["python3", "-m", "greeting", "a b", "$HOME"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
        "Labels": {"org.opencontainers.image.title": "web"},
        "User": "33:33",
        "WorkingDir": "/srv/app",
    }
    assert content["created"] == "1970-01-01T00:00:00Z"
    assert content["rootfs"]["diff_ids"] == [layer.digest for layer in kitchen.artifact.layers]


def test_paths_declared_as_data_are_volumes(kitchen: Kitchen) -> None:
    """Of an ephemeral image: no other may have any."""
    image = replace(kitchen.full.image, data=("/var/lib/greeting/",), ephemeral=True)
    artifact = kitchen.bake(replace(kitchen.full, image=image))
    registry = LayoutRegistry(kitchen.root / "registry")
    manifest = json.loads(registry.read(artifact.digest))
    content = json.loads(registry.read(Digest(manifest["config"]["digest"])))
    assert content["config"]["Volumes"] == {"/var/lib/greeting": {}}


def test_commands_of_build_use_what_the_layers_below_have(kitchen: Kitchen) -> None:
    """Python compiles the application, a wheel is imported; made again, without its record, it is the same layer."""
    commands = (
        ("python3", "-m", "compileall", "-q", "."),
        ("python3", "-c", "import greeting; print(sorted({'b', 'a'}), file=open('made.txt', 'w'))"),
    )
    request = replace(kitchen.full, image=replace(kitchen.full.image, build=commands))
    layer = kitchen.bake(request).layers[-1]
    tar = LayoutRegistry(kitchen.root / "registry").path(layer.digest)
    listed = LocalCommands().run(["tar", "--list", "--file", os.fspath(tar)]).stdout.decode().split()
    compiled = "srv/app/__pycache__/app.cpython-311.pyc"
    assert listed == ["srv/", "srv/app/", "srv/app/__pycache__/", compiled, "srv/app/made.txt"]
    (kitchen.root / "cache/layers" / f"{layer.inputs.removeprefix('sha256:')}.json").unlink()
    again = kitchen.bake(request).layers[-1]
    assert (again.digest, again.cached) == (layer.digest, False)


def test_set_uid_programs_are_told_of_cached_layers_too(kitchen: Kitchen) -> None:
    """By path, mode and owner."""
    again = kitchen.bake(kitchen.full)
    assert all(layer.cached for layer in again.layers)
    assert Exposed(path="/usr/bin/su", mode=0o4755, owner=0) in again.layers[0].exposed
    assert [layer.exposed for layer in again.layers] == [layer.exposed for layer in kitchen.artifact.layers]


def test_an_unknown_user_is_named(kitchen: Kitchen) -> None:
    """The image's own accounts decide, not this machine's."""
    request = replace(kitchen.full, image=replace(kitchen.full.image, user="shopkeeper"))
    with pytest.raises(Invalid, match="no user 'shopkeeper'") as caught:
        kitchen.bake(request)
    assert "www-data" in caught.value.hint


def test_a_locked_file_that_is_not_in_the_vault_is_named(kitchen: Kitchen) -> None:
    """Nothing is baked from a guess."""
    ghost = replace(kitchen.full.packages[-2], name="ghost", sha256="0" * 64)
    with pytest.raises(Gone, match="0" * 12):
        kitchen.bake(replace(kitchen.full, packages=(*kitchen.full.packages, ghost)))


def test_a_package_with_other_bytes_is_refused(kitchen: Kitchen) -> None:
    """The vault is verified while it is read."""
    rotten = kitchen.pantry.deb("rotten", "#!/bin/sh\n")
    place = kitchen.pantry.vault.path(rotten.sha256)
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-1] + b"!")
    with pytest.raises(Corrupt, match="rotten"):
        kitchen.bake(replace(kitchen.full, packages=(*kitchen.full.packages, rotten)))


def test_a_package_whose_script_fails_stops_the_bake(kitchen: Kitchen) -> None:
    """The package and its own words are in the message, and nothing is kept."""
    failing = kitchen.pantry.deb("failing", FAILING)
    base = [package for package in kitchen.full.packages if package.layer is Layer.BASE]
    before = sorted(LayoutRegistry(kitchen.root / "registry").blobs())
    with pytest.raises(CommandFailed, match="wrong phase") as caught:
        kitchen.bake(replace(kitchen.full, packages=(*base, failing)))
    assert "failing" in caught.value.message
    assert "`dpkg`" in caught.value.message
    assert sorted(LayoutRegistry(kitchen.root / "registry").blobs()) == before
    assert list((kitchen.root / "cache/work").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"), [("postfix", "localhost.localdomain 127.0.0.1\n"), ("postfixlike", "nothing\n")]
)
def test_a_mail_server_is_installed_on_a_host_and_others_on_none(
    kitchen: Kitchen, tmp_path: Path, name: str, said: str
) -> None:
    """It has a whole name and itself; what was there for that is in no layer."""
    script = f"""#!/bin/sh
set -e
name=$(hostname --fqdn 2>/dev/null) || name=nothing
found=$(grep -m1 -o '127.0.0.1$' /proc/net/fib_trie) || found=
echo "$name${{found:+ $found}}" >/usr/share/{name}/said
"""
    asking = kitchen.pantry.deb(name, script)
    base = [package for package in kitchen.full.packages if package.layer is Layer.BASE]
    artifact = kitchen.bake(replace(kitchen.full, packages=(*base, asking)))
    layer = next(layer for layer in artifact.layers if layer.layer is Layer.PLATFORM)
    tar = LayoutRegistry(kitchen.root / "registry").path(layer.digest)
    LocalCommands().run(["tar", "--extract", "--file", os.fspath(tar), "--directory", os.fspath(tmp_path)])
    assert (tmp_path / "usr/share" / name / "said").read_text() == said
    assert not (tmp_path / "etc/hosts").exists()
    assert not (tmp_path / "etc/.wh.hosts").exists()
