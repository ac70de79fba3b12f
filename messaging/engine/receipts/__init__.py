"""Station 3: store a receipt by its own key, acknowledge it, then fold it into the message's state."""

from .fold import fold, fold_all
from .inbox import store_news
from .orphans import adopt_orphans

__all__ = ["adopt_orphans", "fold", "fold_all", "store_news"]
