"""The reference of the file is made of the schema."""

from pathlib import Path

from repave.config.reference import reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "file.md"


def test_the_page_says_what_the_schema_says() -> None:
    """Write it again with `python -c "from repave.config.reference import reference; print(reference(), end='')"`."""
    assert PAGE.read_text(encoding="utf-8") == reference()
