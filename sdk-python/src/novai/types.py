"""Types of the API, by name: ``from novai.types import ChatCompletion, MessageParam``.

Models of what the API answers, and dicts of what requests hold (``…Param``). Each is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._generated.types import *  # noqa: F403


def __getattr__(name: str) -> object:
    from ._generated import types

    value: object = getattr(types, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from ._generated import types

    return dir(types)
