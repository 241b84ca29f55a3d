"""The package is tested as it lies here; and what each test of both clients is given."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from echo import KINDS, Kind


@pytest.fixture(params=KINDS, ids=[kind.name for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    """The synchronous client, then the one for asyncio."""
    found: Kind = request.param
    return found


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOVAI_API_KEY", "NOVAI_BASE_URL", "NOVAI_LOG"):
        monkeypatch.delenv(name, raising=False)
