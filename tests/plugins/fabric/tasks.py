"""What the plugin runs with a connection, as Fabric's tasks are written."""

from cloudify import ctx
from fabric2 import task


@task
def start(connection, folder):
    told = connection.run(f"cat {folder}/{ctx.instance.id}", hide=True).stdout
    ctx.instance.runtime_properties["told"] = told.strip()
