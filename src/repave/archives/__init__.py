"""Archives of strangers, read within stated limits: tar (plain, gzip, xz, zstd), zip, wheel, Debian package, OCI layer.

No other room opens one. Whoever reads gives the archive, the words that name it in messages, and ``Rules``: ``TREE``
for what anybody may have written (packages, sources), ``ROOT_FILESYSTEM`` for what becomes a machine's root.

    with opened_tar(path, name="the package left-pad 1.3.0", rules=TREE) as entries:  # finds out how it is compressed
        for entry in entries:                                # checked names, kinds and sizes, in the archive's order
            entry.content.read(65536)                        # of a file, before the next entry is asked for

    with opened_tar(path, name=name, rules=TREE) as entries:
        unpack(entries, folder, name=name)                   # below that existing folder, and nowhere else

    with opened_zip(path, name=name, rules=TREE) as archive:
        archive.read("member")                               # a ``zipfile.ZipFile`` whose directory was checked

    with opened_package(path, "data", name=name, rules=TREE) as entries: ...

``tars.read_tar`` reads a stream that is no file, ``compression.unpacked`` one that is no tar; ``dataclasses.replace``
makes other rules of the two. Whatever is wrong is one ``BadArchive``, a ``Corrupt``: it names archive, member, limit.
``control`` reads what Debian's packages and indexes say of themselves; ``own_words`` holds it against the lock.
"""
