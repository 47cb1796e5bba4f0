"""Tars made to do harm."""

import tarfile

from hostile import FEW, NO_LINKS, SMALL, SMALL_ROOT, Hostile
from tar_bytes import FOLDER, HARD, LINK, entry, extended, negative, raw_tar, sized, tar

from repave.archives.rules import TREE

EVERYWHERE = (
    Hostile(name="upwards", content=tar(entry("../outside")), says="points outside", member="../outside"),
    Hostile(
        name="upwards-inside", content=tar(entry("a/../../outside")), says="points outside", member="a/../../outside"
    ),
    Hostile(name="upwards-at-the-end", content=tar(entry("a/..")), says="points outside", member="a/.."),
    Hostile(
        name="upwards-by-extended-name", content=tar(entry("a", pax={"path": "../outside"})), says="points outside"
    ),
    Hostile(
        name="upwards-by-long-name",
        content=tar(entry("x/" * 60 + "../" * 61 + "outside"), form=tarfile.GNU_FORMAT),
        says="points outside",
    ),
    Hostile(
        name="through-a-link",
        content=tar(entry("way", LINK, link="sub"), entry("way/file")),
        says="goes through 'way', which is no folder",
        member="way/file",
    ),
    Hostile(
        name="through-a-link-far-down",
        content=tar(entry("a/way", LINK, link="b"), entry("a/way/b/c/file")),
        says="goes through 'a/way', which is no folder",
    ),
    Hostile(
        name="a-file-onto-a-link",
        content=tar(entry("name", LINK, link="victim"), (entry("name"), b"x")),
        says="stands in it twice",
        member="name",
    ),
    Hostile(
        name="a-folder-becomes-a-link",
        content=tar(entry("way", FOLDER), entry("way", LINK, link="sub"), entry("way/file")),
        says="a folder and something else",
        member="way",
    ),
    Hostile(
        name="a-folder-without-entry-becomes-a-link",
        content=tar(entry("way/first"), entry("./way", LINK, link="sub")),
        says="a folder and something else",
    ),
    Hostile(
        name="the-same-file-twice",
        content=tar((entry("name"), b"good"), (entry("./name"), b"bad")),
        says="stands in it twice",
        member="./name",
    ),
    Hostile(
        name="hard-link-upwards", content=tar(entry("name", HARD, link="../victim")), says="links to a place outside"
    ),
    Hostile(
        name="hard-link-to-nothing",
        content=tar(entry("name", HARD, link="absent")),
        says="hard link to what is missing",
    ),
    Hostile(name="hard-link-to-itself", content=tar(entry("name", HARD, link="name")), says="what is missing"),
    Hostile(
        name="hard-link-to-a-folder",
        content=tar(entry("folder", FOLDER), entry("name", HARD, link="folder")),
        says="hard link to a folder",
    ),
    Hostile(
        name="hard-link-through-a-link",
        content=tar(entry("way", LINK, link="sub"), entry("name", HARD, link="way/victim")),
        says="what is missing",
    ),
    Hostile(
        name="nul-in-the-name",
        content=extended(b"17 path=good\0bad\n") + tar(entry("name")),
        says="NUL",
        member=r"'good\\x00bad'",
    ),
    Hostile(name="no-name", content=tar(entry("./")), says="has no name|name of a folder"),
    Hostile(name="a-file-named-as-a-folder", content=tar((entry("name/"), b"x")), says="name of a folder"),
    Hostile(name="a-component-too-long", content=tar(entry("ä" * 128)), says="name of more than 255 bytes", rules=TREE),
    Hostile(name="more-bytes-than-none", content=negative(tarfile.REGTYPE) + bytes(1024), says="size below nothing"),
    Hostile(name="a-folder-with-content", content=sized(512, kind=FOLDER) + bytes(1536), says="though it is no file"),
    Hostile(name="a-folder-backwards", content=negative(FOLDER) + bytes(1024), says="though it is no file"),
    Hostile(name="an-extension-backwards", content=negative(b"x") + bytes(1024), says="header of -1 bytes"),
    Hostile(name="an-endless-extension", content=extended(b"", size=2**33 - 1), says="header of 8589934591 bytes"),
    Hostile(name="an-endless-name", content=extended(b"", b"L", size=2**33 - 1), says="header of 8589934591 bytes"),
    Hostile(
        name="extensions-without-end",
        content=extended(b"9 comm=x\n") * 100 + tar(entry("name")),
        says="more than 8 headers for one member",
    ),
    Hostile(
        name="an-extension-of-nothing", content=extended(b"9 comm=x\n") + bytes(1024), says="a member should follow"
    ),
    *(
        Hostile(name=f"a-broken-extension-{number}", content=extended(records) + tar(entry("name")), says=says)
        for number, (records, says) in enumerate(
            [
                (b"0 path=x\n", "damaged extended header"),
                (b"99 path=x\n", "damaged extended header"),
                (b"-9 path=x\n", "damaged extended header"),
                (b"path=x\n", "damaged extended header"),
                (b"7 path=x\n", "damaged extended header"),
                (b"9" * 400, "damaged extended header"),
                (b"6 =xy\n", "damaged extended header"),
                (b"13 size=-512\n", "damaged extended header"),
                (b"11 size=0x1\n", "damaged extended header"),
                (b"11 uid=+1.5\n", "damaged extended header"),
                (b"11 mtime=x\n", "damaged extended header"),
                (b"13 mtime=nan\n", "time that no filesystem keeps"),
                (b"14 mtime=1e99\n", "time that no filesystem keeps"),
                (b"18 uid=4294967295\n", "owner that no system knows"),
            ]
        )
    ),
    Hostile(
        name="one-name-for-all",
        content=extended(b"19 path=../outside\n", b"g") + tar(entry("name")),
        says="of all its members",
    ),
    Hostile(
        name="holes",
        content=tar(entry("name", pax={"GNU.sparse.major": "1", "GNU.sparse.realsize": str(2**60)})),
        says="sparse",
    ),
    Hostile(
        name="holes-of-old", content=tar(entry("name", tarfile.GNUTYPE_SPARSE), form=tarfile.GNU_FORMAT), says="sparse"
    ),
    Hostile(name="a-continued-volume", content=tar(entry("name", b"M")), says="unknown type"),
    Hostile(name="no-tar", content=b"<html>404 Not Found</html>" * 50, says="is no tar archive, or damaged"),
    Hostile(name="nothing", content=b"", says="is cut off"),
    Hostile(name="cut-off-in-a-header", content=tar(entry("name"))[:300], says="is cut off"),
    Hostile(name="cut-off-in-a-file", content=tar((entry("name"), b"x" * 1000))[:900], says="cut off in the middle"),
    Hostile(name="cut-off-between-members", content=raw_tar((entry("name"), b"x" * 1000)), says="is cut off"),
    Hostile(
        name="a-second-archive-behind", content=tar(entry("good")) + tar(entry("bad")), says="goes on after its end"
    ),
    Hostile(name="a-flipped-bit", content=b"\x01" + tar(entry("name"))[1:], says="is no tar archive, or damaged"),
)
"""Whatever is allowed, these are refused: among packages and in root filesystems."""

