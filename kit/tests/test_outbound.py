"""Nobody can aim our calls at our own network, make them last or make them large."""

import datetime
import ssl
import threading
import time

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kit.outbound import MOST_BYTES_READ, AddressRefused, NoAnswer, Outbound, check_url, is_public
from kit.tests.outbound import listening

PUBLIC = "93.184.215.14"
#: Waits that many seconds: what slow servers do.
dawdle = threading.Event().wait


@pytest.fixture
def connections(monkeypatch):
    """Every address somebody tried to connect to; none gets there."""
    tried = []

    def refuse(self, host, port, timeout=None, local_address=None, socket_options=None):
        tried.append((host, port))
        raise httpcore.ConnectError("not in this test")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", refuse)
    return tried


@pytest.fixture
def trusting(settings):
    settings.OUTBOUND_ALLOWED_PRIVATE = ["127.0.0.1"]


def post(url, *, resolve=None, **options):
    client = Outbound(resolve=resolve, **options)
    try:
        return client.post(url, content=b"{}", headers={"Content-Type": "application/json"})
    finally:
        client.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://0177.0.0.01/",
        "http://127.0.0.1./",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[ff02::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://localhost/",
        "http://postgres/",
        "http://a@127.0.0.1/",
        "http://hooks.example.com@127.0.0.1/",
        "http://user:secret@hooks.example.com/",
        "http://hooks.example.com:5432/",
        "http://hooks.example.com:6379/",
        "https://hooks.example.com:22/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "ftp://hooks.example.com/",
        "//hooks.example.com/",
        "hooks.example.com",
        "http://",
        "http:///path",
        "http://hooks.example.com:99999/",
        "http://\x00/",
        "http://hooks.example.com\r\n.evil.example/",
        "http://１２７.0.0.1/",
        "http://" + "a" * 500 + ".example.com/",
        "",
    ],
)
def test_an_address_that_is_not_on_the_public_web_is_refused_unasked(url, connections):
    with pytest.raises(AddressRefused):
        check_url(url)
    with pytest.raises(AddressRefused):
        post(url)

    assert connections == []


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/in?a=1", "http://hooks.example.com:80/", "https://8.8.8.8/"]
)
def test_an_address_on_the_public_web_is_taken(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        [PUBLIC, "127.0.0.1"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["169.254.169.254"],
        ["64:ff9b::a00:1"],
    ],
)
def test_a_name_with_any_private_address_is_refused_without_connecting(answers, connections):
    with pytest.raises(AddressRefused):
        post("https://hooks.example.com/", resolve=lambda host, port: answers)

    assert connections == []


def test_a_name_that_changes_its_address_is_asked_once_and_that_answer_is_used(connections):
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])

    with pytest.raises(NoAnswer):
        post("http://rebinding.example.com/", resolve=lambda host, port: next(answers))

    assert connections == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("192.0.2.1", False),
        ("::ffff:8.8.8.8", True),
        ("240.0.0.1", False),
    ],
)
def test_an_address_is_judged_by_who_can_be_behind_it(address, public):
    assert is_public(address) is public


def test_an_unknown_name_is_no_answer(connections):
    with pytest.raises(NoAnswer, match="not known"):
        post("http://hooks.example.com/", resolve=lambda host, port: [])


def test_a_trusted_host_is_called_on_any_port(trusting):
    with listening() as listener:
        reply = post(listener.url)

    assert (reply.status, reply.body, reply.is_success) == (200, b"ok", True)
    assert listener.received[0].body == b"{}"


def test_a_redirect_is_not_followed(trusting):
    def redirect(received, handler):
        handler.send_response(302)
        handler.send_header("Location", "http://169.254.169.254/")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with listening(redirect) as listener:
        reply = post(listener.url)

    assert reply.status == 302
    assert not reply.is_success
    assert len(listener.received) == 1


def test_a_proxy_in_the_environment_is_not_used(trusting, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    with listening() as listener:
        assert post(listener.url).status == 200


def test_a_cookie_is_not_kept_for_the_next_caller(trusting):
    def hand_out(received, handler):
        handler.send_response(200)
        handler.send_header("Set-Cookie", "tenant=one")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with listening(hand_out) as listener:
        client = Outbound()
        client.post(listener.url, content=b"1", headers={})
        client.post(listener.url, content=b"2", headers={})
        client.close()

    assert "cookie" not in listener.received[1].headers


def test_no_more_is_read_than_we_want(trusting):
    def flood(received, handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**10))
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x" * 65536)

    with listening(flood) as listener:
        reply = post(listener.url)

    assert len(reply.body) == MOST_BYTES_READ


@pytest.mark.parametrize("where", ["headers", "body", "silence"])
def test_a_slow_answer_ends_with_the_time_we_give_it(trusting, monkeypatch, where):
    monkeypatch.setattr("kit.outbound.TOTAL_SECONDS", 0.6)

    def drip(received, handler):
        if where == "body":
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
        for _ in range(20):
            if where != "silence":
                handler.wfile.write(b"x")
            dawdle(0.1)

    with listening(drip) as listener:
        begun = time.monotonic()
        with pytest.raises(NoAnswer):
            post(listener.url)

    assert time.monotonic() - begun < 3


def test_a_slow_name_server_ends_with_the_time_we_give_it(monkeypatch):
    monkeypatch.setattr("kit.outbound.TOTAL_SECONDS", 0.3)
    monkeypatch.setattr("kit.outbound.socket.getaddrinfo", lambda *args, **kwargs: dawdle(1) or [])

    begun = time.monotonic()
    with pytest.raises(NoAnswer, match="within"):
        post("http://hooks.example.com/")

    assert time.monotonic() - begun < 0.9


@pytest.mark.parametrize(("certified", "welcome"), [("hooks.example.com", True), ("other.example.com", False)])
def test_the_name_is_proven_although_the_checked_address_is_called(settings, tmp_path, certified, welcome, monkeypatch):
    settings.OUTBOUND_ALLOWED_PRIVATE = ["hooks.example.com"]
    key, certificate = self_signed(certified)
    (tmp_path / "both.pem").write_bytes(key + certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "both.pem")
    names = []
    server.sni_callback = lambda connection, name, context: names.append(name)
    client = ssl.create_default_context(cadata=certificate.decode())

    with listening(tls=server) as listener:
        url = f"https://hooks.example.com:{listener.port}/"
        if welcome:
            assert post(url, resolve=lambda host, port: ["127.0.0.1"], tls=client).status == 200
        else:
            with pytest.raises(NoAnswer, match="certificate"):
                post(url, resolve=lambda host, port: ["127.0.0.1"], tls=client)

    assert names == ["hooks.example.com"]


def self_signed(name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
