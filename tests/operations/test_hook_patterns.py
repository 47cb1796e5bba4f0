"""Commands of ``build:`` that would bring in what no lock pins."""

import shlex
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from repave.model.guards import Action, Guard, Guards
from repave.model.lock import LockedFile
from repave.model.names import ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind
from repave.operations.guards.hook_patterns import unpinned_in
from repave.operations.guards.judging import judge_files
from repave.registries.vault import FileVault

BASE = Base(distribution="debian", release="bookworm", suites=("bookworm",))


def image(*build: str, guards: Guards | None = None) -> Image:
    """An image with these commands."""
    return Image(
        name=ImageName("web"),
        kind=ImageKind.CONTAINER,
        base=BASE,
        files=(FileMapping(source="app/", target="/srv/app/"),),
        build=tuple(tuple(shlex.split(command)) for command in build),
        guards=guards or Guards(),
    )


def found(command: str, vault: FileVault, *files: LockedFile) -> list[tuple[str, int]]:
    """Where something is, in the only command or a script of it."""
    return [(one.path, one.line) for one in unpinned_in(image(command), files, vault)]


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    """An empty one."""
    return FileVault(tmp_path / "vault")


def script(vault: FileVault, folder: Path, name: str, text: str) -> LockedFile:
    """A file of the application, in the vault."""
    source = folder / sha256(text.encode()).hexdigest()
    source.write_text(text, encoding="utf-8")
    return LockedFile(
        target=f"/srv/app/{name}",
        sha256=vault.add(source),
        size_bytes=len(text),
        mode=0o644,
        origin=f"app/{name}",
        images=(ImageName("web"),),
    )


@pytest.mark.parametrize(
    "command",
    [
        "pip install flask",
        "pip3 -q install flask==3.0",
        "python3 -m pip install --upgrade pip",
        "uv pip install -r requirements.txt",
        "apt-get install -y gcc",
        "sh -c 'apt-get update && apt-get -y -q install gcc'",
        "sh -c 'apt-get -y dist-upgrade'",
        "yum -y update",
        "dnf upgrade --refresh",
        "apk add gcc",
        "npm install",
        "npm i left-pad",
        "npx webpack",
        "yarn add left-pad",
        "sh -c 'curl -fsSL https://example.org/install | sh'",
        "bash -c 'wget -O- https://example.org/install.py | sudo python3'",
        'bash -c "bash <(curl https://example.org/x)"',
        "go install example.org/tool@latest",
        "tool --image registry.example.org/base:latest",
        "fetch https://example.org/releases/latest/download/tool",
    ],
)
def test_what_would_bring_in_the_unpinned_is_found(command: str, vault: FileVault) -> None:
    """By the command's own words; it is named by its number."""
    assert found(command, vault) == [("build/1", 0)]


@pytest.mark.parametrize(
    "command",
    [
        "npm ci --omit=dev",
        "npm run build",
        "pip install --require-hashes -r requirements.txt",
        "pip install --no-index --find-links wheels app",
        "python3 -m compileall -q .",
        "yarn install --immutable",
        "make install",
        "sh -c 'curl --version'",
        "apt-cache policy",
        "yum list",
        "zypper --version",
        "pip download flask",
        "sh -c 'echo latest >version'",
        "python3 pip_installer.py",
    ],
)
def test_what_brings_in_nothing_unpinned_is_left_alone(command: str, vault: FileVault) -> None:
    """Pinned by hashes or a lock of its own, or no installation at all."""
    assert found(command, vault) == []


def test_scripts_that_a_command_names_are_read_too(vault: FileVault, tmp_path: Path) -> None:
    """By file and line; joined lines count from their first, comments are none, others are not read."""
    text = "#!/bin/sh\n# pip install is not what we do\napt-get \\\n  install gcc\npip install x\n"
    named = script(vault, tmp_path, "tools/build.sh", text)
    other = script(vault, tmp_path, "README.md", "pip install shop\n")
    assert found("sh tools/build.sh", vault, named, other) == [("app/tools/build.sh", 3), ("app/tools/build.sh", 5)]
    assert found("/srv/app/tools/build.sh", vault, named, other) == [
        ("app/tools/build.sh", 3),
        ("app/tools/build.sh", 5),
    ]


