"""``scripts/demo``: tell the story, count, and write the report."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from demo import bank, report
from demo.casts import BOOTSTRAPPED, CONTAINERS, MACHINES, Cast
from demo.interruption import ends_in_order
from demo.shop import Shop
from demo.story import Story
from demo.timeline import Act, Span, counted, latency, seconds
from demo.visitors import Answer, Visitors

ROOT = Path(__file__).resolve().parent.parent

SHOWN_FAILURES = 5
"""Of each act; all are in answers.csv."""


def arguments(said: Sequence[str] | None = None) -> argparse.Namespace:
    """What the user asked for; of this process's own arguments where nothing is ``said``."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="A vulnerable fleet is repaved under load, a broken release is rolled back, the dead are healed.",
    )
    played = parser.add_mutually_exclusive_group()
    played.add_argument("--vm", action="store_true", help="play it with virtual machines")
    played.add_argument("--bank", action="store_true", help="instead: one release, and its repairs, through six gates")
    parser.add_argument(
        "--bootstrap", action="store_true", help="with --vm: machines that install themselves at their first start"
    )
    parser.add_argument(
        "--folder", type=Path, help="where it works (default: .demo; else .demo-vm, .demo-bootstrap or .demo-bank)"
    )
    parser.add_argument("--rate", type=int, help="requests per second (default: 500; of virtual machines 5)")
    parser.add_argument("--requests", type=int, help="at least so many (default: 20000; of virtual machines 1000)")
    parser.add_argument("--cold", action="store_true", help="forget what earlier runs downloaded and baked")
    parser.add_argument(
        "--keep", action="store_true", help="leave the fleet running at the end, unless the story broke off"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    asked = parser.parse_args(said)
    if asked.bootstrap and not asked.vm:
        parser.error("--bootstrap is for virtual machines: add --vm")
    if asked.bank and (asked.rate or asked.requests):
        parser.error("--bank has no visitors: leave --rate and --requests out")
    return asked


def cast_of(asked: argparse.Namespace) -> Cast:
    """Who plays."""
    if asked.vm:
        return BOOTSTRAPPED if asked.bootstrap else MACHINES
    return CONTAINERS


def main() -> int:
    """Tell the story; 0 only when not one request failed."""
    ends_in_order()
    asked = arguments()
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    if asked.bank:
        return travel(asked, tell, began)
    cast = cast_of(asked)
    requests: int = asked.requests or cast.requests
    folder: Path = (asked.folder or ROOT / cast.folder).resolve()
    shop = Shop(example=ROOT / "examples" / "shop", folder=folder / "shop", cast=cast, cold=asked.cold)
    story = Story(cast=cast, shop=shop, tell=tell)
    keep = False
    # The page is drawn while the fleet ends.
    with ThreadPoolExecutor(1) as beside:
        try:
            visitors = Visitors(rate=asked.rate or cast.rate, folder=folder)
            with visitors:
                story.begin()
                visitors.ask(story.endpoint)
                story.perform(visitors, requests=requests)
            counting = beside.submit(summary, folder, story, visitors, story.served())
            keep = asked.keep
        finally:
            if not keep:
                shop.destroy()
        figures = counting.result()
    figures["seconds"] = round(time.monotonic() - began, 1)
    (folder / "report.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if asked.json:
        print(json.dumps(figures))
    else:
        print(in_words(figures, folder))
    return 0 if figures["failed"] == 0 and figures["requests"] >= requests else 1


def travel(asked: argparse.Namespace, tell: Callable[[str], None], began: float) -> int:
    """The bank's story, from ``began`` on; 0 when it came to its end."""
    folder: Path = (asked.folder or ROOT / bank.FOLDER).resolve()
    copy = bank.Bank(example=ROOT / "examples" / "bank", folder=folder / "bank", cold=asked.cold)
    keep = False
    try:
        figures = bank.Travel(copy, tell).perform()
        keep = asked.keep
    finally:
        if not keep:
            copy.destroy()
    figures["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(figures) if asked.json else bank.in_words(figures))
    return 0


def summary(folder: Path, story: Story, visitors: Visitors, served: list[Span]) -> dict[str, Any]:
    """Count, and write the page."""
    answers = visitors.answers()
    acts = [counted(act, answers) for act in story.acts]
    failed = sum(answer.failed for answer in answers)
    timeline = seconds(answers, served, begins=acts[0].begins, ends=acts[-1].ends)
    figures: dict[str, Any] = {
        "requests": len(answers),
        "failed": failed,
        "cves_closed": list(story.cves),
        "openssl": story.versions,
        "milliseconds_99": round(latency(answers)[1], 1),
        "acts": [
            {
                "title": act.title,
                "seconds": round(act.seconds, 1),
                "requests": act.asked,
                "failed": act.failed,
                "failures": [in_full(answer, act) for answer in act.failures[:SHOWN_FAILURES]],
                "told": act.told,
            }
            for act in acts
        ],
        "report": str(folder / "report.html"),
    }
    report.write(folder / "report.html", page_facts(figures, acts, story), timeline, acts)
    return figures


def in_full(answer: Answer, act: Act) -> str:
    """A failed request: when in its act, how long it took, and what was heard."""
    heard = answer.failure or f"status {answer.status}"
    return f"{answer.at - act.begins:.1f} s into it, after {answer.milliseconds:.0f} ms: {heard}"


def page_facts(figures: dict[str, Any], acts: list[Act], story: Story) -> dict[str, Any]:
    """What the page says in words and numbers."""
    patch = next(act for act in acts if act.name == "patch")
    failed = figures["failed"]
    return {
        "headline": f"{figures['requests']:,} requests, {failed} failed",
        "lead": story.cast.lead,
        "figures": [
            {"name": "requests asked", "value": f"{figures['requests']:,}", "tone": ""},
            {"name": "requests failed", "value": str(failed), "tone": "good" if failed == 0 else "bad"},
            {"name": "CVEs closed", "value": str(len(story.cves)), "tone": "good"},
            {"name": "from fix to last instance clean", "value": f"{patch.seconds:.0f} s", "tone": ""},
            {"name": "99 of 100 answers within", "value": report.duration(figures["milliseconds_99"]), "tone": ""},
        ],
        "failed": failed,
        "size": story.cast.size,
        "releases": {release: f" ({openssl})" for release, openssl in story.versions.items()},
        "cves": list(story.cves),
    }


def in_words(figures: dict[str, Any], folder: Path) -> str:
    """The end of the story, for a terminal."""
    acts = [
        "\n".join(
            (
                f"{act['title']:42} {act['seconds']:8.1f} {act['requests']:9,} {act['failed']:7}",
                *(f"  failed {failure}" for failure in act["failures"]),
            )
        )
        for act in figures["acts"]
    ]
    total = (
        f"requests {figures['requests']:,}, failed {figures['failed']}, "
        f"CVEs closed {len(figures['cves_closed'])}, {figures['seconds']} s in all"
    )
    heading = f"{'what happened':42} {'seconds':>8} {'requests':>9} {'failed':>7}"
    return "\n".join(["", heading, *acts, "", total, f"report: {folder / 'report.html'}"])


if __name__ == "__main__":
    sys.exit(main())
