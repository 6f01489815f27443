"""Cloudwright: an orchestrator whose executions can always be stopped."""

__version__ = "0.2.0"
