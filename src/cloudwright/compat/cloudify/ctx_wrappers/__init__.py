"""``cloudify.ctx_wrappers``: the folder of ``ctx-py.py``, the ``ctx`` of Python scripts on other machines."""
