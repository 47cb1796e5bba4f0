"""Commands of ``build:``, for real: what they make is a layer, and what they must not do they cannot."""

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pantry import BAKE, Pantry, bake_in
from pydantic import TypeAdapter
from tiny_project import PROJECT, VAULT

from repave.config.lockfile import read_lock
from repave.config.project import load_project
from repave.model.artifact import Artifact
from repave.model.lock import Layer
from repave.model.names import ImageName
from repave.model.recipe import BuildLimits, FileMapping
from repave.operations.baking import bake_request
from repave.operations.vaults.importing import import_archive
from repave.ports.baker import BakeRequest
from repave.ports.errors import CommandFailed, Invalid, WorldError
from repave.ports.progress import Silent
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

pytestmark = pytest.mark.real

APPLICATION = {
    "/srv/app/index.html": b"<p>hello</p>\n",
    "/srv/app/old/gone.txt": b"to be removed\n",
    "/srv/app/kept.txt": b"stays\n",
}


NAMESPACES = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--map-auto"]
"""What may remove files of any owner in a layer."""

VARIABLES = {
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "SOURCE_DATE_EPOCH", "PYTHONHASHSEED"),
    *("PYTHONDONTWRITEBYTECODE", "PWD", "OLDPWD", "SHLVL"),
}
"""What a command may see; the last three are the shell's own."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """A small image whose lower layers are baked once, and commands that are tried on it."""

    root: Path
    pantry: Pantry
    plain: BakeRequest

    def request(self, *commands: str | tuple[str, ...], **limits: Any) -> BakeRequest:  # noqa: ANN401 - by name
        """The image with these commands; a text is one for the shell."""
        build = tuple(("sh", "-c", each) if isinstance(each, str) else each for each in commands)
        bounds = replace(BuildLimits(), **limits)
        return replace(self.plain, image=replace(self.plain.image, build=build, build_limits=bounds))

    def bake(self, *commands: str | tuple[str, ...], **limits: float) -> Artifact:
        """Bake it."""
        return bake_in(self.root, self.pantry.vault, self.request(*commands, **limits))

    def failing(self, *commands: str | tuple[str, ...], **limits: float) -> WorldError:
        """How the bake fails; nothing is left of it."""
        with pytest.raises(WorldError) as caught:
            self.bake(*commands, **limits)
        assert list((self.root / "cache/work").iterdir()) == []
        return caught.value

    def layer(self, artifact: Artifact) -> dict[str, tarfile.TarInfo]:
        """What the build layer holds, by path."""
        with tarfile.open(self.blob(artifact)) as tar:
            return {entry.name: entry for entry in tar}

    def blob(self, artifact: Artifact) -> Path:
        """The build layer."""
        assert artifact.layers[-1].layer is Layer.BUILD
        return LayoutRegistry(self.root / "registry").path(artifact.layers[-1].digest)

    def text(self, artifact: Artifact, path: str) -> str:
        """A file of the build layer."""
        with tarfile.open(self.blob(artifact)) as tar:
            stream = tar.extractfile(path)
            assert stream is not None
            return stream.read().decode()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The tiny project's packages, and an application."""
    folder = tmp_path_factory.mktemp("workshop")
    pantry = Pantry(vault=FileVault(folder / "vault"), folder=folder / "made")
    pantry.folder.mkdir()
    import_archive(VAULT, pantry.vault, Silent())
    name = ImageName("web")
    locked = bake_request(load_project(PROJECT), name, read_lock(PROJECT))
    files = tuple(pantry.file(target, content) for target, content in APPLICATION.items())
    image = replace(locked.image, files=(FileMapping(source="app/", target="/srv/app/"),), build=())
    made = Workshop(root=folder, pantry=pantry, plain=replace(locked, image=image, files=files))
    made.bake("true")
    yield made
    assert str(folder) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")


def test_what_commands_make_change_and_remove_is_a_layer_of_its_own(workshop: Workshop) -> None:
    """Owned by root, dated by content, links kept, what is as before left out."""
    artifact = workshop.bake(
        "sed -i s/hello/goodbye/ index.html && rm -r old && touch kept.txt && chmod 600 kept.txt",
        "mkdir -p made/empty && ln -s ../index.html made/link && echo '#!/bin/sh' >made/run && chmod 700 made/run",
    )
    found = workshop.layer(artifact)
    assert sorted(found) == [
        "srv",
        "srv/app",
        "srv/app/.wh.old",
        "srv/app/index.html",
        "srv/app/made",
        "srv/app/made/empty",
        "srv/app/made/link",
        "srv/app/made/run",
    ]
    assert {(entry.uid, entry.gid, entry.uname) for entry in found.values()} == {(0, 0, "")}
    assert found["srv/app/made/run"].mode == 0o755
    assert found["srv/app/index.html"].mode == 0o644
    assert found["srv/app/made/link"].linkname == "../index.html"
    assert {entry.mtime for entry in found.values() if entry.isdir()} == {946_684_800}
    assert workshop.text(artifact, "srv/app/index.html") == "<p>goodbye</p>\n"
    assert [layer.cached for layer in artifact.layers] == [True, True, True, False]


