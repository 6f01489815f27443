"""Forks, supervises and kills processes; nothing else in the project does.

What must always hold:

* A child has its own session, dies with its zygote, and its zygote dies with its supervisor: nothing runs
  unseen, whichever of the three is killed with ``kill -9``.
* A child is ended together with all that it started: the members of its cgroup, or what is found among all
  processes (``process_tree``). What a child that has ended left running is not touched.
* Signals are sent through pidfds of processes that are known by number and start time, or to whole cgroups:
  they never hit a reused process id.
* A child's end is reported once, after everything that it said before. Its tree is called gone only when the
  last process of it is dead.
* Nothing that a child does (flood, garbage, silence, not reading) blocks its supervisor or takes its memory
  without bound.

``zygote``, ``child_setup``, ``leaves``, ``proc_title``, ``channel``, ``frames``, ``process_tree`` and
``process_table`` run in the environments of plugins: they import the standard library only. Importing this
package imports nothing, so that a zygote stays small.
"""
