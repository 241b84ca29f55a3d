"""Views over JSON: nothing is lost, and nothing raises what a reader does not expect. Pages are views, too."""

from __future__ import annotations

import asyncio
import copy
import json as json_
import logging
import pickle
import pprint
from typing import Any

import pytest
from echo import KEY, AsyncioClient, Client, Delta
from scripted import Server, json

from novai.fields import field, secret, view, view_map, views
from novai.model import Model

DATA: dict[str, Any] = {"text": "a", "new": {"deep": [1, {"x": None}]}, "größe": 1.5}


def test_nothing_is_lost() -> None:
    model = Delta(DATA)
    assert json_.loads(model.to_json()) == DATA == model.to_dict()
    assert "\n" in model.to_json(indent=2)
    model.to_dict()["new"]["deep"].append(2)
    assert model.to_dict() == DATA


def test_what_is_not_documented_reads_as_well() -> None:
    model = Delta(DATA)
    assert isinstance(model.new, Model)
    assert model.new.deep[1].x is None
    assert (model["text"], "new" in model, "text" in dir(model)) == ("a", True, True)
    for absent in ("nothing", "__len__", "_x"):
        with pytest.raises(AttributeError):
            getattr(model, absent)
    with pytest.raises(KeyError):
        model["nothing"]


def test_copies_and_comparisons() -> None:
    model = Delta(DATA)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model)), Delta(dict(DATA))):
        assert other == model
    assert model != Model(DATA)
    assert model != DATA
    assert repr(Delta({"text": "a"})) == "Delta(text='a')"
    assert len(repr(Delta({"text": "a" * 9_000}))) < 300


class Token(Model):
    id: str = field("id")
    token: str = secret("token")


class Holder(Model):
    main: Token = view("main", Token)
    others: list[Token] = views("others", Token)
    named: dict[str, Token] = view_map("named", Token)


def test_a_secret_is_read_and_sent_but_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    token = {"id": "t1", "token": "sk-secret"}
    holder = Holder({"main": token, "others": [token], "named": {"a": token}, "new": 1})
    assert repr(holder.main) == "Token(id='t1', token=[redacted])"
    assert repr(Token({"token": None})) == "Token(token=None)"
    with caplog.at_level(logging.INFO):
        logging.getLogger("app").info("%s %r %s", holder, holder, [holder.main])
    for text in (str(holder), f"{holder}", pprint.pformat(holder), caplog.text):
        assert "[redacted]" in text
        assert "sk-secret" not in text
    assert (holder.main.token, holder.others[0]["token"]) == ("sk-secret", "sk-secret")
    assert "sk-secret" in holder.to_json()
    assert "sk-secret" in pickle.loads(pickle.dumps(holder)).to_json()


PAGES = [
    json('{"object":"list","data":[{"id":"a","text":"1"},{"id":"b","text":"2"}],"has_more":true}'),
    json('{"object":"list","data":[{"id":"c","text":"3"}],"has_more":false}'),
]
REQUESTS = ["GET /v1/items?limit=2 HTTP/1.1", "GET /v1/items?limit=2&after=b HTTP/1.1"]


def test_pages() -> None:
    with Server(*PAGES) as server, Client(KEY, server.url) as client:
        page = client.api.pages()
        assert [item.text for item in page.data] == ["1", "2"]
        assert (page.has_next_page(), page.next_cursor(), page.object, page.request_id) == (True, "b", "list", "req-1")
        assert [item.text for item in page] == ["1", "2", "3"]
        assert [seen.line for seen in server.requests] == REQUESTS


def test_pages_for_asyncio() -> None:
    async def run(url: str) -> None:
        async with AsyncioClient(KEY, url) as client:
            assert [item.text async for item in client.api.pages()] == ["1", "2", "3"]
            page = await client.api.pages()
            assert [item.text for item in page.data] == ["3"]
            assert await page.get_next_page() is None

    with Server(*PAGES) as server:
        asyncio.run(run(server.url))
        assert [seen.line for seen in server.requests] == [*REQUESTS, REQUESTS[0]]


@pytest.mark.parametrize(
    "body", ["{}", '{"data":null}', '{"data":[]}', '{"data":[1],"has_more":true}', '{"data":[{}],"has_more":true}']
)
def test_lists_that_end(body: str) -> None:
    with Server(json(body)) as server, Client(KEY, server.url) as client:
        page = client.api.pages()
        assert page.get_next_page() is None
        assert len(server.requests) == 1
