"""Reading what a caller sends: parameters of the address, and bodies of JSON."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from kit.errors import Invalid, TooLarge

MOST_A_PAGE = 200
USUAL_PAGE = 50


class Page(NamedTuple):
    """One page of a list, newest first.  `next` is the cursor of the page after it; None on the last."""

    rows: list[Any]
    next: str | None


def read_page(rows: QuerySet, query: Mapping[str, str]) -> Page:
    """The page `cursor` and `limit` ask for.  Ids are times, so the id of the last row is the cursor.

    Raises Invalid naming the parameter.
    """
    limit = read_limit(query.get("limit") or str(USUAL_PAGE))
    if cursor := query.get("cursor"):
        rows = rows.filter(pk__lt=read_id("cursor", cursor))
    found = list(rows.order_by("-pk")[: limit + 1])
    return Page(found[:limit], str(found[limit - 1].pk) if len(found) > limit else None)


def read_limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_A_PAGE:
        raise Invalid(fields={"limit": _("Use a number from 1 to %(most)d.") % {"most": MOST_A_PAGE}})
    return int(text)


def read_id(parameter: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(fields={parameter: _("This is not an id.")}) from None


def read_plain(parameter: str, text: str) -> str:
    """Text the database can look for."""
    if "\0" in text:
        raise Invalid(fields={parameter: _("This contains a NUL character.")})
    return text


class StrictJsonParser(BaseParser):
    """JSON in UTF-8, neither too large nor too deep, without halves of characters."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge(limit=most)
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ParseError(_("This is not JSON: %(why)s") % {"why": error}) from None
        except RecursionError:
            raise ParseError(_("This JSON is nested too deeply.")) from None
