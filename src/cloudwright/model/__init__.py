"""The vocabulary that all packages share: statuses, rules and records, without any input or output.

What must always hold: nothing here imports anything but the standard library, and every rule about what may
follow what is written here once, as data or as a pure function, so that the database verbs, the engine, the
documentation and the tests all read the same table.
"""
