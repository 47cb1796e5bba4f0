"""Advisories in the format of OSV: reading records, judging by them, and the folders, zips and servers that have them.

https://ossf.github.io/osv-schema/. Nothing here is said to be clean that could not be judged.
"""
