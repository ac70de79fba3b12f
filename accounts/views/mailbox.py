"""The mail a laptop sends, for a browser on that laptop: confirmation links without a mail server."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

MOST_SHOWN = 20
SEPARATOR = b"-" * 79  # between the messages of one file of Django's file backend


@never_cache
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """The last messages, newest first; nothing here unless SHOW_MAILBOX is set and the browser is on this machine."""
    if not settings.SHOW_MAILBOX or not is_local(request.address):
        raise Http404
    return render(request, "accounts/mailbox.html", {"letters": list(letters(Path(settings.EMAIL_FILE_PATH)))})


def is_local(address: str | None) -> bool:
    return address is not None and ipaddress.ip_address(address).is_loopback


def letters(folder: Path) -> Iterator[dict]:
    files = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)
    found = (part for file in files[:MOST_SHOWN] for part in reversed(file.read_bytes().split(SEPARATOR)))
    for part, _ in zip((part for part in found if part.strip()), range(MOST_SHOWN), strict=False):
        message: EmailMessage = message_from_bytes(part.strip(), policy=default)
        body = message.get_body(("plain",))
        yield {
            "subject": message["subject"],
            "to": message["to"],
            "at": message["date"].datetime.replace(tzinfo=UTC),  # Django writes it in UTC, as "-0000"
            "text": body.get_content() if body else "",
        }
