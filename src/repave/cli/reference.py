"""The reference of the command line, made of its own help.

``python -m repave.cli.reference > docs/reference/commands.md`` writes it.
"""

import os
import sys
from contextlib import redirect_stdout
from io import StringIO

from repave.cli.application import run
from repave.cli.codes import MEANINGS
from repave.cli.verbs import VERBS

WIDTH = 100

HEAD = """# Commands

Made by `python -m repave.cli.reference > docs/reference/commands.md` from what the commands say of themselves; a test
compares them.

## What holds for every command

- Data goes to standard output, talk and progress to standard error. Progress is a bar on a terminal and plain lines
  elsewhere.
- `--json` prints exactly one JSON document on standard output and no talk. Field names are stable. A failure is a
  document too: `{"error": {"code": "...", "message": "...", "hint": "..."}}`.
- The project is the nearest `repave.yaml` from the current folder upwards, or the one that `--file` names.
- Failures read `error: ...`, with what to do next as `hint: ...` on a line of its own. `REPAVE_DEBUG=1` adds the trace
  of a defect, which is otherwise kept in a file.
- `NO_COLOR` switches colours off. `repave --install-completion` installs completion for bash, zsh, fish or PowerShell.
- Releases are written `r17`.

## Exit codes

| code | meaning |
|---|---|
"""


def document() -> str:
    """The whole page."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in MEANINGS.items())
    verbs = "".join(f"\n## repave {verb}\n\n```text\n{help_of(verb)}\n```\n" for verb in VERBS)
    return f"{HEAD}{codes}\n## repave\n\n```text\n{help_of()}\n```\n{verbs}"


def help_of(*arguments: str) -> str:
    """What a command says with ``--help``."""
    with redirect_stdout(StringIO()) as shown:
        run([*arguments, "--help"])
    return "\n".join(line.rstrip() for line in shown.getvalue().strip().splitlines())


if __name__ == "__main__":
    os.environ |= {"COLUMNS": str(WIDTH), "NO_COLOR": "1"}
    sys.stdout.write(document())
