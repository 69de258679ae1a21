"""The `weiyuan` command."""
