"""Intrinsic functions as they are written: their names, the shape of their arguments, and where they may
stand.

``syntax`` knows each function by itself and depends on nothing. ``function_validation``, beside this package,
checks the functions of a whole plan against its nodes and inputs; ``planning`` evaluates them.
"""
