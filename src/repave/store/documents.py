"""Frozen values as JSON text and back, driven by their own annotations.

pydantic could do it, at 90 ms to import and 35 ms for each root type: a quarter of what `repave status` may take in
all. The model's values need little: dataclasses, tuples, mappings, enums, moments, time zones by their names, and
unions told apart by ``kind``. A field that old text lacks takes its default; a field that the model no longer has is
passed over.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, tzinfo
from enum import Enum
from functools import cache
from types import UnionType
from typing import Literal, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

Value = TypeVar("Value")
Reader = Callable[[object], object]
SIMPLE = frozenset({str, int, float, bool})
"""What JSON knows itself."""


def encode(value: object) -> str:
    """Compact JSON, keys in the order of the fields."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def decode(kind: type[Value], text: str) -> Value:
    """The value that ``encode`` was given. Raises ValueError, TypeError or KeyError for text it cannot have written."""
    return cast("Value", _reader(cast("Hashable", kind))(json.loads(text)))


def _plain(value: object) -> object:
    if value is None or type(value) in SIMPLE:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | tzinfo):
        return value.isoformat() if isinstance(value, datetime) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _names(cast("Hashable", type(value)))}
    raise TypeError(f"a document cannot hold {type(value).__name__}")


@cache
def _names(kind: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast("type", kind)))


@cache
def _reader(hint: object) -> Reader:
    if isinstance(hint, NewType):
        return _reader(hint.__supertype__)
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return _union(get_args(hint))
    if origin is Literal:
        return _itself
    if origin is tuple:
        return _tuple(get_args(hint))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(get_args(hint))
    if isinstance(hint, type):
        return _class(hint)
    raise TypeError(f"no document can hold {hint}")


def _class(kind: type) -> Reader:
    if is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        return cast("Reader", kind)
    if kind is datetime:
        return lambda value: datetime.fromisoformat(cast("str", value))
    if kind is tzinfo:
        return lambda value: ZoneInfo(cast("str", value))
    if kind is float:
        return lambda value: float(cast("float", value))
    return _itself


def _itself(value: object) -> object:
    return value


def _tuple(arguments: tuple[object, ...]) -> Reader:
    if arguments[-1] is Ellipsis:
        item = _reader(arguments[0])
        return lambda value: tuple(item(each) for each in cast("list[object]", value))
    items = tuple(_reader(argument) for argument in arguments)
    return lambda value: tuple(item(each) for item, each in zip(items, cast("list[object]", value), strict=True))


def _mapping(arguments: tuple[object, ...]) -> Reader:
    key, item = (_reader(argument) for argument in arguments)
    return lambda value: {key(name): item(each) for name, each in cast("dict[str, object]", value).items()}


def _union(arguments: tuple[object, ...]) -> Reader:
    """None or a text, or else the one alternative; several dataclasses are told apart by their ``kind``'s default."""
    alternatives = tuple(argument for argument in arguments if argument is not type(None))
    if len(alternatives) == 1:
        only = _reader(alternatives[0])
        return lambda value: None if value is None else only(value)
    if str in alternatives:
        other = _union(tuple(argument for argument in arguments if argument is not str))
        return lambda value: value if isinstance(value, str) else other(value)
    readers = {_kind(alternative): _reader(alternative) for alternative in alternatives}
    return lambda value: readers[cast("dict[str, str]", value)["kind"]](value)


def _kind(alternative: object) -> object:
    for field in fields(cast("type", alternative)):
        if field.name == "kind":
            return field.default
    raise TypeError(f"{alternative} has no kind to be told by")


def _dataclass(kind: type) -> Reader:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    required = frozenset(
        field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING
    )

    def read(value: object) -> object:
        document = cast("dict[str, object]", value)
        if missing := required - document.keys():
            raise ValueError(f"a {kind.__name__} without {', '.join(sorted(missing))}")
        return kind(**{name: reader(document[name]) for name, reader in readers.items() if name in document})

    return read
