"""Every bad input, and what a person is told: the messages stand in wrong_files.txt, to be read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from repave.config.errors import FileError
from repave.config.project import load_project, parse_project

FOLDER = Path(__file__).parent
VALID = (FOLDER / "valid.yaml").read_text(encoding="utf-8")


@dataclass
class Wrong:
    """One change of the valid file, and its message."""

    name: str
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    message: list[str] = field(default_factory=list)


def wrong_files() -> Iterator[Wrong]:
    """The cases as they are written down."""
    for part in (FOLDER / "wrong_files.txt").read_text(encoding="utf-8").split("\n## ")[1:]:
        name, *lines = part.split("\n")
        case = Wrong(name=name)
        for line in lines:
            if line:
                {"-": case.old, "+": case.new, ">": case.message}[line[0]].append(line[2 if line[0] == ">" else 1 :])
        yield case


def told(text: str, filename: str = "repave.yaml") -> str:
    """What a person is told of ``text``."""
    with pytest.raises(FileError) as caught:
        parse_project(text, filename=filename)
    return str(caught.value)


@pytest.mark.parametrize("case", tuple(wrong_files()), ids=lambda case: case.name)
def test_a_wrong_file_is_told_what_is_wrong_where_and_what_is_right(case: Wrong) -> None:
    """File, line, column, what was found, what was expected, the nearest correct name."""
    old, new = "\n".join(case.old), "\n".join(case.new)
    assert VALID.count(old) == 1, f"{old!r} does not stand once in valid.yaml"
    assert told(VALID.replace(old, new)) == "\n".join(case.message)


def test_every_problem_is_told_at_once_in_the_files_order() -> None:
    """Nobody repairs a file one message at a time."""
    text = (
        VALID.replace("kind: container", "kind: function")
        .replace("image: web", "imagee: web")
        .replace("{size: 2}", "{size: many}")
        .replace("[test, prod]", "[test, prdo, prod]")
        .replace("project: shop", "project: shop\nproject: shop")
    )
    with pytest.raises(FileError) as caught:
        parse_project(text, filename="repave.yaml")
    lines = [problem.line for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert [problem.found.split("`")[1] for problem in caught.value.problems] == [
        "project",
        "kind: function",
        "fleets.web",
        "imagee",
        "size",
        "prdo",
    ]
    assert (caught.value.code, caught.value.exit_code) == ("file", 2)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n"])
def test_an_empty_file_is_told_how_to_begin(text: str) -> None:
    """The next thing to do is said."""
    assert told(text) == (
        "repave.yaml:1:1: the file is empty; expected a mapping with `project` and `images`\n"
        "  hint: `repave init` writes a starter file for the application in this folder"
    )


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n", "17\n"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    """A list or a text has no keys."""
    assert told(text) == "repave.yaml:1:1: the file is no mapping; expected keys such as `project:` and `images:`"


def test_a_control_character_is_named() -> None:
    """Invisible in an editor, so its place is told."""
    message = "repave.yaml:1:12: a control character (U+0007) that YAML does not allow; expected text"
    assert told(VALID.replace("shop", "sh\x07op", 1)) == message


def test_aliases_that_unfold_without_end_are_refused() -> None:
    """Ten lines of aliases must not take the memory of the machine."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "the aliases unfold without end; expected at most 20000 values" in told("\n".join(lines))


def test_an_alias_of_itself_is_refused() -> None:
    """A value that holds itself has no end."""
    assert "values are nested too deeply; expected at most 40 levels" in told("a: &a [*a]\n")


@pytest.mark.parametrize("text", ["[" * 5000, "a: " + "[" * 60 + "]" * 60])
def test_values_nested_without_end_are_refused(text: str) -> None:
    """Depth is bounded, whatever the reader below could take."""
    assert "nested" in told(text)


def test_a_file_beyond_every_size_is_refused() -> None:
    """A megabyte of YAML takes seconds to read."""
    text = "# " + "x" * 1024 * 1024
    assert told(text) == "repave.yaml:1:1: the file has 1048578 characters; expected at most 1048576"


def test_an_alias_is_followed() -> None:
    """Repeating a part by its name is fine."""
    text = VALID.replace("rollout: {surge: 25%}", "rollout: &calm {surge: 25%}").replace(
        "\nenvironments:", "  api:\n    image: web\n    port: 81\n    rollout: *calm\n\nenvironments:"
    )
    project = parse_project(text, filename="repave.yaml")
    assert [fleet.rollout.surge.value for fleet in project.fleets.values()] == [25, 25]


def test_bytes_that_are_no_utf8_are_told_by_their_place(tmp_path: Path) -> None:
    """An editor with another encoding is found out."""
    file = tmp_path / "repave.yaml"
    file.write_bytes(b"project: shop\n# caf\xe9\n")
    with pytest.raises(FileError) as caught:
        load_project(file)
    assert str(caught.value) == "repave.yaml:2:6: the byte 0xe9 is no UTF-8\n  hint: save the file as UTF-8"


def test_a_file_that_is_not_there_is_told_with_what_makes_one(tmp_path: Path) -> None:
    """The first command of a newcomer."""
    with pytest.raises(FileError) as caught:
        load_project(tmp_path)
    path = tmp_path / "repave.yaml"
    assert str(caught.value) == (
        f"repave.yaml:1:1: `{path}` cannot be read: no such file or directory\n"
        "  hint: `repave init` writes a starter file"
    )


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    """What editors on other systems add is no mistake of the person."""
    file = tmp_path / "repave.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    assert load_project(file) == parse_project(VALID, filename="repave.yaml")
