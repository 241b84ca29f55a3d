"""JSON as its standard has it: Python's own decoder takes ``NaN`` and ``Infinity`` for numbers, and nobody else's does.

Start at :data:`DECODER`. Made once: making one costs more than decoding a short reply.
"""

from __future__ import annotations

import json
from typing import NoReturn


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse)
