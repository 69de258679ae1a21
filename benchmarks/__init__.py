"""Measured claims, each a ratio to its floor in the same run: `python -m benchmarks.NAME`."""
