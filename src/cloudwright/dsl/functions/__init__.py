"""Intrinsic functions as they are written: their names, the shape of their arguments, and where they may
stand.

``syntax`` knows each function by itself and depends on nothing; ``validation`` checks the functions of a
whole plan against its nodes and inputs. What functions evaluate to is the matter of ``planning``.
"""
