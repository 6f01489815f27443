"""``cloudify.proxy.client``."""

from cloudwright.child.errors import ScriptException
from cloudwright.operation.scripts.server import CTX_SOCKET_URL

__all__ = ["CTX_SOCKET_URL", "ScriptException"]
