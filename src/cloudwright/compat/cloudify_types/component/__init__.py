"""``cloudify_types.component``."""
