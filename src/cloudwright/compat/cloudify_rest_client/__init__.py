"""``cloudify_rest_client``: the client that plugins use, asking through their process's supervisor."""

from cloudwright.compat.cloudify_rest_client.client import CloudifyClient
from cloudwright.compat.cloudify_rest_client.exceptions import CloudifyClientError

__all__ = ["CloudifyClient", "CloudifyClientError"]
