"""``cloudify_agent.installer``."""
