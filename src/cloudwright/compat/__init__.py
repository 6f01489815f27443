"""The names that existing plugins and workflows import (``cloudify``, ``cloudify_rest_client``,
``script_runner``), on ours.

Responsible for those names and nothing else: every module here lies at the path that it has there, and only
hands out what ``operation``, ``workflow`` and ``builtin`` define.

What must always hold: the names lead here whatever else is installed (``finder``), and no class exists
twice.
"""