AMONG_PACKAGES = (
    Hostile(name="absolute", content=tar(entry("/etc/passwd")), says="has an absolute name", member="/etc/passwd"),
    Hostile(name="hard-link-absolute", content=tar(entry("name", HARD, link="/etc/passwd")), says="a place outside"),
    *(
        Hostile(name=f"link-{number}", content=tar(entry(name, LINK, link=link)), says="links to a place outside")
        for number, (name, link) in enumerate(
            [
                ("name", "/etc/passwd"),
                ("name", "../outside"),
                ("a/name", "../../outside"),
                ("a/name", "../b/../../outside"),
                ("a/name", "b/.."),
                ("name", "./../x"),
            ]
        )
    ),
    Hostile(
        name="a-link-where-none-may-be", content=tar(entry("name", LINK, link="a")), says="no place", rules=NO_LINKS
    ),
    Hostile(name="a-link-to-nothing", content=tar(entry("name", LINK)), says="links to nothing"),
    *(
        Hostile(name=f"device-{kind.decode()}", content=tar(entry("name", kind)), says="device or pipe", member="name")
        for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
    ),
    Hostile(name="set-uid", content=tar(entry("name", mode=0o4755)), says="set-uid", member="name"),
    Hostile(name="set-gid-folder", content=tar(entry("name", FOLDER, mode=0o2755)), says="set-gid", member="name"),
    Hostile(name="an-escape", content=tar(entry("\x1b[2Jname")), says="control or invisible", member=r"x1b\[2J"),
    Hostile(
        name="written-backwards", content=tar(entry("exe\u202egnp.txt")), says="control or invisible", member="u202e"
    ),
    Hostile(name="no-utf-8", content=tar(entry("caf\udce9"), form=tarfile.GNU_FORMAT), says="no UTF-8"),
    Hostile(name="a-line-break", content=tar(entry("one\ntwo")), says="control or invisible"),
    Hostile(name="too-many", content=tar(*(entry(str(n)) for n in range(11))), says="more than 10 entries", rules=FEW),
    Hostile(name="too-large", content=sized(1001), says="has 1001 bytes; a file may have 1000", rules=SMALL),
    Hostile(name="a-claim-of-gigabytes", content=sized(2**33 - 1), says="a file may have 2147483648"),
    Hostile(
        name="too-much",
        content=tar(*((entry(str(n)), b"x" * 1000) for n in range(6))),
        says="unpacks to more than 5000 bytes",
        rules=SMALL,
    ),
    Hostile(name="too-deep", content=tar(entry("a/" * 5 + "b")), says="more than 5 folders deep", rules=SMALL),
    Hostile(name="too-long", content=tar(entry("a" * 101)), says="name of 101 bytes; 100 are allowed", rules=SMALL),
    Hostile(
        name="a-link-too-long", content=tar(entry("a", LINK, link="b" * 101)), says="101 bytes; 100 are", rules=SMALL
    ),
)
"""What only a root filesystem may hold, and what passes small limits."""

IN_ROOTS = (
    Hostile(
        name="a-root-of-too-many", content=tar(*(entry(str(n)) for n in range(11))), says="10 ent", rules=SMALL_ROOT
    ),
    Hostile(name="a-root-too-deep", content=tar(entry("a/" * 200 + "b")), says="128 folders", rules=SMALL_ROOT),
    Hostile(name="an-absolute-way-up", content=tar(entry("/../outside")), says="points outside", rules=SMALL_ROOT),
    Hostile(name="an-absolute-hard-link-up", content=tar(entry("a", HARD, link="/../b")), says="place outside"),
)

TARS = (*EVERYWHERE, *AMONG_PACKAGES, *IN_ROOTS)
