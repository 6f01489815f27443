"""``cloudify``: what the plugins of Cloudify import, on our classes."""

from cloudwright.child.current import ctx, ctx_parameters

__all__ = ["ctx", "ctx_parameters"]
