"""Checks on this machine: what they see and reach, and that nothing of them stays, however they end."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from answering import Answers, answering
from local_desk import Desk

from repave.model.names import EnvironmentName, ReleaseNumber
from repave.ports.checks import CheckOrder, Endpoint
from repave.ports.errors import Denied
from repave.ports.progress import Silent
from repave.providers.local.checks.running import Running
from repave.providers.local.identities import identity_map
from repave.providers.local.places import token_of
from repave.store.documents import encode

pytestmark = pytest.mark.real

LOOK = """#!/bin/sh
echo user $(id -u) in $(pwd) with $(ls checks data)
for place in checks/new /new /bin/new; do (echo x > $place) 2>/dev/null && echo wrote $place; done
echo x > /tmp/new && cat /tmp/new
wget -q -O - $REPAVE_URL/hello
wget -q -O - http://127.0.0.1:$OTHER_PORT/hello 2>/dev/null && echo reached another server
wget -q -O - http://198.51.100.1/ 2>/dev/null && echo reached the world
cat /proc/self/status | cat > /tmp/status
exit 7
"""
HANG = "#!/bin/sh\necho begun\nsleep 60 &\nsleep 60\n"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A server on this machine's own loopback."""
    with answering() as one:
        yield one


@pytest.fixture
def order(desk: Desk, endpoint: Endpoint) -> CheckOrder:
    """A look around."""
    return CheckOrder(
        environment=EnvironmentName("test"),
        release=ReleaseNumber(1),
        artifact=desk.bake(),
        program="checks/try.sh",
        files={"checks/try.sh": LOOK.encode(), "data/one": b"1"},
        variables={"REPAVE_URL": endpoint.url},
        endpoints=(endpoint,),
        timeout_seconds=20,
    )


def with_program(order: CheckOrder, text: str, **more: object) -> CheckOrder:
    """The same, of another program."""
    return replace(order, files={"checks/try.sh": text.encode()}, **more)  # type: ignore[arg-type] # a test's own words


def remains(folder: Path) -> list[str]:
    """What of a check is on this machine: mounts, control groups, processes."""
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if str(folder / "checks") in line]
    token = token_of(folder.resolve())
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/repave-check-{token}-*")]
    return mounts + groups + [path for path in running() if f"{folder}/checks" in path or "/run/project" in path]


def running() -> Iterator[str]:
    """The command line of each process."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def test_a_check_sees_its_files_and_reaches_the_endpoints_and_nothing_else(desk: Desk, order: CheckOrder) -> None:
    """As the image's user, in a root filesystem that nobody can write; whoever runs repave keeps files to himself."""
    with answering() as other:
        variables = {**order.variables, "OTHER_PORT": str(other.port)}
        before = os.umask(0o077)
        try:
            outcome = desk.provider.run_check(replace(order, variables=variables), progress=Silent())
        finally:
            os.umask(before)
    assert outcome.detail == "exit code 7"
    assert outcome.output == f"user 1000 in /run/project with checks: try.sh data: one\nx\n{Answers.HELLO}"
    assert not outcome.passed
    assert remains(desk.surroundings.folder) == []


def test_a_check_passes_by_its_exit_code_within_its_time_and_of_its_output_the_end_is_kept(
    desk: Desk, order: CheckOrder
) -> None:
    """What overruns is ended with all that it started; what cannot be started says so."""
    long = "#!/bin/sh\necho first\ni=0\nwhile [ $i -lt 9000 ]; do echo 0123456789; i=$((i+1)); done\necho last\n"
    passed = desk.provider.run_check(with_program(order, long), progress=Silent())
    assert passed.passed
    assert 60_000 < len(passed.output) <= 64 * 1024
    assert passed.output.startswith("0123456789\n")
    assert passed.output.endswith("\nlast\n")
    slow = desk.provider.run_check(with_program(order, HANG, timeout_seconds=1.0), progress=Silent())
    assert (slow.passed, slow.detail, slow.output) == (False, "it took longer than 1 s", "begun\n")
    absent = desk.provider.run_check(with_program(order, "#!/bin/none\n"), progress=Silent())
    assert not absent.passed
    assert "no such file or directory" in absent.output
    two = tuple(Endpoint(host="198.51.100.7", port=port) for port in (80, 81))
    several = with_program(order, "#!/bin/sh\n", endpoints=(*two, Endpoint(host="::1", port=80)))
    assert desk.provider.run_check(several, progress=Silent()).passed
    taken = desk.provider.run_check(replace(several, endpoints=(*two, *two)), progress=Silent())
    assert (taken.passed, taken.output) == (False, "")
    assert re.match(r"it could not be started: .*Address already in use", taken.detail)
    root = replace(with_program(order, "#!/bin/sh\nid -u\n"), artifact=desk.bake(user="root"))
    assert desk.provider.run_check(root, progress=Silent()).output == "65534\n"
    assert remains(desk.surroundings.folder) == []


HANGING = """
import sys
from pathlib import Path
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.model.names import *
from repave.ports.checks import CheckOrder
from repave.ports.progress import Silent
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault
from repave.store.documents import decode
folder = Path(sys.argv[1])
provider = LocalProvider(Surroundings(project=ProjectName("shop"), folder=folder / "local", commands=LocalCommands(),
    clock=SystemClock(), vault=FileVault(folder / "vault"), registry=LayoutRegistry(folder / "registry")))
order = CheckOrder(environment=EnvironmentName("test"), release=ReleaseNumber(1), program="try.sh", variables={},
    artifact=decode(Artifact, sys.argv[2]), files={"try.sh": sys.argv[3].encode()}, endpoints=(), timeout_seconds=60)
provider.run_check(order, progress=Silent())
"""
"""A process of its own that runs a program as a check below a folder, in an artifact."""


def test_kill_9_while_a_check_runs_leaves_no_container(desk: Desk, order: CheckOrder, tmp_path: Path) -> None:
    """An empty control group is all, and the next check takes that away."""
    desk.provider.publish(order.artifact, progress=Silent())
    command = [sys.executable, "-c", HANGING, str(tmp_path), encode(order.artifact), HANG]
    with subprocess.Popen(command) as process:
        desk.until(lambda: any("/run/project/try.sh" in line for line in running()))
        process.kill()
    desk.until(lambda: all(line.startswith("/sys/") for line in remains(desk.surroundings.folder)))
    assert desk.provider.run_check(with_program(order, "#!/bin/sh\n"), progress=Silent()).passed
    assert remains(desk.surroundings.folder) == []


def test_without_root_no_program_is_run(desk: Desk, order: CheckOrder) -> None:
    """Its network could not be closed: that is said, and what can be done instead."""
    parts = desk.provider._parts
    rootless = replace(parts.containers, identities=identity_map())
    alone = Running(project=desk.surroundings.project, clock=desk.surroundings.clock, containers=rootless)
    desk.provider.publish(order.artifact, progress=Silent())
    with pytest.raises(Denied, match="without root no network of its own") as told:
        alone.run(order)
    assert told.value.hint == "run repave as root, or ask by `http`"
