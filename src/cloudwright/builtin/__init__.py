"""The workflows that every deployment has: install, uninstall and their kin. Ordinary workflows on the
public API.

Responsible for which operations run in which order, and for what is said about node instances meanwhile.

What must always hold:

* An instance's operations begin only when those of the instances that it depends on have ended, and the
  other way round when things are taken down.
* A node instance's state says what was last begun or done to it, whatever fails or is cancelled.
* A resumed workflow continues where it stopped: what was done is not done again.
"""
