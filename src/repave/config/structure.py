"""The file's structure, checked by the grammar; what the grammar says is told in the file's own terms."""

from collections.abc import Mapping
from typing import Annotated, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.grammar.checks import CHECK_BRANCHES
from repave.config.grammar.environments import REFERENCE_VALUE, TEXT_VALUE
from repave.config.grammar.fields import Section
from repave.config.grammar.file import File
from repave.config.grammar.images import IMAGE_BRANCHES
from repave.config.problems import SECRET_KEYS, Unfit, dotted, nearest, one_of, problem, shown, subject

BRANCHES = {**IMAGE_BRANCHES, **CHECK_BRANCHES}
_TAGS = {REFERENCE_VALUE, TEXT_VALUE, *BRANCHES}
_KEY = "[key]"
"""How pydantic marks that an error is about a mapping's key."""


def check_structure(document: Document) -> tuple[File | None, tuple[Problem, ...]]:
    """The file as the grammar reads it, or everything that keeps it from being read."""
    try:
        return File.model_validate(document.data), ()
    except ValidationError as error:
        return None, tuple(_told(document, details) for details in error.errors(include_url=False))


def _told(document: Document, details: ErrorDetails) -> Problem:
    """One of pydantic's errors as one of ours."""
    location = tuple(part for part in details["loc"] if part not in _TAGS)
    if location and location[-1] == _KEY:
        return _wrong_key(document, location[:-1], details)
    match details["type"]:
        case "extra_forbidden":
            return _unknown_key(document, location, _keys_at(details["loc"][:-1]))
        case "missing":
            return _missing_key(document, location, _keys_at(details["loc"][:-1]))
        case "value_error":
            unfit = details["ctx"]["error"]
            if not isinstance(unfit, Unfit):
                raise unfit
            return _wrong_value(document, location, details["input"], unfit)
        case kind:
            expected = _EXPECTED.get(kind, details["msg"].lower())
            hint = "leave the key out instead of leaving it empty" if details["input"] is None else ""
            return _wrong_value(document, location, details["input"], Unfit(expected, hint=hint))


_EXPECTED = {
    "bool_type": "`true` or `false`",
    "list_type": "a list such as `[a, b]`",
    "dict_type": "a mapping, such as `name: ...` on lines of its own",
    "model_type": "a mapping, such as `key: ...` on lines of its own",
    "too_short": "at least one entry",
}
"""By pydantic's name of an error (https://docs.pydantic.dev/latest/errors/validation_errors/)."""


def _unknown_key(document: Document, path: Path, keys: Mapping[str, str]) -> Problem:
    key = str(path[-1])
    known = tuple(keys)
    return problem(
        document,
        document.at_key(path),
        f"unknown key `{key}`" + _inside(path[:-1]),
        Unfit(one_of(known), nearest=nearest(key, known)),
    )


def _missing_key(document: Document, path: Path, keys: Mapping[str, str]) -> Problem:
    key = str(path[-1])
    described = keys.get(key, "")
    holder = f"`{dotted(path[:-1])}`" if len(path) > 1 else "the file"
    return problem(
        document,
        document.at_key(path[:-1]),
        f"{holder} lacks the key `{key}`",
        Unfit(f"`{key}: ...`, {described[:1].lower()}{described[1:].rstrip('.')}"),
    )


def _wrong_key(document: Document, path: Path, details: ErrorDetails) -> Problem:
    unfit = details.get("ctx", {}).get("error")
    if not isinstance(unfit, Unfit):
        unfit = Unfit("a name")
    return problem(document, document.at_key(path), f"the name `{path[-1]}` cannot be used{_inside(path[:-1])}", unfit)


def _wrong_value(document: Document, path: Path, value: object, unfit: Unfit) -> Problem:
    said = "a text" if path and path[-1] in SECRET_KEYS and isinstance(value, str) and value else shown(value)
    return problem(document, document.at_value(path), f"{subject(path)} is {said}", unfit)


def _inside(path: Path) -> str:
    return f" in `{dotted(path)}`" if path else ""


def _keys_at(place: Path) -> Mapping[str, str]:
    """The keys that the mapping at a place may have, with their descriptions, in the grammar's order.

    ``place`` is pydantic's own, with the tags of the branches it took.
    """
    kind: object = File
    for part in place:
        if part in _TAGS:
            kind = BRANCHES.get(str(part)) or kind
            continue
        section = _section_in(kind)
        if section is not None:
            field = section.model_fields.get(str(part))
            kind = field.annotation if field else None
        else:
            kind = (get_args(kind) or (None,))[-1]
    section = _section_in(kind)
    return {name: field.description or "" for name, field in section.model_fields.items()} if section else {}


def _section_in(kind: object) -> type[BaseModel] | None:
    """The section that an annotation is, or holds as one branch; none for lists, mappings and values."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return kind
    if get_origin(kind) in {dict, list} or not get_args(kind):
        return None
    branches = get_args(kind)[:1] if get_origin(kind) is Annotated else get_args(kind)
    return next((found for branch in branches if (found := _section_in(branch))), None)
