"""Station 1: the one door.  Validated, rendered, screened, priced, paid for, stored and queued, or none of it."""

from .acceptance import accept_messages
from .drafts import Accepted, AcceptedMessage, Draft, Refusal

__all__ = ["Accepted", "AcceptedMessage", "Draft", "Refusal", "accept_messages"]
