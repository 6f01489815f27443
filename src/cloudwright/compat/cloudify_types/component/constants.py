"""``cloudify_types.component.constants``: seconds, and the words of the types."""

DEPLOYMENTS_TIMEOUT = 120
DEPLOYMENTS_CREATE_RETRIES = 100
EXECUTIONS_TIMEOUT = 1800
POLLING_INTERVAL = 1
PAGINATION_SIZE = 1000
EXTERNAL_RESOURCE = "external_resource"
CAPABILITIES = "capabilities"
