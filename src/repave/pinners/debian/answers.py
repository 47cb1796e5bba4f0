"""What apt has resolved, kept under the digest of all that the answer follows from.

Nothing hangs on it: what is not there, not whole, or to another question is asked of apt.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from threading import get_ident

MOST = 64
"""Answers kept for one choice of suites, the newest: a few for each image, of a few kilobytes each."""


class Answers:
    """The answers in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, question: str) -> str | None:
        """What was answered to the question with this digest."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads((self._folder / question).read_bytes())
            if kept["question"] == question and isinstance(kept["answer"], str):
                answer: str = kept["answer"]
                return answer
        return None

    def keep(self, question: str, answer: str) -> None:
        """In one piece, or not at all where there is no place for it."""
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            fresh = self._folder / f".{question}.{os.getpid()}.{get_ident()}"
            fresh.write_text(json.dumps({"question": question, "answer": answer}), encoding="utf-8")
            fresh.replace(self._folder / question)
            for old in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-MOST]:
                old.unlink(missing_ok=True)
