"""The verbs, and how one declares its examples. Nothing heavy is imported here: ``repave --help`` reads it all."""

from collections.abc import Callable
from typing import TypeVar

VERBS: dict[str, str] = {
    "init": "Write a commented repave.yaml for the application in this folder.",
    "adopt": "Read a server that was made by hand, and write a recipe that rebuilds it.",
    "schema": "Print the JSON Schema of repave.yaml, for editors.",
    "lock": "Pin every package and file of every image, exactly.",
    "bake": "Make images from the lock, and a release of them.",
    "verify": "Check every byte of what was baked, offline.",
    "keys": "Show the key that signs, and those whose signatures count.",
    "sbom": "List all that an artifact is made of: CycloneDX or SPDX.",
    "push": "Carry artifacts to a registry, with what is signed of them.",
    "pull": "Bring an artifact in from a registry, verified.",
    "export": "Write a virtual machine's disk as a file: raw, qcow2, VHD, VMDK, tar.gz.",
    "plan": "Show what deploying would replace, in which order, and which CVEs it closes.",
    "deploy": "Roll a release out to an environment, and wait until it carries it.",
    "promote": "Let releases into the next environments, as far as gates hold.",
    "approve": "Agree, by your own key, that a release enters an environment.",
    "waive": "Answer for a flaw until a day, by your own key.",
    "status": "Show every fleet: release, health, endpoint.",
    "explain": "Name the one rule that holds each thing that waits.",
    "diff": "Compare environments, releases or the lock.",
    "logs": "Show what an instance printed.",
    "rollback": "Go back to the last release that was healthy here.",
    "patch": "Find what is vulnerable, re-lock, bake, roll out, prove.",
    "watch": "Keep everything fresh: learn, re-lock, bake, roll out, again and again.",
    "revoke": "Say what must not be started any more, and retire it.",
    "scan": "Name the locked packages that have known flaws.",
    "where": "Find where a CVE, package, digest or release is, or was.",
    "simulate": "Play a fleet's life in a simulated world, with faults.",
    "doctor": "Try everything that repave needs on this machine.",
    "pause": "Change nothing in an environment until it is resumed.",
    "resume": "Undo `repave pause`.",
    "protect": "Keep an instance from all that can wait, until a time.",
    "unprotect": "Undo `repave protect`.",
    "replace": "Have one instance replaced by another.",
    "heal": "Let all that looks sick be replaced, past the healing limit.",
    "zone": "Move fleets out of a zone, or let them use it again.",
    "record": "Hand the record to an auditor, or its signing to another key.",
    "report": "Write down for an auditor what ran, and which rules it kept.",
    "vault": "Carry locked files elsewhere, bring them in, read them again.",
    "compare": "Start a machine golden and bootstrapped: times, packages, a picture.",
    "mirror": "Serve the locked files of a release to machines that install themselves.",
    "gc": "Remove what no lock, release or instance needs.",
    "destroy": "Drain and end every instance of an environment.",
}
"""Every verb and its one line, in the order a project meets them."""

Function = TypeVar("Function", bound=Callable[..., int])

EXAMPLES: dict[str, str] = {}
"""By verb, filled when its module is imported: what stands at the end of its help."""


def example(*lines: str) -> Callable[[Function], Function]:
    """Give a verb the examples its help ends with; the function bears the verb's name."""

    def keep(function: Function) -> Function:
        # The form feed is the help formatter's sign for "do not wrap".
        EXAMPLES[function.__name__.rstrip("_")] = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
        return function

    return keep