def test_layers_are_made_again_when_their_unpacked_trees_are_gone(workshop: Workshop) -> None:
    """A cache that was emptied costs time, never the digest."""
    first = workshop.bake("true")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    subprocess.run(
        [*NAMESPACES, "rm", "-rf", workshop.root / "cache/boots" / boot / "trees"], check=True, capture_output=True
    )
    again = workshop.bake("touch made")
    assert [layer.digest for layer in again.layers[:-1]] == [layer.digest for layer in first.layers[:-1]]
    made = {layer.layer: not layer.cached for layer in again.layers}
    assert made == {Layer.BASE: True, Layer.PLATFORM: True, Layer.APPLICATION: False, Layer.BUILD: True}


def test_the_same_commands_give_the_same_layer_and_are_not_run_again(workshop: Workshop) -> None:
    """Made again from nothing it has the same digest; another command, limit or file makes another layer."""
    command = (
        "for name in zebra apple 10 9; do echo $name >$name; done; ls >listed; env >variables; "
        "echo $(cat /proc/sys/kernel/hostname) $(umask) $(id -u):$(id -g) $(pwd) >told"
    )
    first = workshop.bake(command)
    assert [layer.cached for layer in workshop.bake(command).layers] == [True] * 4
    fresh = bake_in(workshop.root / "elsewhere", workshop.pantry.vault, workshop.request(command))
    assert fresh.digest == first.digest
    assert workshop.text(first, "srv/app/told") == "bake 0022 65533:65533 /srv/app\n"
    variables = dict(line.split("=", 1) for line in workshop.text(first, "srv/app/variables").splitlines())
    assert (variables["SOURCE_DATE_EPOCH"], variables["TZ"], variables["LC_ALL"]) == ("946684800", "UTC", "C.UTF-8")
    assert variables.keys() <= VARIABLES
    keys = {
        workshop.bake(command, memory_bytes=1 << 29).layers[-1].inputs,
        workshop.bake(f"{command};").layers[-1].inputs,
        first.layers[-1].inputs,
    }
    assert len(keys) == 3


def test_a_failing_command_is_told_with_its_last_lines(workshop: Workshop) -> None:
    """By its number, its exit code and what it said last; those after it do not run."""
    error = workshop.failing("true", "seq 100 2>/dev/null; echo the moon is in the wrong phase >&2; exit 7", "false")
    assert isinstance(error, CommandFailed)
    assert "build/2 of image web, sh -c" in error.message
    assert error.message.endswith("ended with 7: the moon is in the wrong phase")
    assert "without network, not as root, and may write in /srv/app and /tmp only" in error.hint


def test_a_command_that_the_image_lacks_is_told(workshop: Workshop) -> None:
    """With what to do about it."""
    error = workshop.failing(("cobol", "--version"))
    assert "cobol" in error.message
    assert "`packages`" in error.hint


@pytest.mark.parametrize("command", ["wget http://192.0.2.1/ -O got", "wget http://example.org/ -O got"])
def test_a_command_that_wants_the_network_finds_none_and_is_told_so(workshop: Workshop, command: str) -> None:
    """What it fetches belongs where the lock pins it."""
    error = workshop.failing(command)
    assert "it wanted the network, and a bake has none" in error.hint


ATTEMPTS = {
    "chown 0:0 index.html": "not permitted",
    "busybox mount -t tmpfs tmpfs /srv": "not permitted|must be root|denied",
    "echo x >/usr/bin/tool": "Read-only file system",
    "echo x >/etc/passwd": "Read-only file system",
    "echo x >/srv/beside": "Read-only file system",
    "busybox mknod disk b 8 0": "not permitted",
    "kill -9 1": "not permitted",
    "echo x >/proc/sys/kernel/hostname": "Read-only file system|denied",
    "ls /proc/1/root/": "denied",
    "busybox chroot / id": "not permitted",
    "busybox unshare -U -r id": "not permitted",
}
"""What a command may try, and how it is answered."""


def test_a_command_has_no_rights(workshop: Workshop) -> None:
    """It is not root, can become it by nothing, and writes nowhere but in its own folders."""
    tried = "; ".join(
        f"({attempt}) >answer{number} 2>&1 && echo it worked >>answer{number}"
        for number, attempt in enumerate(ATTEMPTS)
    )
    artifact = workshop.bake(f"{tried}; true")
    for number, (attempt, said) in enumerate(ATTEMPTS.items()):
        answer = workshop.text(artifact, f"srv/app/answer{number}")
        assert re.search(said, answer), f"{attempt}: {answer}"
        assert "it worked" not in answer, attempt


