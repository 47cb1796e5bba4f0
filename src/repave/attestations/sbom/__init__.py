"""What an artifact is made of: every package and file of its lock, with licence, supplier, hash and what it needs.

Read once from the packages themselves (``debian``, ``wheels``), put together for one image (``assembly``), and written
in the format asked for (``cyclonedx``, ``spdx``).
"""