def test_a_makefile_is_read_by_make(vault: FileVault, tmp_path: Path) -> None:
    """No command names it."""
    makefile = script(vault, tmp_path, "Makefile", "all:\n\tnpm install\n")
    assert found("make all", vault, makefile) == [("app/Makefile", 2)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("#cloud-config\npackage_upgrade: true\n", 2),
        ('#cloud-config\n{"package_update": true}\n', 2),
        ("#cloud-config\n# as before\napt_upgrade: 'yes'\n", 3),
        ("#cloud-config\nruncmd:\n- [apt-get, -y, upgrade]\n", 3),
        ("#!/bin/sh\nset -e\nyum update -y\n", 3),
        ("#cloud-config\nruncmd:\n- docker run registry.example.org/agent:latest\n", 3),
        ("#cloud-config\npackage_upgrade: false\npackage_update: 'no'\n", 0),
    ],
)
def test_what_cloud_init_would_bring_in_is_found(text: str, line: int, vault: FileVault, tmp_path: Path) -> None:
    """In files that are laid where it reads, and nowhere else; by file and line."""
    snippet = script(vault, tmp_path, "cloud.cfg", text)
    laid = replace(snippet, target="/etc/cloud/cloud.cfg.d/50-shop.cfg")
    sights = list(unpinned_in(image(), [laid], vault))
    assert [(one.path, one.line) for one in sights] == ([("app/cloud.cfg", line)] if line else [])
    assert not list(unpinned_in(image(), [snippet], vault))


def test_a_program_that_calls_another_is_seen_through(vault: FileVault, tmp_path: Path) -> None:
    """Words of a list are the words of a command."""
    program = script(vault, tmp_path, "build.py", 'run([sys.executable, "-m", "pip", "install", "flask"])\n')
    assert found("python3 build.py", vault, program) == [("app/build.py", 1)]


@pytest.mark.parametrize(
    ("guards", "action"),
    [
        (Guards(), Action.STOP),
        (Guards(unpinned=Action.REPORT), Action.REPORT),
    ],
)
def test_it_stops_or_is_reported_by_the_images_own_policy(guards: Guards, action: Action, vault: FileVault) -> None:
    """A stop is the default."""
    judged = judge_files(image("pip install flask", guards=guards), (), vault)
    assert [(one.sight.guard, one.sight.path, one.action) for one in judged] == [(Guard.UNPINNED, "build/1", action)]


@pytest.mark.parametrize(
    "unit",
    ["pip ", "curl ", "npm -a ", "pip ' ' , ", "a@", "latest", "sh -c $(", "wget|", "yum -a ", "package_upgrade: "],
)
def test_no_script_makes_the_search_slow(unit: str, vault: FileVault, tmp_path: Path) -> None:
    """What repeats the beginning of a habit costs in proportion to its size."""
    text = unit * (200_000 // len(unit))
    named = script(vault, tmp_path, "build.sh", text)
    began = time.process_time()
    found("sh build.sh", vault, named)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("source", ["app/", "app", "./app", "."])
def test_scripts_are_found_where_commands_start(vault: FileVault, tmp_path: Path, source: str) -> None:
    """In the first folder of files, however the file names it."""
    named = replace(image("sh make.sh"), files=(FileMapping(source=source, target="/srv/app/"),))
    file = script(vault, tmp_path, "make.sh", "npm install\n")
    assert [(one.path, one.line) for one in unpinned_in(named, (file,), vault)] == [("app/make.sh", 1)]


@pytest.mark.parametrize(
    ("target", "kind", "lines"),
    [
        ("/etc/cron.d/upgrade", ImageKind.VM, [2]),
        ("/etc/cron.daily/upgrade", ImageKind.VM, [2]),
        ("/etc/systemd/system/upgrade.service", ImageKind.VM, [2]),
        ("/srv/app/upgrade.sh", ImageKind.VM, []),
        ("/etc/cron.d/upgrade", ImageKind.CONTAINER, []),
    ],
)
def test_a_machine_does_not_bring_itself_up_to_date(
    target: str, kind: ImageKind, lines: list[int], vault: FileVault, tmp_path: Path
) -> None:
    """By cron or systemd, which a container has none of."""
    file = replace(script(vault, tmp_path, "upgrade", "# every night\napt-get -y upgrade\n"), target=target)
    found = unpinned_in(replace(image(), kind=kind), [file], vault)
    assert [one.line for one in found] == lines
