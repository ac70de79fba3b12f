"""Examples that leave nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def undone() -> Iterator[None]:
    """What the block writes is gone afterwards: each example of a property finds the world as it was."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
