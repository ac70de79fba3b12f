"""Every write of this room."""

from .accounts import NewAccount, create_sub_account, resume_account
from .accrual import accrue_commission, accrue_recent_commission
from .brand import Look, update_brand
from .commission import set_commission_rule
from .credit import give_credit, returnable_credit, take_credit
from .prices import assign_price_list, create_price_list, publish_prices, set_sub_account_prices

__all__ = [
    "Look",
    "NewAccount",
    "accrue_commission",
    "accrue_recent_commission",
    "assign_price_list",
    "create_price_list",
    "create_sub_account",
    "give_credit",
    "publish_prices",
    "resume_account",
    "returnable_credit",
    "set_commission_rule",
    "set_sub_account_prices",
    "take_credit",
    "update_brand",
]
