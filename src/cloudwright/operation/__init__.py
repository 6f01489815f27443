"""What an operation sees and does: its context, its process, and scripts as operations.

Responsible for everything between the ``begin`` frame of an operation's process and its ``end`` frame:
importing the plugin's function, giving it ``ctx``, running scripts for it, and saying truthfully what became
of it.

What must always hold:

* An operation's process sends exactly one ``end`` frame, last, whatever the user's code does short of dying;
  a process that dies says nothing, and its supervisor says so.
* The user's code never learns that something was stored which was not, and runtime properties that changed
  are never left out: they travel with the end, whether the operation succeeded or failed.
* A script stays in the operation's process group, so that one signal ends everything, and nothing it prints
  can hurt.
* Nothing in the children's environment or memory opens the manager: what they may do, they ask their
  supervisor to do.

It runs inside the environments of plugins: the standard library only, jinja2 if a template is rendered.
"""
