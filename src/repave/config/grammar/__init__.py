"""The whole format of `repave.yaml`, as pydantic models: what may stand where, with the words editors show.

What this version cannot act on yet is part of the format, and refused by name in ``repave.config.unsupported``.
"""
