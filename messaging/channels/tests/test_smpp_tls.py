"""SMPP over TLS: the carrier's certificate is checked, and nothing is said to a stranger."""

import ssl
import uuid
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from messaging.channels.types.base import NotSent, Outgoing, Sent
from messaging.channels.types.smpp.link import SmppChannel
from messaging.channels.types.smpp.testing import PASSWORD, scripted_carrier


@pytest.fixture
def certificate(tmp_path):
    """The path of a certificate for 127.0.0.1 with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "carrier.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def send_one_over_tls(certificate, **options):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with scripted_carrier(ssl=context) as carrier:
        channel = SmppChannel(
            {
                "host": "127.0.0.1",
                "port": carrier.port,
                "system_id": "demo",
                "password": PASSWORD,
                "tls": True,
                **options,
            }
        )
        channel.open()
        [outcome] = channel.send([Outgoing(uuid.uuid4(), "S", "+447700900123", "Hello", "gsm7", 1, 1)])
        error = channel.state().last_error
        channel.close()
        return outcome, error


def test_a_carrier_we_trust_is_spoken_to_over_tls(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    outcome, error = send_one_over_tls(certificate)

    assert isinstance(outcome, Sent)
    assert error == ""


def test_a_carrier_whose_certificate_nobody_vouches_for_hears_nothing(certificate):
    outcome, error = send_one_over_tls(certificate)

    assert isinstance(outcome, NotSent)
    assert "certificate" in error.lower()


def test_a_carrier_may_be_trusted_by_a_file_of_its_own(certificate):
    outcome, error = send_one_over_tls(certificate, tls_ca_file=str(certificate))

    assert isinstance(outcome, Sent)
    assert error == ""


def test_a_file_of_authorities_that_is_not_there_is_named(certificate):
    outcome, error = send_one_over_tls(certificate, tls_ca_file="/nowhere/ca.pem")

    assert isinstance(outcome, NotSent)
    assert "/nowhere/ca.pem" in error


def test_any_certificate_is_taken_only_when_that_is_asked_for(certificate):
    outcome, _error = send_one_over_tls(certificate, tls_any_certificate=True)

    assert isinstance(outcome, Sent)
