"""Folders and files in the making: folders are held, and swept where their maker was killed; files appear whole.

Folders that only spare time, too.
"""
