"""What production takes from its secret store, made up for the twin: a throwaway CA, certificates, BGP passwords."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trimtab.daemons import pki
from trimtab.daemons.announcing import password_file
from trimtab.daemons.artifact import Artifact
from trimtab.estate.inventory import Host, Inventory

LIFE = timedelta(days=7)
SERVER = [ExtendedKeyUsageOID.SERVER_AUTH]
SERVER_AND_CLIENT = [*SERVER, ExtendedKeyUsageOID.CLIENT_AUTH]


def _alternatives(names: tuple[str, ...], addresses: tuple[str, ...]) -> list[x509.GeneralName]:
    return [*map(x509.DNSName, names), *(x509.IPAddress(ip_address(each)) for each in addresses)]


def _usage(*, signs: bool) -> x509.KeyUsage:
    """RFC 5280, 4.2.1.3: a CA has to say that it signs, and Python 3.13 refuses one that does not."""
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


class ThrowawayCa:
    """A P-256 CA that lives as long as this object; `pem` is its certificate."""

    def __init__(self, name: str, now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} throwaway CA")])
        self._cert = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = self._cert.public_bytes(serialization.Encoding.PEM).decode()

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(hours=1))
            .not_valid_after(self._now + LIFE)
        )

    def issue(self, names: tuple[str, ...], addresses: tuple[str, ...] = ()) -> tuple[str, str]:
        """(certificate, key) in PEM for the DNS names; with addresses it is a host's: for servers and clients."""
        key = ec.generate_private_key(ec.SECP256R1())
        # etcd's gateway refuses certificates with a common name once it authenticates; RFC 5280, 4.1.2.6 allows none
        subject = [] if addresses else [x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]
        cert = (
            self._builder(x509.Name(subject), key.public_key())
            .add_extension(x509.SubjectAlternativeName(_alternatives(names, addresses)), bool(addresses))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(SERVER_AND_CLIENT if addresses else SERVER), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        return cert.public_bytes(serialization.Encoding.PEM).decode(), private


def certificate_files(inventory: Inventory, ca: ThrowawayCa) -> tuple[Artifact, ...]:
    """Certificate, key and both in one, for every service, as the proxies expect them."""
    found: list[Artifact] = []
    for name, service in sorted(inventory.estate.services.items()):
        certificate, key = ca.issue(service.names)
        base = f"/etc/trimtab/tls/{name}"
        found += [
            Artifact(f"{base}.crt", certificate),
            Artifact(f"{base}.key", key, mode=0o600),
            Artifact(f"{base}.pem", certificate + key, mode=0o600),
        ]
    return tuple(found)


def bgp_passwords(inventory: Inventory) -> dict[str, str]:
    """`site/upstream` → a password, for every session that states one."""
    return {
        f"{site}/{name}": secrets.token_hex(16)
        for site, declared in inventory.estate.sites.items()
        for name, upstream in declared.upstreams.items()
        if upstream.password
    }


def password_files(inventory: Inventory, site: str, passwords: dict[str, str]) -> tuple[Artifact, ...]:
    """The `password` lines that a router of the site includes."""
    return tuple(
        Artifact(password_file(name), f'password "{passwords[f"{site}/{name}"]}";\n', mode=0o600)
        for name in sorted(inventory.estate.sites[site].upstreams)
        if f"{site}/{name}" in passwords
    )


def registry_passwords() -> tuple[str, str]:
    """The agents' password of every registry, for an operator may ask them all, and root's. UUIDs: Consul's tokens are."""
    return str(uuid4()), str(uuid4())


def host_files(host: Host, ca: ThrowawayCa, passwords: tuple[str, str]) -> tuple[Artifact, ...]:
    """A host's own certificate and the passwords of the registries; root's only on their own hosts."""
    certificate, key = ca.issue((host.name,), (host.v4, host.v6, "127.0.0.1"))
    found = [
        Artifact(pki.CA, ca.pem),
        Artifact(pki.CERTIFICATE, certificate),
        Artifact(pki.KEY, key, mode=0o600),
        Artifact(pki.PASSWORD, f"{passwords[0]}\n", mode=0o600),
    ]
    if host.does("registry"):
        found.append(Artifact(pki.ROOT_PASSWORD, f"{passwords[1]}\n", mode=0o600))
    return tuple(found)
