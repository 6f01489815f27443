"""The program that runs operations on another machine: a worker, which connects to its manager.

What must always hold: nothing begins that the manager did not say `go` for, in time; an operation is in the
journal on disk before its process exists, and its end is until the manager has stored it; before a new life
of the worker says that an operation died, what it had started is gone. It needs nothing but the standard
library and `websockets`.
"""
