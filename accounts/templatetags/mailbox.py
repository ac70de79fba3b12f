from django import template
from django.conf import settings

from accounts.views.mailbox import is_local

register = template.Library()


@register.inclusion_tag("accounts/_mailbox_hint.html", takes_context=True)
def mailbox_hint(context) -> dict:
    """On a laptop without a mail server: where the mail that was just sent can be read.  Elsewhere nothing."""
    request = context.get("request")
    return {"is_shown": settings.SHOW_MAILBOX and request is not None and is_local(getattr(request, "address", None))}
