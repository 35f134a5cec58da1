"""Mutual TLS, users and passwords, on real etcd processes; certificates are made for the test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.registry.registry_kit import Authority, Member, access, etcd_cluster, eventually, first, run

from trimtab.agent_config import RegistryAccess
from trimtab.drivers.http import NotDone, Untrusted
from trimtab.errors import BadInput, Refused, Unreachable
from trimtab.registry.base import Write
from trimtab.registry.etcd import auth
from trimtab.registry.etcd.auth import ensure_auth
from trimtab.registry.etcd.client import Etcd

pytestmark = pytest.mark.daemon
SOME = {"hand/api/b-1": b"1"}
ROOT = "root-password"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.at(tmp_path_factory.mktemp("pki") / "ours")


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Member]:
    """It demands a certificate of ours."""
    certificate, key = authority.issue("etcd")
    extra = [
        "--cert-file",
        certificate,
        "--key-file",
        key,
        "--trusted-ca-file",
        authority.ca,
        "--client-cert-auth",
    ]
    tls = ssl.create_default_context(cafile=authority.ca)
    tls.load_cert_chain(certificate, key)
    with etcd_cluster(tmp_path_factory.mktemp("etcd"), 1, extra=extra, scheme="https", tls=tls) as (member,):
        yield member


@pytest.fixture
def ours(etcd: Member, authority: Authority, tmp_path: Path) -> RegistryAccess:
    """As a host has it: certificate, user, password."""
    certificate, key = authority.issue("agent")
    (tmp_path / "password").write_text("secret\n")
    return access(
        etcd.url,
        ca=authority.ca,
        certificate=certificate,
        key=key,
        user="agent",
        password=str(tmp_path / "password"),
    )


class Killed(BaseException):
    """Nobody catches it, as nobody catches a SIGKILL."""


def replace_files(places: Iterable[Path], by: Iterable[str | Path]) -> None:
    for place, new in zip(places, by, strict=True):
        place.write_bytes(Path(new).read_bytes())


def test_with_a_certificate_it_reads_writes_and_watches(ours: RegistryAccess) -> None:
    async def test() -> None:
        client = Etcd(ours)  # no user yet: etcd has no authentication, and that is not an error
        start = await client.read()
        task = asyncio.create_task(first(client.watch(start.revision)))
        await client.write(Write(put=SOME))
        assert dict((await task).changes) == SOME
        await client.close()

    run(test())


def test_without_a_certificate_or_with_a_foreign_one_nobody_gets_in(
    ours: RegistryAccess, tmp_path: Path
) -> None:
    other = Authority.at(tmp_path / "others")
    certificate, key = other.issue("agent")

    async def test(access: RegistryAccess) -> None:
        """It says so by an alert that is read, or by the end of the connection while we send (TLS 1.3)."""
        with pytest.raises((Untrusted, Unreachable)) as caught:
            await Etcd(access).read()
        assert isinstance(caught.value, Untrusted) or "certificate" in caught.value.hint

    run(test(replace(ours, certificate="", key="")))
    run(test(replace(ours, certificate=certificate, key=key)))
    with pytest.raises(Untrusted, match="certificate"):
        run(Etcd(replace(ours, ca=other.ca)).read())  # type: ignore[arg-type]


def test_plain_text_to_tls_and_tls_to_plain_text(ours: RegistryAccess, tmp_path: Path) -> None:
    async def test() -> None:
        plain = ours.endpoints[0].replace("https", "http")
        with pytest.raises((Unreachable, Refused)):
            await Etcd(replace(ours, endpoints=(plain,))).read()

    run(test())
    with etcd_cluster(tmp_path, 1) as (member,), pytest.raises((NotDone, Untrusted)):
        run(Etcd(replace(ours, endpoints=(member.url.replace("http", "https"),))).read())  # type: ignore[arg-type]


def test_a_renewed_certificate_is_used_without_a_restart(
    ours: RegistryAccess, authority: Authority, tmp_path: Path
) -> None:
    async def test() -> None:
        other = Authority.at(tmp_path / "others")
        bad = other.issue("agent")
        place = tmp_path / "agent.pem", tmp_path / "agent.key"
        replace_files(place, bad)
        client = Etcd(replace(ours, certificate=str(place[0]), key=str(place[1])))
        with pytest.raises((Untrusted, Unreachable)):
            await client.read()
        replace_files(place, authority.issue("renewed"))
        await client.read()
        place[0].write_text("half a file")
        await client.close()
        with pytest.raises(Refused, match="not a certificate"):
            await client.read()

    run(test())


def test_authentication_is_set_up_once_continued_when_killed_and_left_alone_afterwards(
    etcd: Member, authority: Authority, ours: RegistryAccess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killed after each of its changes in turn. All that follows needs the state that this leaves, so it is one test."""
    before = auth._Setting._change
    done = 0
    changed = tmp_path / "changed"
    changed.write_text("changed")

    async def one_change_then_death(self: Any, path: str, body: Any) -> None:
        nonlocal done
        await before(self, path, body)
        if path.endswith(("add", "grant", "enable")):
            done += 1
            raise Killed(path)

    async def test() -> None:
        old = Etcd(ours)
        await old.write(Write(put=SOME))
        monkeypatch.setattr(auth._Setting, "_change", one_change_then_death)
        for _ in range(20):
            try:
                await ensure_auth(ours, ROOT)
                break
            except Killed:
                continue
        monkeypatch.setattr(auth._Setting, "_change", before)
        assert done == 8  # 2 roles, 1 reach, 2 users with their role, enabled
        assert await ensure_auth(ours, ROOT) is False

        # who began without authentication goes on with it
        assert (await old.read()).records == SOME
        await _reads_writes_and_watches(Etcd(ours))
        for refused in (
            Etcd(replace(ours, prefix="/trimtab/neighbour")),
            Etcd(replace(ours, prefix="/trimtab")),
            Etcd(replace(ours, user="")),
            Etcd(replace(ours, user="nobody")),
        ):
            with pytest.raises(Refused):
                await refused.read()
            with pytest.raises(Refused):
                await refused.write(Write(put=SOME))
        with pytest.raises(Refused):
            await ensure_auth(ours, "not the password")

        # etcd 3.4: once authentication is on, the gateway refuses certificates with a common name
        named, key = authority.issue("named", "hk-proxy-1")
        with pytest.raises(Refused) as caught:
            await Etcd(replace(ours, certificate=named, key=key)).read()
        assert "CN" in caught.value.hint

        # another password in the file is written, by whoever knows root's
        replace_files([Path(ours.password)], [changed])
        with pytest.raises(Refused):
            await Etcd(ours).read()
        assert await ensure_auth(ours, ROOT) is True
        assert (await Etcd(ours).read()).records["hand/api/b-1"] == b"1"

        # a restart forgets tokens: the client takes a new one without a word
        watching = Etcd(ours)
        start = await watching.read()
        etcd.kill()
        etcd.start()
        await eventually(watching.read, lambda _: True, "etcd is back")
        await _reads_writes_and_watches(watching)
        assert start.records

    run(test())


async def _reads_writes_and_watches(client: Etcd) -> None:
    start = await client.read()
    task = asyncio.create_task(first(client.watch(start.revision)))
    lease = await client.grant(10)
    await client.write(Write(leased={"alive/api/b-1": b"{}"}, lease=lease))
    assert (await task).changes == (("alive/api/b-1", b"{}"),)
    assert await client.keep(lease) > 0


def test_what_has_to_be_known_to_set_it_up(ours: RegistryAccess, tmp_path: Path) -> None:
    for access_, password in (
        (replace(ours, user=""), ROOT),
        (replace(ours, user="root"), ROOT),
        (replace(ours, password=""), ROOT),
        (ours, ""),
    ):
        with pytest.raises(BadInput):
            run(ensure_auth(access_, password))
    with pytest.raises(BadInput, match="has no password file"):
        Etcd(replace(ours, password=""))
    (tmp_path / "two-lines").write_text("a\nb")
    for path in (tmp_path / "none", tmp_path / "two-lines"):
        with pytest.raises(Refused, match="the password of agent"):
            run(ensure_auth(replace(ours, password=str(path)), ROOT))
