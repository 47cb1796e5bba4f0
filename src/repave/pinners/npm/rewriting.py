"""The text of a package-lock, after some of its entries changed: all else stays as npm wrote it."""

import json
import re
from typing import Any

from repave.pinners.npm.packagelock import FOLDER, Entry, PackageLock, parsed

OLD_TABLE = "dependencies"
"""In version 2 of the format all stands there a second time, for npm 6."""


def rewritten(before: PackageLock, after: PackageLock) -> bytes:
    """The file as npm would write it: the same indentation, the same order."""
    text = before.content.decode()
    data = parsed(before.content, before.file)
    for path in before.entries:
        entry = after.entries.get(path)
        if entry == before.entries[path]:
            continue
        if entry is None:
            del data["packages"][path]
        else:
            data["packages"][path] = entry.table
        if OLD_TABLE in data:
            _rewrite_old(data, path, entry)
    written = json.dumps(data, indent=_indentation(text), ensure_ascii=False)
    ending = text[len(text.rstrip()) :]
    return (written.replace("\n", "\r\n" if "\r\n" in text else "\n") + ending).encode()


def _rewrite_old(data: dict[str, Any], path: str, entry: Entry | None) -> None:
    *above, name = _names(path)
    table = data
    for one in above:
        table = table.get(OLD_TABLE, {}).get(one, {})
    place = table.get(OLD_TABLE, {})
    if name not in place:
        return
    if entry is None:
        del place[name]
        return
    old = place[name]
    for key in ("version", "resolved", "integrity"):
        if key in old and key in entry.table:
            old[key] = entry.table[key]
    needed = {**entry.table.get("dependencies", {}), **entry.table.get("optionalDependencies", {})}
    old.pop("requires", None)
    if needed:
        old["requires"] = dict(sorted(needed.items()))


def _names(path: str) -> list[str]:
    return [part.strip("/") for part in path.split(f"{FOLDER}/") if part]


def _indentation(text: str) -> str | int:
    found = re.match(r"\{\r?\n([ \t]+)", text)
    return found[1] if found else 2
