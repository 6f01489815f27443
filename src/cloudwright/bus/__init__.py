"""Wake-ups: what changed, published to its subscribers.

What must always hold: the database is the truth and the bus only says that looking at it is worth while.
Losing a message costs time, never correctness; publishing never blocks and never fails because of a slow
subscriber.
"""
