"""The site's folder, and whether it is served."""

import os
import shutil
import urllib.error
import urllib.request

from cloudify import ctx
from cloudify.decorators import operation
from cloudify.exceptions import NonRecoverableError


@operation(resumable=True)
def create(**_):
    """Make the folder that the pages go to, with an empty front page."""
    # A folder of this deployment's own, in the place where the plugin may keep things.
    folder = os.path.join(ctx.plugin.workdir, ctx.instance.id)
    os.makedirs(folder, exist_ok=True)
    ctx.instance.runtime_properties["folder"] = folder
    ctx.download_resource_and_render(
        "resources/index.html",
        os.path.join(folder, "index.html"),
        {"title": ctx.node.properties["title"], "links": []},
    )
    ctx.logger.info("The site is in %s", folder)


@operation(resumable=True)
def delete(**_):
    folder = ctx.instance.runtime_properties.get("folder")
    if folder:
        shutil.rmtree(os.path.dirname(folder), ignore_errors=True)


@operation(resumable=True)
def check(**_):
    """Ask the server for the front page. Asks to be run again as long as there is no answer."""
    url = ctx.instance.runtime_properties["url"]
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            ctx.logger.info("%s answers %s", url, answer.status)
    except urllib.error.HTTPError as error:
        raise NonRecoverableError(f"{url} answers {error.code}: something else is served") from error
    except OSError as error:
        return ctx.operation.retry(f"{url} does not answer yet: {error}", retry_after=1)
