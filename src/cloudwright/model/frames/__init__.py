"""The frames that processes send each other, as types (``docs/concepts/frames.md``), and their checks.

One module for each kind of child: ``operation``, ``workflow`` and ``parser``; what they have in common is in
``common``, the methods that a child may call in ``methods``. A frame is a TypedDict whose ``type`` is a
literal; the note of each field is its meaning in the documentation. ``checking`` makes of these types the
checks that a receiver applies. ``process.frames`` is how a frame looks as bytes.

What must always hold: the receiver of a frame checks it before anything of it is used, and a frame that
does not have its type's shape ends its child, by an error that names the field. Keys that a type does not
have are ignored.

These modules are imported by every child: the standard library only, and nothing that a zygote does not have
anyway. Their annotations are evaluated, so they do without ``from __future__ import annotations``.
"""
