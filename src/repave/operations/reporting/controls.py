"""Which controls of known standards the report is evidence for, and what of each it does not answer; own words only."""

from dataclasses import dataclass

from repave.operations.reporting.rules import CIS, ISO, PCI


@dataclass(frozen=True, kw_only=True)
class Control:
    """One control, and the part of it that can be read from the report."""

    standard: str
    number: str
    subject: str
    """What it is about, in our words."""

    shown: str
    """What the report shows for it, and where."""

    open: str
    """What of it has to be shown elsewhere."""


CONTROLS = (
    Control(
        standard=PCI,
        number="6.3.1",
        subject="learning of flaws and ranking them",
        shown="the sources of advisories with their dates; severities as the sources rate them",
        open="the entity's own ranking of risks",
    ),
    Control(
        standard=PCI,
        number="6.3.2",
        subject="an inventory of the entity's own software, made by it or for it, and of the third-party parts in it",
        shown="of the parts: every artifact that ran, by digest; `repave sbom DIGEST` lists the packages in it",
        open="which software is the entity's own; parts that are compiled or copied into it; software elsewhere",
    ),
    Control(
        standard=PCI,
        number="6.3.3",
        subject="critical patches within a month of their release",
        shown="the rule on critical repairs, and each critical flaw with its times",
        open="which flaws the entity ranks as critical; times for all others; systems that repave does not keep",
    ),
    Control(
        standard=PCI,
        number="6.5.1",
        subject="changes of production under a procedure",
        shown="the count of orders on record; each with who gave it in the record",
        open="the description of impact, and tests before the change",
    ),
    Control(
        standard=PCI,
        number="11.3.1",
        subject="internal scans for flaws every three months",
        shown="the rule on examinations: packages of what ran, by artifact",
        open="scans over the network, rescans by whom the standard admits, and external scans (11.3.2)",
    ),
    Control(
        standard=PCI,
        number="12.5.1",
        subject="an inventory of systems in scope",
        shown="every server that was observed, with those that no record explains first",
        open="what each is for, and systems that repave does not keep",
    ),
    Control(
        standard=CIS,
        number="1.1",
        subject="an inventory of assets",
        shown="the table of servers, from what was observed",
        open="assets that repave does not keep",
    ),
    Control(
        standard=CIS,
        number="2.1",
        subject="an inventory of software",
        shown="every artifact that ran, by digest; `repave sbom DIGEST` lists what is in it",
        open="licences, and software elsewhere",
    ),
    Control(
        standard=CIS,
        number="4.1",
        subject="a process for secure configuration",
        shown="servers are made from one artifact and end with it, so that no change by hand outlives them",
        open="whether the configuration itself is secure; changes within a running server, which are not looked at",
    ),
    Control(
        standard=CIS,
        number="7.2",
        subject="a process and times for remediation",
        shown="the project's own deadlines, and how they were kept",
        open="the process as a document",
    ),
    Control(
        standard=CIS,
        number="7.3",
        subject="automated patches of operating systems, monthly or more often",
        shown="releases that ran, and how long each flaw ran before it was gone",
        open="systems that repave does not keep",
    ),
    Control(
        standard=CIS,
        number="7.4",
        subject="automated patches of applications, monthly or more often",
        shown="the same: an artifact holds the application and its system",
        open="applications elsewhere",
    ),
    Control(
        standard=CIS,
        number="7.5",
        subject="automated internal scans, quarterly or more often",
        shown="the rule on examinations",
        open="scans over the network",
    ),
    Control(
        standard=CIS,
        number="7.7",
        subject="remediation of what was found, monthly or more often",
        shown="each grave flaw, from its publication to the last server without it",
        open="flaws that no source of advisories knows",
    ),
    Control(
        standard=ISO,
        number="A.5.9",
        subject="an inventory of assets and who owns them",
        shown="the table of servers",
        open="owners",
    ),
    Control(
        standard=ISO,
        number="A.8.8",
        subject="technical vulnerabilities",
        shown="sources, exposure by flaw, deadlines, exceptions",
        open="flaws of configuration and of the entity's own code",
    ),
    Control(
        standard=ISO,
        number="A.8.9",
        subject="configuration under management",
        shown="the release and the digest of what each server ran",
        open="the content of the configuration",
    ),
    Control(
        standard=ISO,
        number="A.8.15",
        subject="logs that are kept and protected",
        shown="the record: chained by hashes, its head signed where a key is declared",
        open="logs of the applications and systems themselves",
    ),
    Control(
        standard=ISO,
        number="A.8.32",
        subject="changes under management",
        shown="releases, gates and orders on record",
        open="how changes are assessed beforehand",
    ),
)
"""By standard, then by number."""
