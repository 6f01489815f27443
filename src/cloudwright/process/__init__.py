"""Forks, supervises and kills processes; nothing else in the project does.

What must always hold:

* A child has its own session and process group, dies with its zygote, and its zygote dies with its
  supervisor: nobody runs unseen, whichever of the three is killed with ``kill -9``.
* Signals go to process groups, and only from the process that reaps their leaders or, where that is dead,
  when a group was proved to be the child's yet: they never hit a reused process id.
* A child's end is told once, after everything that it said before. Its group is called gone only when its
  last member is dead.
* Nothing that a child does (flood, garbage, silence, not reading) blocks its supervisor or takes its memory
  without bound.

``zygote``, ``title``, ``channel`` and ``frames`` run in the environments of plugins: they import the standard
library only. Importing this package imports nothing, so that a zygote stays small.
"""
