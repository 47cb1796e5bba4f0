"""Where something stands in ``repave.yaml``, as people find it."""

from pathlib import Path as FilePath

from repave.config.document import Path
from repave.config.positions import read_document


def place_in(file: FilePath, path: Path) -> str:
    """``repave.yaml:8:14``: where the value of a path from the top starts. Raises FileError."""
    line, column = read_document(file.read_text(encoding="utf-8"), filename=file.name).at_value(path)
    return f"{file.name}:{line}:{column}"
