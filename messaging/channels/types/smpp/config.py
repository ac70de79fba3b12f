"""What an SMPP line must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from messaging.channels.types.base import ConfigInvalid, secret
from messaging.channels.types.smpp import pdu

BINDS = {"transceiver": pdu.BIND_TRANSCEIVER, "transmitter": pdu.BIND_TRANSMITTER, "receiver": pdu.BIND_RECEIVER}


@dataclass(frozen=True, slots=True)
class SmppConfig:
    """One bind.  The limits on names and passwords are the protocol's; everything is checked when it is made."""

    host: str
    port: int
    system_id: str
    password: str = secret()
    window: int = 200
    enquire_link_seconds: float = 30
    response_timeout_seconds: float = 20
    rate_per_second: float | None = None  # segments
    system_type: str = ""
    bind: str = "transceiver"
    tls: bool = False
    queue_seconds: float = 10  # how long a message may wait for a place in the window before it is NotSent
    reconnect_seconds: float = 0.5  # the first pause; it doubles to a minute

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


def _checks(config: SmppConfig) -> list[tuple[str, bool, str]]:
    return [
        ("host", _fits(config.host, 253) and bool(config.host), "must be a host name or address"),
        ("port", _is_number(config.port, 1, 65_535) and isinstance(config.port, int), "must be 1 to 65535"),
        ("system_id", _fits(config.system_id, 15), "must be at most 15 ASCII characters"),
        ("password", _fits(config.password, 8), "must be at most 8 ASCII characters"),
        ("system_type", _fits(config.system_type, 12), "must be at most 12 ASCII characters"),
        ("window", _is_number(config.window, 1, 10_000) and isinstance(config.window, int), "must be 1 to 10000"),
        ("enquire_link_seconds", _is_number(config.enquire_link_seconds, 0.05, 3_600), "must be up to 3600"),
        ("response_timeout_seconds", _is_number(config.response_timeout_seconds, 0.05, 600), "must be up to 600"),
        (
            "rate_per_second",
            config.rate_per_second is None or _is_number(config.rate_per_second, 0.01, 100_000),
            "must be empty or more than 0",
        ),
        ("bind", config.bind in BINDS, f"must be one of {', '.join(BINDS)}"),
        ("tls", isinstance(config.tls, bool), "must be true or false"),
        ("queue_seconds", _is_number(config.queue_seconds, 0, 600), "must be 0 to 600"),
        ("reconnect_seconds", _is_number(config.reconnect_seconds, 0.01, 60), "must be up to 60"),
    ]
