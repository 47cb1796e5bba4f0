"""The installed command, as a person or a script calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def repave(folder: Path, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - whatever the document holds
    """One verb of the installed command, with --json; answers its document."""
    return json.loads(_done(folder, *arguments, "--json", code=code).stdout)


def said(folder: Path, *arguments: str, code: int = 0) -> str:
    """What one verb of the installed command says to a person, beside what it answers."""
    return _done(folder, *arguments, code=code).stderr


def _done(folder: Path, *arguments: str, code: int) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("repave")), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
