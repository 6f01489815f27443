"""``cloudify_types.shared_resource.constants``."""

SHARED_RESOURCE_TYPE = "cloudify.nodes.SharedResource"
#: Seconds.
WORKFLOW_EXECUTION_TIMEOUT = 1800
