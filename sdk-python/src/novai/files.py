"""What can be uploaded. Start at :data:`FileTypes`."""

from __future__ import annotations

from typing import IO, Optional, Union

FileContent = Union[bytes, IO[bytes]]
"""Bytes, or a file that is open for reading in binary."""

FileTypes = Union[
    FileContent,
    "tuple[Optional[str], FileContent]",
    "tuple[Optional[str], FileContent, Optional[str]]",
]
"""A file's content; with its name: ``("cat.png", content)``; with its media type, too: ``("cat.png", content, "image/png")``."""
