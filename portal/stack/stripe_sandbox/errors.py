"""Refusals in Stripe's own words, so that the official SDK raises what it would raise against Stripe."""

from typing import Any


class StripeError(Exception):
    """A refusal with the status, type and code of the real API."""

    def __init__(self, message: str, *, status: int = 400, kind: str = "invalid_request_error", **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.details = {name: value for name, value in details.items() if value is not None}

    @property
    def body(self) -> dict[str, Any]:
        """What the API answers: `{"error": {...}}`."""
        return {"error": {"message": self.message, "type": self.kind, **self.details}}


def missing(kind: str, id: str, *, param: str | None = "id") -> StripeError:
    """No object of that kind has that id."""
    return StripeError(f"No such {kind}: '{id}'", status=404, code="resource_missing", param=param)


def required(param: str) -> StripeError:
    """A parameter that must be there is not."""
    return StripeError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> StripeError:
    """A parameter Stripe does not have, or one the sandbox does not play."""
    return StripeError(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def invalid(message: str, param: str, *, code: str | None = None) -> StripeError:
    """A parameter is there and is wrong."""
    return StripeError(message, param=param, code=code)
