"""The logger ``novai``. Start at :func:`setup`.

``NOVAI_LOG=info`` shows each request and its reply; ``debug`` also retries and headers. No key is logged, and nothing of
what people and models write.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

logger = logging.getLogger("novai")

_SECRETS = ("authorization", "api-key", "x-api-key", "cookie", "set-cookie", "proxy-authorization")


def setup() -> None:
    """Reads ``NOVAI_LOG``. A program that configures logging itself is left alone."""
    level = {"info": logging.INFO, "debug": logging.DEBUG}.get(os.environ.get("NOVAI_LOG", "").strip().lower())
    if level is None:
        return
    logger.setLevel(level)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)


def redacted(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: "[redacted]" if name.lower() in _SECRETS else value for name, value in headers.items()}
