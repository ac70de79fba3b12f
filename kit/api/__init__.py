"""What every door for machines shares: the shape of answers and errors, reading parameters, limits, documentation."""

from .answers import (
    RETRY_AFTER_SECONDS,
    amount,
    answer_refusal,
    as_refusal,
    body_of,
    error_body,
    headers_of,
    instant,
)

__all__ = [
    "RETRY_AFTER_SECONDS",
    "amount",
    "answer_refusal",
    "as_refusal",
    "body_of",
    "error_body",
    "headers_of",
    "instant",
]
