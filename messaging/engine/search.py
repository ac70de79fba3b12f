"""What somebody may mean by a few characters in the search box."""

import re
from dataclasses import dataclass, field

from accounts.models import Organisation
from kit.ids import id_in
from messaging.content.models import MessageTemplate, SenderId

from .filters import number_of
from .models import Message
from .queries import messages_for

MOST_MESSAGES, MOST_NAMES = 20, 10
_NUMBER = re.compile(r"[+(]?[\d\s().-]{5,30}")


@dataclass(frozen=True, slots=True)
class Found:
    """What fits.  `exact` is the message whose id was typed."""

    exact: Message | None = None
    messages: list[Message] = field(default_factory=list)
    templates: list[MessageTemplate] = field(default_factory=list)
    senders: list[SenderId] = field(default_factory=list)
    is_number: bool = False

    @property
    def is_nothing(self) -> bool:
        return not (self.messages or self.templates or self.senders)


def found_in(organisation: Organisation, words: str) -> Found:
    """Messages by id, number or reference; templates and senders by a part of their name.  Four queries at most."""
    if not words:
        return Found()
    if (id := id_in(words)) and (message := messages_for(organisation).filter(pk=id).first()):
        return Found(exact=message)
    is_number = bool(_NUMBER.fullmatch(words))
    by = {"recipient": number_of(words, organisation.country)} if is_number else {"client_reference": words}
    messages = list(messages_for(organisation).filter(**by)[:MOST_MESSAGES])
    if is_number and not messages:  # a reference may be made of digits too
        messages = list(messages_for(organisation).filter(client_reference=words)[:MOST_MESSAGES])
    named = {"organisation": organisation, "name__icontains": words}
    return Found(
        messages=messages,
        templates=list(MessageTemplate.objects.filter(**named, archived_at=None).order_by("name")[:MOST_NAMES]),
        senders=list(SenderId.objects.filter(**named).order_by("name")[:MOST_NAMES]),
        is_number=is_number,
    )
