"""The front page's links: one per page that the server is related to."""

import fcntl
import os

from cloudify import ctx
from cloudify.decorators import operation


@operation(resumable=True)
def add(**_):
    _change(ctx.target.instance.runtime_properties["name"], present=True)


@operation(resumable=True)
def remove(**_):
    name = ctx.target.instance.runtime_properties.get("name")
    if name:
        _change(name, present=False)


def _change(name, present):
    """Note the link down, and write the front page anew with all that are noted down."""
    folder = ctx.source.instance.runtime_properties["folder"]
    if not os.path.isdir(folder):
        return
    # Operations of several pages run at the same time.
    with open(os.path.join(folder, ".links"), "a+", encoding="utf-8") as notes:
        fcntl.flock(notes, fcntl.LOCK_EX)
        notes.seek(0)
        links = set(notes.read().split())
        links = links | {name} if present else links - {name}
        notes.truncate(0)
        notes.write("\n".join(sorted(links)))
        notes.flush()
        ctx.download_resource_and_render(
            "resources/index.html",
            os.path.join(folder, "index.html"),
            {"title": ctx.source.node.properties["title"], "links": sorted(links)},
        )
    ctx.logger.info("The front page links to %s", ", ".join(sorted(links)) or "nothing")
