"""The plugin of the web site: its operations in Python, and its workflows."""
