"""The Debian security tracker's JSON as a source of records: a copy of it, or its address.

What it says of a source package is put into the words of OSV, so that one matcher and one index judge all.
"""
