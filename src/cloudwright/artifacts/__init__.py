"""Files by their content: what was uploaded is stored once, however many things have it.

What must always hold: a digest leads to exactly the bytes that it is the digest of, or to nothing; and an
artifact that is written only in part has no digest yet.
"""
