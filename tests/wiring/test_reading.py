"""The project's file, read once per text: what is kept never changes an answer."""

import json
from pathlib import Path

import pytest

from repave.config.errors import FileError
from repave.config.project import parse_project
from repave.wiring.reading import project_in

ROOT = Path(__file__).parents[2]
EXAMPLES = (ROOT / "tests" / "config" / "valid.yaml", ROOT / "examples" / "shop" / "repave.yaml")
SMALL = """
project: shop
images:
  web: {kind: container, base: {distribution: debian, release: bookworm}, run: [sleep, "1"]}
"""

CLOCKS = (
    SMALL
    + """
fleets:
  web:
    image: web
    port: 8080
    scale: {schedule: [{cron: "0 8 * * Mon-Fri", size: 4, time_zone: Europe/Prague}]}
environments:
  test:
    provider: local
    fleets: {web: {size: 2..6}}
    gates: {window: "Mon-Fri 09:00-16:00 Europe/Prague", freeze: [2026-12-20..2027-01-03]}
"""
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A project."""
    path = tmp_path / "repave.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_what_is_kept_is_what_was_read(example: Path, tmp_path: Path) -> None:
    """Every key of the file comes back as it was."""
    read = parse_project(example.read_text(encoding="utf-8"), filename=example.name)
    kept = tmp_path / "cache" / "project.json"
    assert project_in(example, kept) == read
    assert kept.is_file()
    assert project_in(example, kept) == read


def test_clocks_and_days_are_kept(file: Path, tmp_path: Path) -> None:
    """Times of day belong to a time zone, which is kept by its name."""
    file.write_text(CLOCKS, encoding="utf-8")
    kept = tmp_path / "project.json"
    assert project_in(file, kept) == project_in(file, kept) == parse_project(CLOCKS, filename=file.name)


def test_what_is_kept_is_used(file: Path, tmp_path: Path) -> None:
    """Or it would save nothing."""
    kept = tmp_path / "project.json"
    project_in(file, kept)
    document = json.loads(kept.read_bytes())
    kept.write_text(json.dumps({**document, "project": document["project"].replace("shop", "kept")}), encoding="utf-8")
    assert project_in(file, kept).name == "kept"


def test_a_changed_text_is_read_anew(file: Path, tmp_path: Path) -> None:
    """Also when it is as long as before."""
    kept = tmp_path / "project.json"
    assert project_in(file, kept).name == "shop"
    file.write_text(SMALL.replace("shop", "mall"), encoding="utf-8")
    assert project_in(file, kept).name == "mall"


def test_a_text_that_became_wrong_is_told_as_ever(file: Path, tmp_path: Path) -> None:
    """What was right before does not hide it."""
    kept = tmp_path / "project.json"
    project_in(file, kept)
    file.write_text(SMALL.replace("kind:", "sort:"), encoding="utf-8")
    with pytest.raises(FileError, match="unknown key `sort`"):
        project_in(file, kept)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"origin": 1, "project": "{}"}'])
def test_what_is_not_whole_is_made_anew(file: Path, tmp_path: Path, content: str) -> None:
    """As after a full disk."""
    kept = tmp_path / "project.json"
    kept.write_text(content, encoding="utf-8")
    assert project_in(file, kept).name == "shop"
    assert json.loads(kept.read_bytes())["project"]


def test_what_lost_a_part_is_made_anew(file: Path, tmp_path: Path) -> None:
    """As after a change by hand."""
    kept = tmp_path / "project.json"
    project_in(file, kept)
    document = json.loads(kept.read_bytes())
    kept.write_text(json.dumps({**document, "project": '{"name": "shop"}'}), encoding="utf-8")
    assert project_in(file, kept).images


def test_where_nothing_can_be_kept_the_file_is_read_all_the_same(file: Path, tmp_path: Path) -> None:
    """As in a folder that is only read."""
    (tmp_path / "cache").touch()
    assert project_in(file, tmp_path / "cache" / "project.json").name == "shop"


def test_a_project_without_state_gets_none_by_being_read(file: Path) -> None:
    """As when somebody only looks at a plan."""
    state = file.parent / ".repave"
    assert project_in(file, state / "cache" / "project.json").name == "shop"
    assert not state.exists()
