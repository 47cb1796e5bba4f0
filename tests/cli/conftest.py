"""A folder to run the command line in, and a way to run it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from kept_store import lay_empty

from repave.cli.application import run

FILE = """project: shop
images:
  web:
    kind: container
    base: {distribution: debian, release: bookworm}
    packages: [python3]
    files: {app/: /srv/app/}
    run: python3 app.py
fleets:
  web: {image: web, port: 8080}
environments:
  test: {provider: local, fleets: {web: {size: 2}}}
pipeline: [test]
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """One run of the command line."""

    code: int
    out: str
    err: str


Repave = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: an application with its repave.yaml, and a store in which nothing is yet."""
    (tmp_path / ".repave").mkdir(mode=0o700)
    lay_empty(tmp_path / ".repave" / "store.db")
    (tmp_path / "repave.yaml").write_text(FILE, encoding="utf-8")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("print('hello')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def repave(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Repave:
    """Run a verb in the folder, in this process."""
    del folder
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")

    def ended(*arguments: str) -> Ended:
        code = run(arguments)
        said = capsys.readouterr()
        return Ended(code=code, out=said.out, err=said.err)

    return ended
