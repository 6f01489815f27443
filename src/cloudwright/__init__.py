"""Cloudwright: an orchestrator whose executions can always be stopped."""

__version__ = "0.1.0"
