"""Reasons that people give, and that are kept for good."""

from repave.operations.errors import Refused


def reason_given(text: str) -> str:
    """The reason without the spaces around it. Raises Refused for none, and for bytes that are no text."""
    reason = text.strip()
    if not reason:
        raise Refused("it needs a reason", hint='one such as "tried by hand": who reads it later asks why')
    try:
        reason.encode()
    except UnicodeEncodeError as strange:
        raise Refused("the reason is no text in UTF-8", hint="write it in this terminal's own letters") from strange
    return reason
