"""Error bodies of all kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from novai.error_body import Found, describe, implied_status

ERRORS_MD = Path(__file__).parents[2] / "docs" / "errors.md"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}',
            ("no such model", "model_not_found", "invalid_request_error", "model"),
        ),
        ('{"error":{"message":"m","type":null,"param":null,"code":502}}', ("m", "502", None, None)),
        ('{"error":"plain"}', ("plain", None, None, None)),
        ('{"error":"plain","code":"c"}', ("plain", "c", None, None)),
        ('{"message":"m","code":"c"}', ("m", "c", None, None)),
        ('{"detail":"Not Found"}', ("Not Found", None, None, None)),
        (
            '{"detail":[{"loc":["body"],"msg":"field required"},{"msg":"too long"}]}',
            ("field required; too long", None, None, None),
        ),
        ('{"detail":{"message":"nested"}}', ("nested", None, None, None)),
        (
            '[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]',
            ("API key not valid", "400", None, None),
        ),
        (
            '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            ("Overloaded", None, "overloaded_error", None),
        ),
        ('"just text"', ("just text", None, None, None)),
        *(
            (body, ("fallback", None, None, None))
            for body in (
                '{"error":{}}',
                '{"error":null}',
                '{"error":{"message":{"a":1}}}',
                "",
                "[]",
                "null",
                "<html><h1>502 Bad Gateway</h1></html>",
                '{"error":{"message":"cut o',
                "[" * 100_000,
            )
        ),
    ],
)
def test_bodies(body: str, expected: tuple[Optional[str], ...]) -> None:
    assert describe(body, "fallback") == expected


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("rate_limit_error", "rate_limit_exceeded", 429),
        ("invalid_request_error", "model_not_found", 404),
        ("invalid_request_error", "context_length_exceeded", 400),
        ("upstream_error", "provider_timeout", 504),
        ("upstream_error", "stream_broken", 502),
        ("upstream_error", "new_code", 502),
        ("overloaded_error", None, 503),
        (None, "502", 502),
        (None, "7", None),
        (None, "²²²", None),
        (None, None, None),
    ],
)
def test_statuses_of_error_events(kind: Optional[str], code: Optional[str], status: Optional[int]) -> None:
    assert implied_status(Found(type=kind, code=code)) == status


def test_every_documented_code_has_its_status() -> None:
    if not ERRORS_MD.exists():
        pytest.skip("the gateway's documents are not beside this package")
    rows = [line for line in ERRORS_MD.read_text().splitlines() if line.startswith("| `")]
    for row in rows:
        code, status, kind = (cell.strip().strip("`") for cell in row.split("|")[1:4])
        assert implied_status(Found(type=kind, code=code)) == int(status), row
    assert len(rows) > 20, "the table has another form now"
