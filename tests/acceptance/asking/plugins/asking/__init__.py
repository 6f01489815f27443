from cloudify import ctx
from cloudify.decorators import operation
from cloudify.manager import get_rest_client


@operation
def ask(**_):
    """What plugins do that look at more than their own instance."""
    client = get_rest_client()
    properties = ctx.instance.runtime_properties
    properties["nodes"] = [node.id for node in client.nodes.list(deployment_id=ctx.deployment.id)]
    client.deployments.update_labels(ctx.deployment.id, [{"asked-by": ctx.instance.id}])
    try:
        client.blueprints.get("none")
    except Exception as error:
        properties["refusal"] = str(error)
