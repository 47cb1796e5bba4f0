"""From a server that was made by hand to a recipe that rebuilds it: read, judged by rules, written; never changed.

``facts`` reads by the server port, ``judging`` decides what becomes of each thing, ``recipe`` writes; what lies between
is pure: ``dpkg``, ``sources``, ``units``, ``applications``, ``listening`` read the server's own files.
"""
