"""The text of a file that a person wrote or reviews."""

from pathlib import Path

from repave.config.errors import FileError, Problem


def read_text(file: Path, *, largest_bytes: int, hint: str) -> str:
    """The text of ``file``. Raises FileError; ``hint`` is what to do when there is no such file."""

    def wrong(found: str, *, line: int = 1, column: int = 1, hint: str = "") -> FileError:
        return FileError([Problem(file=file.name, line=line, column=column, found=found, hint=hint)])

    try:
        with file.open("rb") as opened:
            content = opened.read(largest_bytes + 1)
    except OSError as error:
        raise wrong(f"`{file}` cannot be read: {(error.strerror or str(error)).lower()}", hint=hint) from error
    if len(content) > largest_bytes:
        raise wrong(f"the file is larger than {largest_bytes} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        found = f"the byte 0x{content[error.start]:02x} is no UTF-8"
        raise wrong(found, line=line, column=column, hint="save the file as UTF-8") from error
