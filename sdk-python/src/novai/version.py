"""The package's version, and nothing else: reading it must load nothing."""

__version__ = "0.1.0"
