"""``cloudify.plugins``: the workflows that every deployment has."""
