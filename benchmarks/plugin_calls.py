"""T5: operations of a plugin on a large library: Cloudify's AWS plugin, which asks a stand-in for AWS.

``--operations`` are run one after the other, once the plugin's processes are warm. Figures: milliseconds of
processor time of an operation's process and its zygote, and of the plugin's function when it is called a
second time in one process, which is no part of the overhead; seconds of an execution of one operation right
after a start of the manager.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from managed import Manager, answer, manager, options

TESTS = Path(__file__).parents[1] / "tests"
sys.path += [str(TESTS / "plugins"), str(TESTS / "integration")]

from moto_server import Aws  # noqa: E402 - found by the path above
from site_of_plugins import SOURCES, wagon  # noqa: E402

from cloudwright.cli.plugin_source import open_plugin  # noqa: E402

PLUGIN = "cloudify-aws-plugin"
CHECK = "cloudify_aws.workflows.check_status.check_status"
BLUEPRINT = f"""
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, "plugin:{PLUGIN}"]
node_templates:
  vpc:
    type: cloudify.nodes.aws.ec2.Vpc
    properties:
      client_config: {{aws_access_key_id: test, aws_secret_access_key: test, region_name: us-east-1}}
      resource_config: {{CidrBlock: 10.10.0.0/16}}
    interfaces:
      lab: {{once: aws.{CHECK}, twice: aws.cloudwright_probe.twice}}
"""
#: In the plugin's environment: the function called twice in one process.
PROBE = """
import time
from cloudify_aws.workflows.check_status import check_status

def twice(**inputs):
    check_status(**inputs)
    begun = time.process_time()
    check_status(**inputs)
    return 1000 * (time.process_time() - begun)
"""


def main() -> None:
    given = options(__doc__, operations=20)
    aws = Aws()
    try:
        with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as home:
            # The plugin drops an `endpoint_url`; its library reads one here.
            Path(home, ".aws").mkdir()
            Path(home, ".aws", "config").write_text(f"[default]\nendpoint_url = {aws.url}\n")
            os.environ["HOME"] = home
            with manager(given.database) as managed:
                measure(managed, given.operations)
    finally:
        aws.close()


def measure(managed: Manager, count: int) -> None:
    with open_plugin(
        wagon(PLUGIN, managed.folder, probe(managed.folder)), [SOURCES / PLUGIN / "plugin.yaml"]
    ) as archive:
        managed.client.plugins.upload(archive)
    folder = managed.folder / "calls"
    folder.mkdir()
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    managed.upload("calls", folder)
    # Installs the environment.
    ended(managed, managed.run("install", "calls"))
    once(managed)
    settled(managed)
    before = spent(managed)
    for _ in range(count):
        once(managed)
    whole = 1000 * (spent(managed) - before) / count
    execution = ended(managed, managed.run("execute_operation", "calls", operation="lab.twice"))
    [row] = managed.client.operations.list(execution_id=execution).items
    call = float(row["result"])
    managed.stop()
    managed.start()
    begun = time.perf_counter()
    once(managed)
    cold = time.perf_counter() - begun
    figures = {"ms CPU": whole, "ms CPU: the call itself": call, "ms CPU overhead": whole - call}
    answer(**figures, **{"cold: s": cold})


def once(managed: Manager) -> None:
    ended(managed, managed.run("execute_operation", "calls", operation="lab.once"))


def ended(managed: Manager, execution: str) -> str:
    row = managed.until_end(execution)
    assert row["status"] == "terminated", row
    return execution


def settled(managed: Manager) -> None:
    """Wait until the plugin's zygote has what its operations load: nothing new is said of it any more."""
    said = -1
    while said != (said := log(managed).count("are loaded beforehand")) or not said:
        time.sleep(6)


def log(managed: Manager) -> str:
    return (managed.folder / "log").read_text()


def spent(managed: Manager) -> float:
    """Seconds of processor time of the plugin's zygotes for operations, and of all that they have forked."""
    total = 0.0
    for child in managed.processes()["manager"].children():
        title = " ".join(child.cmdline())
        if "zygote operations-" in title and "operations-own" not in title:
            times = child.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def probe(folder: Path) -> Path:
    """A wheel with the function that calls the plugin's twice."""
    info = "cloudwright_probe-1.0.dist-info"
    files = {
        "cloudwright_probe.py": PROBE,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: cloudwright-probe\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: b\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record, packed = [], io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(content)}")
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]) + "\n")
    path = folder / "cloudwright_probe-1.0-py3-none-any.whl"
    path.write_bytes(packed.getvalue())
    return path


if __name__ == "__main__":
    main()
