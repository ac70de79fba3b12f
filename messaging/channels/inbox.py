"""Where a line's news goes.  The engine, upstairs, says who stores it: channels only know that somebody does."""

from collections.abc import Callable, Sequence
from uuid import UUID

from .types.base import Channel, RawDeliver

StoreNews = Callable[..., None]
_store: StoreNews | None = None


def keep_with(store: StoreNews) -> None:
    """Name the one who stores news: called with channel_id, channel and news; on disk when it returns."""
    global _store
    _store = store


def store(*, channel_id: UUID, channel: Channel, news: Sequence[RawDeliver]) -> None:
    """Store a line's news.  Raises RuntimeError while nobody was named, so that the carrier sends it again."""
    if _store is None:
        raise RuntimeError("nobody stores what carriers say")
    _store(channel_id=channel_id, channel=channel, news=news)
