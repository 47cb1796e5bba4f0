"""Where something stands in ``package.json`` and ``package-lock.json``, as people find it: ``FILE:LINE:COLUMN``."""

import json
import re

from repave.pinners.npm.needs import Need
from repave.pinners.npm.packagelock import PackageLock, manifest_of, parsed


def of_range(lock: PackageLock, need: Need) -> str:
    """Of a range of the application's own, in the ``package.json`` that has it."""
    file = manifest_of(lock.file, need.by)
    text = lock.manifests[need.by].decode()
    # Tables of dependencies hold texts only: no brace stands between their begin and a name.
    found = re.search(rf"{_key(need.kind)}\s*:\s*\{{[^{{}}]*?(?={_key(need.name)}\s*:)", text)
    return _place(file, text, found.end() if found else 0)


def of_overrides(lock: PackageLock, name: str) -> str:
    """Of the application's ``overrides``, if they speak of the package; else empty."""
    file = manifest_of(lock.file)
    if not _speaks(parsed(lock.manifests[""], file).get("overrides"), name):
        return ""
    text = lock.manifests[""].decode()
    found = re.search(rf"{_key('overrides')}\s*:", text)
    return _place(file, text, found.start() if found else 0)


def of_entry(lock: PackageLock, path: str) -> str:
    """Of the entry of a place."""
    text = lock.content.decode()
    found = re.search(rf"{_key(path)}\s*:", text)
    return _place(lock.file, text, found.start() if found else 0)


def _speaks(overrides: object, name: str) -> bool:
    """By the name alone, by name and version, and within what holds for another package only."""
    tables = overrides if isinstance(overrides, dict) else {}
    return any(key == name or key.startswith(f"{name}@") or _speaks(value, name) for key, value in tables.items())


def _key(name: str) -> str:
    return re.escape(json.dumps(name, ensure_ascii=False))


def _place(file: str, text: str, offset: int) -> str:
    before = text[:offset]
    return f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
