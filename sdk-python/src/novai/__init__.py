"""Client for the NovAI AI gateway, and for any server that speaks OpenAI's chat API.

Start at :class:`NovAI` or :class:`AsyncNovAI`. Everything is loaded on first use: importing this package is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from . import types as types
    from ._generated.client import AsyncNovAI as AsyncNovAI
    from ._generated.client import NovAI as NovAI
    from .errors import APIConnectionError as APIConnectionError
    from .errors import APIError as APIError
    from .errors import APIStatusError as APIStatusError
    from .errors import APITimeoutError as APITimeoutError
    from .errors import AuthenticationError as AuthenticationError
    from .errors import BadRequestError as BadRequestError
    from .errors import ConflictError as ConflictError
    from .errors import InternalServerError as InternalServerError
    from .errors import NotFoundError as NotFoundError
    from .errors import NovAIError as NovAIError
    from .errors import PermissionDeniedError as PermissionDeniedError
    from .errors import RateLimitError as RateLimitError
    from .errors import ResponseDecodeError as ResponseDecodeError
    from .errors import StreamTruncatedError as StreamTruncatedError
    from .errors import UnprocessableEntityError as UnprocessableEntityError
    from .model import Model as Model
    from .options import Omit as Omit
    from .options import omit as omit
    from .pages import AsyncPage as AsyncPage
    from .pages import Page as Page
    from .rate_limit import Quota as Quota
    from .rate_limit import RateLimit as RateLimit
    from .response import RawResponse as RawResponse
    from .stream import AsyncStream as AsyncStream
    from .stream import Stream as Stream
    from .timeout import Timeouts as Timeouts

_MODULES = {
    "._generated.client": ("AsyncNovAI", "NovAI"),
    ".errors": (
        "APIConnectionError",
        "APIError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ConflictError",
        "InternalServerError",
        "NotFoundError",
        "NovAIError",
        "PermissionDeniedError",
        "RateLimitError",
        "ResponseDecodeError",
        "StreamTruncatedError",
        "UnprocessableEntityError",
    ),
    ".model": ("Model",),
    ".options": ("Omit", "omit"),
    ".pages": ("AsyncPage", "Page"),
    ".rate_limit": ("Quota", "RateLimit"),
    ".response": ("RawResponse",),
    ".stream": ("AsyncStream", "Stream"),
    ".timeout": ("Timeouts",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["__version__", "types", *_MODULE_OF]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "types":
        value: object = import_module(".types", __name__)
    elif name in _MODULE_OF:
        value = getattr(import_module(_MODULE_OF[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
