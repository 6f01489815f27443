"""``script_runner``."""
