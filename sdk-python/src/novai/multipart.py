"""Bodies of type ``multipart/form-data``. Start at :func:`encode`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any, Optional, Union

from .kinds import is_list, is_path, is_tuple

FileContent = Union[bytes, IO[bytes], "os.PathLike[str]"]
Upload = Union[FileContent, tuple[str, FileContent], tuple[str, FileContent, str]]
"""What can be sent as a file: its content; or its name and content; or its name, content and media type."""


def encode(fields: Mapping[str, Any]) -> tuple[bytes, str]:
    """The whole body, so that it can be sent again, and its type. Lists are repeated fields, other objects JSON."""
    import httpx

    files: list[tuple[str, Any]] = []
    for name, value in fields.items():
        if is_list(value):
            files.extend((f"{name}[]", _part(item)) for item in value)
        elif value is not None:
            files.append((name, _part(value)))
    request = httpx.Request("POST", "http://form", files=files)
    return request.read(), request.headers.get("content-type", "multipart/form-data")


def _part(value: Any) -> tuple[Optional[str], Any] | tuple[Optional[str], Any, str]:
    """Name (none: an ordinary field), content and type, as httpx takes them."""
    if is_tuple(value):
        return (value[0], _content(value[1]), *value[2:])
    if isinstance(value, bytes) or is_path(value) or hasattr(value, "read"):
        name = os.fspath(value) if is_path(value) else getattr(value, "name", None)
        return os.path.basename(name) if isinstance(name, str) else "file", _content(value)
    if isinstance(value, (dict, bool)) or not isinstance(value, (str, int, float)):
        import json

        from .model import plain

        return None, json.dumps(value, default=plain).encode()
    return None, str(value).encode()


def _content(value: Any) -> bytes:
    if is_path(value):
        with open(value, "rb") as file:
            return file.read()
    content = value.read() if hasattr(value, "read") else value
    return content.encode() if isinstance(content, str) else bytes(content)
