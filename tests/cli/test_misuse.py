"""How the command line answers arguments that cannot be meant: with 2, and the nearest that can."""

from collections.abc import Callable
from typing import Any

import pytest

Repave = Callable[..., Any]


def test_an_unknown_verb_is_answered_with_the_nearest(repave: Repave) -> None:
    """A typing mistake costs one more word, not a search."""
    ended = repave("staus")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "error: `staus` is no verb of repave\nhint: did you mean `repave status`?\n"


def test_wrong_arguments_say_where_to_look(repave: Repave) -> None:
    """Usage errors end with 2."""
    ended = repave("deploy")
    assert ended.code == 2
    assert ended.err == "error: missing argument 'ENVIRONMENT'\nhint: `repave deploy --help` shows how\n"
    assert repave("status", "--colour").code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("simulate", "--days", "abc"), "invalid value for '--days': it should be a valid number"),
        (("gc", "--keep", "0.5"), "invalid value for '--keep': it should be a valid integer"),
        (("gc", "--keep", "-3"), "invalid value for '--keep': it should be greater than or equal to 0"),
    ],
)
def test_a_number_that_is_none_is_told_in_words(repave: Repave, arguments: tuple[str, ...], told: str) -> None:
    """What it should be, without the library's own words for how it tried."""
    ended = repave(*arguments)
    assert ended.code == 2
    assert ended.err == f"error: {told}\nhint: `repave {arguments[0]} --help` shows how\n"


def test_a_word_too_many_is_named(repave: Repave) -> None:
    """Without brackets for a plural that may not be one."""
    ended = repave("status", "test", "prod")
    assert ended.code == 2
    assert ended.err == "error: there is no place for `prod`\nhint: `repave status --help` shows how\n"


def test_a_wrong_choice_is_told_in_words(repave: Repave) -> None:
    """What is wrong and what there is; not the name of the library's own error."""
    ended = repave("sbom", "--format", "xml")
    assert ended.code == 2
    assert ended.err == (
        "error: invalid value for '--format': 'xml' is not one of 'cyclonedx', 'spdx'\n"
        "hint: `repave sbom --help` shows how\n"
    )


def test_an_unknown_environment_is_answered_with_the_nearest(repave: Repave) -> None:
    """Whatever verb it is given to."""
    for verb in ("status", "plan", "deploy", "logs", "rollback", "pause", "destroy", "scan", "explain"):
        ended = repave(verb, "tset")
        assert ended.code == 2, verb
        assert "hint: did you mean `test`?" in ended.err, verb


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("lock", "--upgrade", "--security"), "`repave lock --help`"),
        (("zone", "ou", "test", "a"), "did you mean `repave zone out`?"),
        (("zone", "in", "test"), "`repave zone --help`"),
        (("vault", "exprot", "v.tar"), "did you mean `repave vault export`?"),
        (("record", "exprot", "r.jsonl"), "did you mean `repave record export`?"),
        (("bake", "--verify", "wbe"), "did you mean `web`?"),
        (("pause", "test", "--until", "2026-03-01"), "did you mean `2026-03-01T23:59Z`?"),
        (("explain", "test", "wbe"), "did you mean `web`?"),
    ],
)
def test_what_cannot_be_meant_is_told_so_whatever_is_deployed(
    repave: Repave, arguments: tuple[str, ...], hint: str
) -> None:
    """Ended with 2, as for what the options' own reader refuses."""
    ended = repave(*arguments)
    assert (ended.code, ended.out) == (2, ""), ended.err
    assert hint in ended.err
