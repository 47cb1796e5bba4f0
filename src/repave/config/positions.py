"""YAML text to plain data, with the line and column of every key and value.

YAML 1.2 by ruamel.yaml's composer, so `no` and `on` are words, not booleans. Nothing is ever constructed from a tag.
Aliases are followed; what they unfold to is bounded.
"""

from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from repave.config.document import Document, Path, Position
from repave.config.errors import FileError, Problem

LARGEST_TEXT = 1024 * 1024
"""Characters. The largest file we know of has 20 thousand; a megabyte already takes seconds to read."""

MOST_VALUES = 20_000
"""After aliases are unfolded: ten lines of nested aliases can stand for a billion values."""

DEEPEST = 40
"""Levels of nesting; the format itself needs 7."""

_TAG = "tag:yaml.org,2002:"


def read_document(text: str, *, filename: str) -> Document:
    """Read ``text``; FileError when it is no YAML mapping, or too large."""
    if len(text) > LARGEST_TEXT:
        raise _alone(filename, (1, 1), f"the file has {len(text)} characters", f"at most {LARGEST_TEXT}")
    node = _compose(text, filename)
    if node is None or (isinstance(node, ScalarNode) and not node.value):
        raise _alone(filename, (1, 1), "the file is empty", "a mapping with `project` and `images`", hint=_START)
    if not isinstance(node, MappingNode):
        raise _alone(filename, _start(node), "the file is no mapping", "keys such as `project:` and `images:`")
    builder = _Builder(filename=filename)
    data = builder.value(node, ())
    return Document(
        filename=filename, data=data, keys=builder.keys, values=builder.values, problems=tuple(builder.problems)
    )


_START = "`repave init` writes a starter file for the application in this folder"
_UNQUOTED = "put the value in quotes if the character belongs to it"


def _compose(text: str, filename: str) -> Node | None:
    """The tree of nodes, each with its place; None for a file without content."""
    try:
        # compose() is untyped in ruamel.yaml; the check below is its type
        node: object = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        unclosed = (
            error.context_mark
            if "end of stream" in str(error.problem) or "<stream end>" in str(error.problem)
            else None
        )
        if unclosed is not None:
            place = (unclosed.line + 1, unclosed.column + 1)
            raise _alone(filename, place, "this is opened and never closed", "its bracket or quote") from error
        raise _syntax_error(filename, position, str(error.problem or error.context or error)) from error
    except ReaderError as error:
        before = text[: error.position]
        position = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        found = f"a control character (U+{ord(text[error.position]):04X}) that YAML does not allow"
        raise _alone(filename, position, found, "text") from error
    except RecursionError as error:
        raise _alone(filename, (1, 1), "values are nested hundreds of levels deep", f"at most {DEEPEST}") from error
    return node if isinstance(node, Node) else None


def _syntax_error(filename: str, position: Position, problem: str) -> FileError:
    """YAML's own words for what is wrong, and ours where a person needs more."""
    if "'\\t'" in problem:
        return _alone(filename, position, "a tab where YAML counts spaces", "spaces", hint="indent with two spaces")
    if "special characters" in problem or "cannot start any token" in problem:
        return _alone(filename, position, f"this is no YAML: {problem}", hint=_UNQUOTED)
    if problem.startswith("mapping values are not allowed"):
        hint = "is the line before it complete, the indentation the same, and a value that holds `: ` in quotes?"
        return _alone(filename, position, "this is no YAML: a `key: value` cannot stand here", hint=hint)
    return _alone(filename, position, f"this is no YAML: {problem}")


def _alone(filename: str, position: Position, found: str, expected: str = "", *, hint: str = "") -> FileError:
    line, column = position
    return FileError([Problem(file=filename, line=line, column=column, found=found, expected=expected, hint=hint)])


def _start(node: Node) -> Position:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _keeps_text(path: Path) -> bool:
    """Whether a value is wanted as it is written: the environment variables of ``environments.*.config``.

    ``VERSION: 1.10`` and ``DEBUG: true`` mean the texts ``1.10`` and ``true``, as a process receives them.
    """
    match path:
        case ("environments", str(), "config", str()):
            return True
        case _:
            return False


@dataclass(kw_only=True)
class _Builder:
    """Turns nodes into data, and keeps where each came from."""

    filename: str
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0

    def value(self, node: Node, path: Path) -> object:
        """The plain value of ``node``, which stands at ``path``."""
        self.count += 1
        if self.count > MOST_VALUES:
            raise _alone(self.filename, _start(node), "the aliases unfold without end", f"at most {MOST_VALUES} values")
        if len(path) > DEEPEST:
            raise _alone(self.filename, _start(node), "values are nested too deeply", f"at most {DEEPEST} levels")
        left_empty = isinstance(node, ScalarNode) and not node.value and not node.style
        self.values[path] = self.keys.get(path, _start(node)) if left_empty else _start(node)
        kind = str(node.tag).removeprefix(_TAG)
        if kind not in _KINDS:
            self._note(node, f"the tag `{str(node.tag).replace(_TAG, '!!')}` has no meaning here", "a plain value")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            if key in data:
                line, _ = self.keys[(*path, key)]
                self._note(key_node, f"the key `{key}` stands here again", f"it once; the first is in line {line}")
                continue
            self.keys[(*path, key)] = _start(key_node)
            data[key] = self.value(value_node, (*path, key))
        return data

    def _key(self, node: Node) -> str | None:
        """The key as text; None, and a problem noted, for what cannot be one."""
        if isinstance(node, ScalarNode) and node.tag == f"{_TAG}str":
            return str(node.value)
        if isinstance(node, ScalarNode) and node.tag == f"{_TAG}merge":
            self._note(node, "the merge key `<<` is not part of YAML 1.2", "the keys themselves")
        elif isinstance(node, ScalarNode) and node.value:
            self._note(node, f"the key `{node.value}` is not text", "a name", hint=f'write "{node.value}" in quotes')
        else:
            self._note(node, "this key is not text", "a name")
        return None

    def _scalar(self, node: Node, path: Path) -> object:
        text = str(node.value)
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "null" or (_keeps_text(path) and kind != "str"):
            return None if kind == "null" else text
        try:
            return _CONSTRUCT[kind](text) if kind in _CONSTRUCT else text
        except ValueError:
            return text

    def _note(self, node: Node, found: str, expected: str, *, hint: str = "") -> None:
        line, column = _start(node)
        self.problems.append(
            Problem(file=self.filename, line=line, column=column, found=found, expected=expected, hint=hint)
        )


def _boolean(text: str) -> bool:
    """What the resolver tagged so: `true` and `false`; the other words only where a file declares ``%YAML 1.1``."""
    return text.lower() in {"true", "yes", "on"}


def _integer(text: str) -> int:
    """Decimal, ``0o17`` or ``0x1f``; leading zeros are decimal, as YAML 1.2 says."""
    digits = text.replace("_", "")
    prefix = digits.lstrip("+-")[:2].lower()
    return int(digits, 0) if prefix in {"0x", "0o", "0b"} else int(digits)


def _decimal(text: str) -> float:
    return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))


_KINDS = frozenset({"map", "seq", "str", "null", "bool", "int", "float", "timestamp"})
_CONSTRUCT = {"bool": _boolean, "int": _integer, "float": _decimal}
