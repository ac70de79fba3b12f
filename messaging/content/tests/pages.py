"""The pages of templates, senders and reviews, and what a browser posts to them."""

from django.urls import reverse

#: What somebody may type or post anywhere, to see what happens.
HOSTILE = [
    "a\x00b",
    "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"),
    "<script>alert(1)</script>",
    "{" * 2000,
    "{{}}" * 500,
    "{a}" * 600,
    "字" * 100_000,
    "\u202e\u2028\x1b",
    "'; DROP TABLE content_review; --",
    "{0.__class__}",
    "%s %(name)s %n",
]


def page(name, *args):
    return reverse(f"messaging:{name}", args=args)


def typed(**fields):
    """The editor's fields as a browser posts them."""
    return {"name": "Parcel", "category": "notice", "body": "Hello", "sender": "", "action": "save"} | fields


def variable(name, type="text", example="Amelia", max_length="20"):
    return {"var_name": [name], "var_type": [type], "var_example": [example], "var_max_length": [max_length]}
