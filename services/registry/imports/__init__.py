"""Imports 导入: files of divisions, village classes and the roster, stored first, then worked off.

An upload is kept sealed, in pieces, until its job has ended; each bad row is reported with row,
column, masked value and reason, and the good rows go in. The same file again changes nothing.
"""
