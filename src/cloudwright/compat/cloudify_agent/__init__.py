"""``cloudify_agent``: what Cloudify's types map the operations of agents to."""
