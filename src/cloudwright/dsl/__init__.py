"""The blueprint language: text in, a plan or a list of problems out.

What must always hold: a blueprint is untrusted text, so nothing of it is executed, nothing outside of its own
folder is read but through the ``ImportResolver`` that the caller gives, the network is never touched, and
everything that can grow has a limit. Whatever is wrong ends as a ``BlueprintError`` that names file, line and
remedy.

The parts: ``yaml_reader`` and ``source_positions`` know YAML; ``imports``, ``namespaces`` and ``merging``
make one document of many files; one module per section of the language reads that document; ``functions``
are the intrinsic ones; ``blueprint`` puts them in order. Rules that are tables are written as tables:
``versions.SINCE``, ``structure_checks``, ``namespaces.SECTIONS``, ``constraints.RULES``,
``functions.syntax.FUNCTIONS``.
"""

from cloudwright.dsl.blueprint import parse_blueprint
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.plan import Plan
from cloudwright.dsl.problems import BlueprintError, Problem
from cloudwright.dsl.resolver import Imported, ImportRefused, ImportResolver, MappedImports, NoImports

__all__ = [
    "BlueprintError",
    "ImportRefused",
    "ImportResolver",
    "Imported",
    "Limits",
    "MappedImports",
    "NoImports",
    "Plan",
    "Problem",
    "parse_blueprint",
]
