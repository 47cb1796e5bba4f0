"""What a container is told: who runs it, with which variables and limits, and what its programs' words mean."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from local_order import GIVEN, ORDER, container, record

from repave.ports.errors import CommandFailed, Denied, Invalid, NoCapacity, Unreachable, WorldError
from repave.providers.local.accounts import resolve_user
from repave.providers.local.containers import (
    IdentityMap,
    runtime_configuration,
)
from repave.providers.local.errors import of_command
from repave.providers.local.identities import identity_map
from repave.providers.local.limits import killed_for_memory, usable_controllers
from repave.providers.local.mapping import (
    image_command,
    image_environment,
)
from repave.providers.local.variables import variables_of


def dig(configuration: object, *way: str) -> object:
    """One value deep inside."""
    for step in way:
        assert isinstance(configuration, dict)
        configuration = configuration[step]
    return configuration


ACCOUNTS = {
    "passwd": "root:x:0:0::/root:/bin/sh\nbroken\nwww-data:x:33:34::/srv:/bin/sh\n",
    "group": "root:x:0:\nwww-data:x:34:\nlogs:x:44:www-data,other\nmail:x:8:\n",
}


@pytest.mark.parametrize(
    ("declared", "user", "group", "groups"),
    [
        ("www-data", 33, 34, (44,)),
        ("33", 33, 34, (44,)),
        ("www-data:mail", 33, 8, (44,)),
        ("www-data:44", 33, 44, ()),
        ("1000", 1000, 1000, ()),
        ("1000:1001", 1000, 1001, ()),
    ],
)
def test_a_user_is_found_in_the_image(
    tmp_path: Path, declared: str, user: int, group: int, groups: tuple[int, ...]
) -> None:
    """By name or number, with its groups; a bare number needs no entry."""
    (tmp_path / "etc").mkdir()
    for name, content in ACCOUNTS.items():
        (tmp_path / "etc" / name).write_text(content)
    account = resolve_user(declared, (tmp_path / "absent", tmp_path))
    assert (account.user, account.group, account.groups, account.problem) == (user, group, groups, "")


@pytest.mark.parametrize("declared", ["", "root", "0", "0:33", "nobody-knows", "www-data:nobody-knows"])
def test_a_user_that_is_root_or_unknown_is_a_problem(tmp_path: Path, declared: str) -> None:
    """And would never be run as root by mistake."""
    (tmp_path / "etc").mkdir()
    for name, content in ACCOUNTS.items():
        (tmp_path / "etc" / name).write_text(content)
    account = resolve_user(declared, (tmp_path,))
    assert account.problem
    assert account.user != 0


def test_an_account_file_is_not_read_through_a_link(tmp_path: Path) -> None:
    """A link in the image could point at a file of the machine."""
    (tmp_path / "etc").symlink_to("/etc")
    assert resolve_user("daemon", (tmp_path,)).problem
    (tmp_path / "etc").unlink()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").symlink_to("/etc/passwd")
    assert resolve_user("daemon", (tmp_path,)).problem


def test_entry_point_and_command_are_joined() -> None:
    """As the image specification says; null counts as empty."""
    assert image_command({"Entrypoint": ["a"], "Cmd": ["b", "c"]}) == ("a", "b", "c")
    assert image_command({"Entrypoint": None}) == ()
    assert image_environment({"Env": ["A=b=c", "D="]}) == (("A", "b=c"), ("D", ""))
    with pytest.raises(TypeError):
        image_command({"Cmd": "sh -c x"})


def test_variables_override_from_image_to_secret() -> None:
    """Configuration beats the image, what repave says beats both, and secrets are there."""
    variables = variables_of(ORDER, record(), GIVEN)
    assert variables["PATH"] == "/opt/bin"
    assert variables["LOG_LEVEL"] == "info"
    assert variables["COLOUR"] == "red"
    assert {name: variables[name] for name in ("PORT", "REPAVE_RELEASE", "REPAVE_ZONE", "REPAVE_FLEET")} == {
        "PORT": "8080",
        "REPAVE_RELEASE": "r3",
        "REPAVE_ZONE": "a",
        "REPAVE_FLEET": "web",
    }


@pytest.mark.parametrize(("name", "value"), [("A=B", "c"), ("", "c"), ("A", "b\0c")])
def test_what_cannot_be_a_variable_is_invalid(name: str, value: str) -> None:
    """The message names the variable, and never its value."""
    with pytest.raises(Invalid, match="cannot be a variable") as refused:
        variables_of(replace(ORDER, secrets={name: value}), record(), GIVEN)
    assert "b\0c" not in str(refused.value)


def test_the_configuration_holds_what_keeps_an_instance_in() -> None:
    """Read-only root, no privilege, no capability, namespaces, filter, no raised limits of the machine."""
    configuration = runtime_configuration(container())
    json.dumps(configuration)
    assert dig(configuration, "root") == {"path": "/root-of-it", "readonly": True}
    assert dig(configuration, "process", "noNewPrivileges") is True
    assert dig(configuration, "process", "user") == {"uid": 33, "gid": 33, "additionalGids": [44]}
    assert set(map(tuple, dig(configuration, "process", "capabilities").values())) == {()}  # type: ignore[attr-defined] # a mapping, as the specification has it
    assert "rlimits" not in dig(configuration, "process")  # type: ignore[operator] # a mapping, as above
    namespaces = {entry["type"]: entry.get("path") for entry in dig(configuration, "linux", "namespaces")}  # type: ignore[attr-defined] # a list
    assert namespaces == {"pid": None, "mount": None, "ipc": None, "uts": None, "network": "/run/netns/x"}
    assert dig(configuration, "linux", "seccomp", "syscalls")
    assert dig(configuration, "linux", "resources", "memory") == {"limit": 1 << 26}
    assert dig(configuration, "linux", "resources", "cpu") == {"quota": 25000, "period": 100000}
    assert dig(configuration, "linux", "resources", "pids") == {"limit": 4096}


def test_what_the_machine_cannot_limit_is_left_out() -> None:
    """A missing controller does not keep an instance from starting."""
    configuration = runtime_configuration(container(controllers=frozenset()))
    assert set(dig(configuration, "linux", "resources")) == {"devices"}  # type: ignore[call-overload] # a mapping


@pytest.mark.parametrize("count", [1, 2])
def test_without_root_users_are_mapped(count: int) -> None:
    """With one identity the application is the container's root, which outside is the unprivileged caller."""
    mapped = ((0, 1000, 1), (1, 100000, 65535))[:count]
    configuration = runtime_configuration(
        container(identities=IdentityMap(users=mapped, groups=mapped), network=None, controllers=frozenset())
    )
    assert dig(configuration, "process", "user", "uid") == (0 if count == 1 else 33)
    assert len(dig(configuration, "linux", "uidMappings")) == count  # type: ignore[arg-type] # a list
    assert "resources" not in dig(configuration, "linux")  # type: ignore[operator] # a mapping


