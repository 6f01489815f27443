"""``cloudify_types``: what plugins import of the types for services that are made of other services."""
