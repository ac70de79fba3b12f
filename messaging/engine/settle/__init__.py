"""Station 4: the transaction that moves messages to a final state also moves their money."""

from .expiry import expire_overdue
from .settling import Change, settle

__all__ = ["Change", "expire_overdue", "settle"]
