"""Every write of this room."""

from .reviews import approve, claim_review, reject, release_review
from .senders import create_sender, edit_sender, submit_sender
from .templates import archive_template, create_template, edit_draft, new_version, submit_version
from .words import add_words, remove_word

__all__ = [
    "add_words",
    "approve",
    "archive_template",
    "claim_review",
    "create_sender",
    "create_template",
    "edit_draft",
    "edit_sender",
    "new_version",
    "reject",
    "release_review",
    "remove_word",
    "submit_sender",
    "submit_version",
]
