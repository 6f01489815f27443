"""``cloudify.proxy``."""
