"""What operators see of a process: its logs, without personal data, and its metrics."""
