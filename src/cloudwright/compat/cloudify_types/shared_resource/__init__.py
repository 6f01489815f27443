"""``cloudify_types.shared_resource``."""
