from __future__ import annotations

import pytest

from trimtab.storefront.etcd import Store, decode, encode, next_store, peer_of
from trimtab.storefront.get import read_listing
from trimtab.storefront.options import BadOption, read_options
from trimtab.storefront.orders import create_once, judge_create, page_after
from trimtab.storefront.put import judge
from trimtab.storefront.server import Request
from trimtab.storefront.shop import read_order


def test_an_order_is_put_only_if_its_key_was_never_created() -> None:
    content = create_once("k", "v")
    compare = content["compare"][0]
    assert (compare["target"], compare["result"], compare["create_revision"]) == ("CREATE", "EQUAL", "0")
    assert decode(compare["key"]) == decode(content["success"][0]["request_put"]["key"]) == "/orders/k"


def test_replies_are_told_apart() -> None:
    there = {"responses": [{"response_range": {"kvs": [{"value": encode("v")}]}}]}
    assert judge_create({"succeeded": True}, "v") == "created"
    assert judge_create(there, "v") == "repeated"
    assert judge_create(there, "other") == "conflict"
    assert judge_create({"responses": [{"response_range": {}}]}, "v") == "conflict"


def test_the_next_page_begins_behind_the_last_key_at_the_same_revision() -> None:
    assert decode(str(page_after("k", 7)["key"])) == "/orders/k\0"
    assert page_after("k", 7)["revision"] == "7"
    assert page_after("k", 7)["serializable"] is True
    assert not {"revision", "serializable"} & page_after("", None).keys(), "the first has to be up to date"


def test_the_own_site_is_asked_first_unless_it_just_failed() -> None:
    stores = [Store(peer_of(f"http://10.{site}.129.10:2379")) for site in (1, 2)]
    assert next_store(stores, now=5.0) is stores[0]
    stores[0].avoid_until = 6.0
    assert next_store(stores, now=5.0) is stores[1]
    stores[1].avoid_until = 7.0
    assert next_store(stores, now=5.0) is stores[0]


@pytest.mark.parametrize(
    "url", ["http://etcd.example:2379", "https://10.0.0.1:2379", "10.0.0.1:2379", "http://10.0.0.1/x"]
)
def test_a_store_is_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="store"):
        peer_of(url)


def test_a_listing_without_its_end_is_no_listing() -> None:
    whole = '{"key": "a", "count": 1}\n{"complete": true, "orders": 1}\n'
    assert read_listing(whole) == {"a": 1}
    for part in ("", whole.splitlines()[0], whole.replace('"orders": 1', '"orders": 2')):
        with pytest.raises(ValueError, match="listing"):
            read_listing(part)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (201, "stored"),
        (200, "stored"),
        (400, "refused"),
        (409, "refused"),
        (429, "not-stored"),
        (503, "unknown"),
        (504, "unknown"),
    ],
)
def test_what_an_answer_says_about_an_order(status: int, says: str) -> None:
    assert judge(status) == says


def test_a_key_comes_from_the_header_or_from_the_order() -> None:
    assert read_order(Request("POST", "/orders", {"idempotency-key": '"k"'}, b"x")) == ("k", "x")
    assert read_order(Request("POST", "/orders", {}, b'{"id": "k2"}'))[0] == "k2"
    for fields, body in (
        ({}, b"x"),
        ({"idempotency-key": "a b"}, b"x"),
        ({"idempotency-key": "k"}, b""),
        ({}, b"\xff"),
    ):
        with pytest.raises(ValueError, match="order"):
            read_order(Request("POST", "/orders", fields, body))


def test_options() -> None:
    known = {"name": None, "port": "8080"}
    assert read_options(["--name=a", "--port", "1"], known) == {"name": "a", "port": "1"}
    for words in ([], ["--name"], ["--name", "a", "--name", "b"], ["--what", "1"], ["name", "a"]):
        with pytest.raises(BadOption):
            read_options(words, known)