@pytest.mark.parametrize(
    ("command", "limits", "said"),
    [
        ("sleep 1000", {"time_seconds": 0.3}, "may take 0.3 s"),
        ("sleep 1000 & sleep 1000 & trap '' TERM; while :; do :; done", {"time_seconds": 0.3}, "may take 0.3 s"),
        ("while :; do sleep 1000 & done", {"processes": 64}, "had 64 processes and threads at once"),
        ("bomb() { bomb | bomb & }; bomb; sleep 1000", {"processes": 64, "time_seconds": 5}, "was stopped"),
        ("cat /dev/zero >big", {"output_bytes": 8 << 20}, "filled the 8 MiB"),
        ("cat /dev/zero >/tmp/big; sleep 1000", {"output_bytes": 8 << 20}, "filled the 8 MiB"),
        ("i=0; while :; do i=$((i+1)); : >$i || exit 1; done", {"output_bytes": 4 << 20}, "filled the 4 MiB"),
        ("yes | tr -d '\\n' | awk '{ print length($0) }'", {"memory_bytes": 32 << 20}, "more than 32 MiB of memory"),
        ("while :; do echo still here; done", {"time_seconds": 0.5}, "still here"),
    ],
)
def test_a_command_that_takes_too_much_is_stopped_by_name(
    workshop: Workshop, command: str, limits: dict[str, float], said: str
) -> None:
    """Time, processes, memory and output have a limit each, and the message says which it was."""
    error = workshop.failing(command, **limits)
    assert isinstance(error, Invalid)
    assert "was stopped" in error.message
    assert said in error.message
    assert "build_limits" in error.hint


def test_what_a_command_leaves_running_is_ended(workshop: Workshop) -> None:
    """And cannot write into the layer after it."""
    artifact = workshop.bake("(sleep 0.2; echo late >late.txt) & echo now >now.txt")
    assert "srv/app/now.txt" in workshop.layer(artifact)
    assert "srv/app/late.txt" not in workshop.layer(artifact)


@pytest.mark.parametrize(
    ("command", "said"),
    [("busybox mkfifo pipe", "neither file, folder nor link"), ("echo x >.wh.index.html", "something is removed")],
)
def test_what_no_layer_can_hold_is_refused(workshop: Workshop, command: str, said: str) -> None:
    """By its path."""
    error = workshop.failing(command)
    assert said in error.message
    assert "/srv/app/" in error.message


def test_an_application_that_does_not_fit_is_told_before_anything_runs(workshop: Workshop) -> None:
    """The limit counts what is there already."""
    big = workshop.pantry.file("/srv/app/big", b"x" * (6 << 20))
    request = workshop.request("true", output_bytes=4 << 20)
    with pytest.raises(Invalid, match="do not fit into the 4 MiB"):
        bake_in(workshop.root, workshop.pantry.vault, replace(request, files=(*request.files, big)))


@pytest.mark.parametrize("target", ["/", "/usr/", "/etc/"])
def test_folders_of_packages_are_not_given_to_commands(workshop: Workshop, target: str) -> None:
    """They are changed by packages alone."""
    request = workshop.request("true")
    image = replace(request.image, files=(FileMapping(source="app/", target=target),))
    with pytest.raises(Invalid, match="holds folders of packages"):
        bake_in(workshop.root, workshop.pantry.vault, replace(request, image=image))


def test_build_without_a_folder_to_work_in_is_refused(workshop: Workshop) -> None:
    """Commands change the application's folders; here there is none."""
    request = workshop.request("true")
    with pytest.raises(Invalid, match="no folder of an application"):
        bake_in(workshop.root, workshop.pantry.vault, replace(request, image=replace(request.image, files=())))


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_bake_that_is_ended_takes_its_commands_with_it(workshop: Workshop, ending: signal.Signals) -> None:
    """Killed with no chance to clean up, or by Ctrl-C: no process, no mount, and the next bake sweeps the rest."""
    marked = f"{50_000 + os.getpid() % 10_000}.{ending.value}"
    request = workshop.request(f"sleep {marked}")
    with subprocess.Popen(
        [sys.executable, "-c", BAKE, workshop.root, workshop.pantry.vault._root],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(TypeAdapter(BakeRequest).dump_json(request))
        process.stdin.close()
        while not running(marked):
            assert process.poll() is None, "the bake ended before it could be ended"
            time.sleep(0.01)
        process.send_signal(ending)
    while running(marked):
        time.sleep(0.01)
    assert str(workshop.root) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    workshop.bake("true")
    assert list((workshop.root / "cache/work").iterdir()) == []


def running(marked: str) -> bool:
    """Whether a process with that argument lives."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marked.encode() in place.read_bytes().split(b"\0"):
                return True
        except (FileNotFoundError, ProcessLookupError):
            continue
    return False


def test_the_manifest_and_history_name_the_layer(workshop: Workshop) -> None:
    """As they do every other."""
    artifact = workshop.bake("true")
    manifest = json.loads(LayoutRegistry(workshop.root / "registry").read(artifact.digest))
    assert [layer["annotations"]["repave.layer"] for layer in manifest["layers"]][-2:] == ["application", "build"]
