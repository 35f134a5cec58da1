"""Valid but odd estates: names at their limits, odd ports, long lists, single hosts, all kinds of pools; by a seed."""

from __future__ import annotations

import random

CHARACTERS = "ab%20._~!&()*+,;=:@%/-"
VALUES = ("default", "~a", "include", "a b c", "v" * 900, "#", "***", "%")


def odd_estate(seed: int, engine: str, platform: str) -> str:
    """One estate's file."""
    return _Maker(random.Random(seed), engine).text(platform)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _listed(values: list[str]) -> str:
    return "[" + ", ".join(values) + "]"


class _Maker:
    def __init__(self, chance: random.Random, engine: str) -> None:
        self.chance, self.engine = chance, engine
        self.zone = self.one("z.example", "a." * 20 + "example", "x" * 63 + ".example")
        self.registry, self.anycast = self.maybe(0.6), self.maybe(0.5)
        self.backend, self.spare, self.store = self.name("b"), self.name("c"), self.name("d")
        self.pools = [self.name(f"p{n}") for n in range(self.one(1, 3, 30))]

    def one(self, *values):  # type: ignore[no-untyped-def]
        return self.chance.choice(values)

    def maybe(self, probability: float = 0.3) -> bool:
        return self.chance.random() < probability

    def name(self, begin: str) -> str:
        return self.one(
            begin, (begin + "-" + "x" * 20)[:20], (begin + "-" * 20)[:20], (begin + "0" * 20)[:20]
        )

    def path(self, more: str = "") -> str:
        return "/" + "".join(self.chance.choice(CHARACTERS + more) for _ in range(self.one(0, 5, 900)))

    def host(self, number: str) -> str:
        short = f"h{number}.{self.zone}"
        labels, left = "", 253 - len(short)
        while left > 1:
            label = "l" * min(63, left - 1)
            labels, left = f"{labels}.{label}", left - len(label) - 1
        return self.one(short, f"h{number}{labels}.{self.zone}")

    def text(self, platform: str) -> str:
        parts = (self.head(platform), self.sites(), self.services(), self.all_pools(), self.tail())
        return "".join(parts)

    def head(self, platform: str) -> str:
        connect, other = self.one("1ms", "2s", "1h"), self.one("1ms", "30s", "1000000s")
        proxy = (
            f"engine: {self.engine}, maxconn: {self.one(100, 20000)}, compress: {self.one('true', 'false')}"
        )
        proxy += f", upstream_keepalive: {self.one(0, 32, 10000)}, timeouts: {{connect: {connect}, client: {other}, server: {other}}}"
        router = f"bfd: {self.one('10ms x 2', '10s x 50')}, hold: {self.one('3s', '65535s')}"
        vrrp = f"advert: {self.one('10ms', '40.95s')}, priorities: {self.one('[254]', '[2, 1]')}, preempt: {self.one('true', 'false')}"
        groups = f"{self.backend}: {{id: 15, roles: [backend]}}, {self.spare}: {{id: 1, roles: [backend]}}"
        edge = ", anycast: {prefixes: [203.0.113.0/24, 2001:db8:ffff::/48]}" if self.anycast else ""
        return (
            f"estate: {self.name('e')}\nzone: {self.zone}\n" + (f"platform: {platform}\n" if platform else "")
            + f"tiers: {{proxy: {{{proxy}}}, router: {{{router}}}}}\n"
            + f"vrrp: {{{vrrp}, garp_refresh: {self.one('0s', '3600s')}}}\n"
            + f"groups: {{{groups}, {self.store}: {{id: 15, roles: [store]}}}}\nedge: {{asn: 4294967294{edge}}}\n"
        )  # fmt: skip

    def sites(self) -> str:
        found = "sites:\n"
        for number, id_ in enumerate(
            self.chance.sample([1, 2, 15, 16, 99, 127, 128, 200], self.one(1, 2, 3))
        ):
            hosts = (
                f"router: {self.one(1, 2, 5)}, proxy: {self.one(1, 2, 3)}, {self.backend}: {self.one(1, 3)}"
            )
            hosts += f", {self.spare}: {self.one(0, 1)}, {self.store}: {self.one(1, 3)}"
            hosts += f", registry: {self.one(1, 3)}" if self.registry else ""
            found += f"  {self.name(f's{number}')}:\n    id: {id_}\n    at: [{self.one('-90', '0')}, {self.one('-180', '180')}]\n"
            found += f"    hosts: {{{hosts}}}\n    upstreams:\n"
            for index in range(self.one(1, 2)):
                peers = [
                    f"198.51.{100 + number}.{16 * index + 1}",
                    f"2001:db8:ff01:{number}::{16 * index + 1:x}",
                ]
                chosen = _listed(self.one(peers, peers[:1], peers[1:]))
                more = ", password: env:A" if self.maybe() else ""
                found += f"      {self.name(f'u{index}')}: {{asn: {self.one(64500, 1, 64496)}, "
                found += f"peer: {chosen}, prepend: {self.one(0, 10)}{more}}}\n"
        return found

    def services(self) -> str:
        found = "services:\n"
        for number in range(self.one(1, 2, 6)):
            hosts = [self.host(f"{number}-{n}") for n in range(self.one(1, 2, 90))]
            by = self.one("percent", "header", "cookie")
            routes = [self.route(hosts, by) for _ in range(self.one(0, 5, 60))]
            found += (
                f"  {self.name(f'v{number}')}:\n    names: {_listed(hosts)}\n    vip: {self.one(1, 2, 43)}\n"
            )
            found += "    address: anycast\n" if self.anycast and self.maybe() else ""
            found += f"    tls: {{hsts: {self.one('0s', '100y')}}}\n    routes:\n"
            found += "".join(f"      - {route}\n" for route in [*routes, f"{{pool: {self.pools[0]}}}"])
        return found

    def route(self, hosts: list[str], by: str) -> str:
        parts = [f"path: {_quoted(self.path())}"] if self.maybe(0.7) else []
        if self.maybe():
            parts.append("suffix: " + _listed([f".s{n}" for n in range(self.one(1, 30))]))
        if self.maybe():
            headers = (
                f"x-{n}-{'h' * self.one(1, 50)}: {_quoted(self.one(*VALUES))}" for n in range(self.one(1, 4))
            )
            parts.append("header: {" + ", ".join(headers) + "}")
        if self.maybe():
            parts.append(
                "method: " + _listed(["GET", "DEFAULT", "X" * 64, *(f"M{n}" for n in range(self.one(0, 40)))])
            )
        if self.maybe():
            parts.append("host: " + _listed(hosts[: self.one(1, 80)]))
        if self.maybe():
            parts.append(f"expires: {self.one('0s', '1us', '100y')}")
        return "{" + ", ".join([*parts, self.target(by)]) + "}"

    def target(self, by: str) -> str:
        some = self.chance.sample(self.pools, min(len(self.pools), self.one(1, 2, 32)))
        return self.one(
            f"pool: {self.chance.choice(self.pools)}",
            "split: {" + ", ".join(f"{pool}: 1" for pool in some) + f"}}, by: {by}",
            'redirect: "https://r.example/a%20b%?#@!&()*+,;="',
        )

    def all_pools(self) -> str:
        return "pools:\n" + "".join(f"  {name}: {{{self.pool(n)}}}\n" for n, name in enumerate(self.pools))

    def pool(self, number: int) -> str:
        kinds = ["hosts", "members", *(["discover"] if self.registry else [])]
        kind, spare = self.chance.choice(kinds), self.maybe()
        parts = [f"hosts: {self.backend}, port: {self.one(1, 80, 65535)}"]
        if kind == "discover":
            parts = [
                f"discover: {self.name(f'r{number}')}, port: {8000 + number}, slots: {self.one(1, 1000)}"
            ]
        elif kind == "members":
            parts = ["members: " + _listed([self.member(n) for n in range(self.one(1, 2, 100))])]
        if kind != "members":
            parts += [f"backup: {self.spare}"] if spare else [f"panic: {self.one('0%', '33.3%')}"]
            parts += ["across: nearest"] if self.engine == "haproxy" and self.maybe() else []
        balance = self.one("roundrobin", "leastconn", "source", "uri", "random", "first", "header")
        parts += [f"balance: {balance}", *(["header: x-user"] if balance == "header" else [])]
        if self.maybe():
            name = self.one("m", "a-b-" + "c" * 60)
            parts.append(
                f"sticky: {{by: {self.one('cookie', 'table')}, name: {name}, expire: {self.one('1s', '24d')}}}"
            )
        retries = self.one(0, 3, 10)
        parts += [
            f"retries: {retries}",
            *([f"answer: {self.one('50ms', '1h')}"] if retries and self.maybe() else []),
        ]
        return ", ".join([*parts, self.check()])

    def member(self, number: int) -> str:
        address = self.one(f"192.0.2.{number + 1}", f"'2001:db8:aa::{number:x}'")
        return f"{{address: {address}, port: {1 + 600 * number}, weight: {self.one(0, 1, 256)}, backup: {self.one('true', 'false')}}}"

    def check(self) -> str:
        ask = self.one(f"get: {_quoted(self.path('?'))}, ", f"head: {_quoted(self.path('?'))}, ", "")
        codes = _listed([str(code) for code in range(100, self.one(101, 600))])
        times = f"every: {self.one('50ms', '3600s')}, fast: {self.one('20ms', '3600s')}, timeout: {self.one('10ms', '3600s')}"
        return f"check: {{{ask}{times}, fall: {self.one(1, 100)}, rise: {self.one(1, 100)}, expect: {codes}}}"

    def tail(self) -> str:
        stores = (
            f"stores: {{{self.name('st')}: {{kind: etcd, hosts: {self.store}}}}}\n" if self.maybe(0.5) else ""
        )
        kernel = "kernel: {somaxconn: 2147483647, conntrack: 1000000000, sysctl: {vm.swappiness: 0}}\n"
        return stores + (kernel if self.maybe() else "")
