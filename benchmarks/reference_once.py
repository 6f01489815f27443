"""Reads and plans one blueprint with Cloudify's parser, and prints what that took as JSON.

``blueprints.py`` runs it in an environment that has that parser; the language's own types are served from a
file.
"""

import json
import pathlib
import sys
import time

from dsl_parser import parser, tasks
from dsl_parser.import_resolver.default_import_resolver import DefaultImportResolver


class Resolver(DefaultImportResolver):
    """Serves the language's own types, and opens nothing else but files."""

    def fetch_import(self, import_url, **kwargs):
        if import_url.removeprefix("resource:") == "cloudify/types/types.yaml":
            return pathlib.Path(sys.argv[2]).read_text()
        if import_url.startswith("file:"):
            return super().resolve(import_url)
        raise ValueError(f"not served here: {import_url}")

    def resolve(self, import_url):
        return self.fetch_import(import_url)


def peak_memory():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


start, before = time.perf_counter(), time.process_time()
plan = parser.parse_from_path(sys.argv[1], resources_base_path=None, resolver=Resolver())
parsed = time.perf_counter()
deployed = tasks.prepare_deployment_plan(plan, get_secret_method=lambda key: None, inputs={})
end = time.perf_counter()
print(
    json.dumps(
        {
            "parse": parsed - start,
            "prepare_and_instances": end - parsed,
            "wall": end - start,
            "cpu": time.process_time() - before,
            "rss": peak_memory(),
            "made": len(deployed["node_instances"]),
        }
    )
)
