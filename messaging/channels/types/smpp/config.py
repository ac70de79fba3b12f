"""What an SMPP line must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from messaging.channels.types.base import ConfigInvalid, one_of, secret
from messaging.channels.types.smpp import parts, pdu
from messaging.channels.types.smpp.names import NAMINGS

#: What is bound for each way to bind.
BINDS = {
    "transceiver": (pdu.BIND_TRANSCEIVER,),
    "pair": (pdu.BIND_TRANSMITTER, pdu.BIND_RECEIVER),
    "transmitter": (pdu.BIND_TRANSMITTER,),
    "receiver": (pdu.BIND_RECEIVER,),
}

MOST_BINDS = 32


@dataclass(frozen=True, slots=True)
class SmppConfig:
    """One line to a carrier, of one or several binds; `docs/smpp.md` tells what each setting is for.

    The limits on names and passwords are the protocol's.  Everything is checked when it is made.
    """

    host: str
    port: int
    system_id: str
    password: str = secret()
    window: int = 300
    enquire_link_seconds: float = 30
    response_timeout_seconds: float = 20
    rate_per_second: float | None = None  # segments
    system_type: str = ""
    bind: str = one_of(*BINDS)
    binds: int = 1
    tls: bool = False
    queue_seconds: float = 10  # how long a message may wait for a place in the window before it is NotSent
    reconnect_seconds: float = 0.5  # the first pause; it doubles to a minute
    tls_any_certificate: bool = False  # encrypted to whoever answers: for tests only
    tls_ca_file: str = ""  # PEM; empty trusts what the system trusts
    long_messages: str = one_of(*parts.WAYS)
    gsm7: str = one_of("unpacked", "packed")
    latin1: bool = False
    data_coding_gsm7: int | None = None
    data_coding_latin1: int | None = None
    data_coding_ucs2: int | None = None
    source_ton: int | None = None
    source_npi: int | None = None
    destination_ton: int | None = None
    destination_npi: int | None = None
    validity: str = one_of("relative", "absolute", "none")
    receipt_ids: str = one_of(*NAMINGS)
    receipt_format: str = one_of("auto", "parameters", "text")
    query_after_minutes: int | None = None

    def __post_init__(self) -> None:
        errors = {name: reason for name, is_right, reason in _checks(self) if not is_right}
        if errors:
            raise ConfigInvalid(errors)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SmppConfig:
        """Make a config from stored settings; ConfigInvalid names what is missing, unknown or wrong."""
        known = {field.name: field for field in fields(cls)}
        errors = {name: "is not a setting of an SMPP channel" for name in values if name not in known}
        for name in ("host", "port", "system_id", "password"):
            if values.get(name) in (None, ""):
                errors[name] = "is needed"
        if errors:
            raise ConfigInvalid(errors)
        return cls(**values)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


def _fits(value: Any, longest: int) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= longest


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and _is_number(value, low, high)


def _checks(config: SmppConfig) -> list[tuple[str, bool, str]]:
    return [*_connection_checks(config), *_pace_checks(config), *_wording_checks(config)]


def _connection_checks(config: SmppConfig) -> list[tuple[str, bool, str]]:
    return [
        ("host", _fits(config.host, 253) and bool(config.host), "must be a host name or address"),
        ("port", _is_whole(config.port, 1, 65_535), "must be 1 to 65535"),
        ("system_id", _fits(config.system_id, 15), "must be at most 15 ASCII characters"),
        ("password", _fits(config.password, 8), "must be at most 8 ASCII characters"),
        ("system_type", _fits(config.system_type, 12), "must be at most 12 ASCII characters"),
        ("binds", _is_whole(config.binds, 1, MOST_BINDS), f"must be 1 to {MOST_BINDS}"),
        ("tls", isinstance(config.tls, bool), "must be true or false"),
        ("tls_any_certificate", isinstance(config.tls_any_certificate, bool), "must be true or false"),
        ("tls_ca_file", _fits(config.tls_ca_file, 253), "must be the path of a PEM file on the workers"),
    ]


def _pace_checks(config: SmppConfig) -> list[tuple[str, bool, str]]:
    return [
        ("window", _is_whole(config.window, 1, 10_000), "must be 1 to 10000"),
        ("enquire_link_seconds", _is_number(config.enquire_link_seconds, 0.05, 3_600), "must be up to 3600"),
        ("response_timeout_seconds", _is_number(config.response_timeout_seconds, 0.05, 600), "must be up to 600"),
        (
            "rate_per_second",
            config.rate_per_second is None or _is_number(config.rate_per_second, 0.01, 100_000),
            "must be empty or more than 0",
        ),
        ("queue_seconds", _is_number(config.queue_seconds, 0, 600), "must be 0 to 600"),
        ("reconnect_seconds", _is_number(config.reconnect_seconds, 0.01, 60), "must be up to 60"),
        (
            "query_after_minutes",
            config.query_after_minutes is None or _is_whole(config.query_after_minutes, 1, 10_080),
            "must be empty or 1 to 10080",
        ),
    ]


def _wording_checks(config: SmppConfig) -> list[tuple[str, bool, str]]:
    choices = [(field.name, field.metadata["choices"]) for field in fields(config) if "choices" in field.metadata]
    codings = ("data_coding_gsm7", "data_coding_latin1", "data_coding_ucs2")
    types = ("source_ton", "source_npi", "destination_ton", "destination_npi")
    return [
        *((name, getattr(config, name) in known, f"must be one of {', '.join(known)}") for name, known in choices),
        *((name, _is_octet(getattr(config, name), 255), "must be empty or 0 to 255") for name in codings),
        *((name, _is_octet(getattr(config, name), 18), "must be empty or 0 to 18") for name in types),
        ("latin1", isinstance(config.latin1, bool), "must be true or false"),
    ]


def _is_octet(value: Any, high: int) -> bool:
    return value is None or _is_whole(value, 0, high)
