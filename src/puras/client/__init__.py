"""The Python SDK: `Puras` and `AsyncPuras`, over one core that does no I/O.

`_core _answers _retry _wait _follow _sse _models` decide; `_transport` and `_files` touch the
network and the disk; `_async` drives them, and `_sync` is generated from `_async` by
`scripts/unasync.py`. Users import from `puras`.
"""
