"""Every read of this room.  Each runs in the scope its caller has entered: an agent's downline scope, but for brands."""

from .brands import BrandView, brand_for_host
from .downline import Account, Downline, Figures, Rung, account_of, downline
from .prices import PriceLine, price_lines, price_list_of, price_lists_of
from .statements import Line, MonthTotal, Statement, months_of, statement

__all__ = [
    "Account",
    "BrandView",
    "Downline",
    "Figures",
    "Line",
    "MonthTotal",
    "PriceLine",
    "Rung",
    "Statement",
    "account_of",
    "brand_for_host",
    "downline",
    "months_of",
    "price_lines",
    "price_list_of",
    "price_lists_of",
    "statement",
]
