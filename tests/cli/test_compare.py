"""``repave compare`` before anything is baked: what it cannot compare is refused by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Repave = Callable[..., Any]

FILE = """
project: shop
images:
  web: {kind: vm, base: {distribution: debian, release: bookworm}, run: serve}
  spare: {kind: vm, base: {distribution: debian, release: bookworm}, run: serve}
  pages: {kind: container, base: {distribution: debian, release: bookworm}, run: serve}
fleets: {web: {image: web, port: 8080}, pages: {image: pages, port: 8080}}
environments:
  test: {provider: local, fleets: {pages: {size: 1}}}
  prod: {provider: local, fleets: {web: {size: 1}}}
"""


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("wbe",), "`wbe` is no image of kind `vm`", "did you mean `web`?"),
        (("pages",), "`pages` is no image of kind `vm`", "images of kind `vm` are: web, spare"),
        (("spare",), "no fleet has the image `spare`: its port and health check are a fleet's", "add one to `fleets`"),
        (("web", "--environment", "test"), "no fleet of test has the image `web`", "or name another --environment"),
        (("web", "--environment", "prdo"), "`prdo`", "prod"),
        (("web", "--picture", "missing/x.svg"), "cannot write missing/x.svg: its folder", "a folder you may write"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    repave: Repave, tmp_path: Path, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    """Before anything is baked or started, with what to do."""
    (tmp_path / "repave.yaml").write_text(FILE, encoding="utf-8")
    told = repave("compare", *arguments, "--file", str(tmp_path / "repave.yaml"))
    assert told.code != 0
    assert message in told.err
    assert hint in told.err
