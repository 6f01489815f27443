"""``cloudify_rest_client.constants``."""

__all__ = ["VISIBILITY_EXCEPT_PRIVATE", "VisibilityState", "states_except_global", "states_except_private"]


class VisibilityState:
    """Who sees a thing: its owner, its tenant, or everybody."""

    PRIVATE = "private"
    TENANT = "tenant"
    GLOBAL = "global"
    STATES = [PRIVATE, TENANT, GLOBAL]


states_except_private = [VisibilityState.TENANT, VisibilityState.GLOBAL]
states_except_global = [VisibilityState.PRIVATE, VisibilityState.TENANT]
VISIBILITY_EXCEPT_PRIVATE = states_except_private