def test_subordinate_identities_are_used_where_they_are_given(tmp_path: Path) -> None:
    """No file, no range: only our own identity is mapped."""
    assert identity_map(tmp_path).single


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ('exec: "serve": executable file not found in $PATH', Invalid),
        ("write /x: no space left on device", NoCapacity),
        ("fork/exec: resource temporarily unavailable", NoCapacity),
        ("mount: permission denied", Denied),
        ("something new", Unreachable),
    ],
)
def test_what_programs_say_becomes_an_error_of_ours(said: str, error: type[WorldError]) -> None:
    """With the attempt in front, the cause behind, and a hint."""
    failed = CommandFailed(["runc"], exit_code=1, stderr=f"first\n{said}\n")
    found = of_command("starting web-1", failed)
    assert type(found) is error
    assert found.message == f"starting web-1: {said}"
    assert found.hint


def test_a_program_that_overran_leaves_the_outcome_open() -> None:
    """It may or may not have worked."""
    assert isinstance(of_command("x", CommandFailed(["runc"], exit_code=None, stderr="")), Unreachable)


def test_control_groups_of_both_versions_are_understood(tmp_path: Path) -> None:
    """Version 2 lists its controllers; version 1 has a folder for each."""
    assert usable_controllers(tmp_path) == frozenset()
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "cgroup.procs").touch()
    assert usable_controllers(tmp_path) == {"memory"}
    (tmp_path / "cgroup.controllers").write_text("cpu io pids\n")
    assert usable_controllers(tmp_path) == {"cpu", "pids"}
    for folder, name, text in (
        ("memory/a", "memory.oom_control", "oom_kill 0\n"),
        ("b", "memory.events", "oom_kill 2\n"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    assert not killed_for_memory("/a", tmp_path)
    assert killed_for_memory("/b", tmp_path)
