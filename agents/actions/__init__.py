"""Every write of this room."""

from .accrual import accrue_commission, accrue_recent_commission
from .commission import set_commission_rule

__all__ = ["accrue_commission", "accrue_recent_commission", "set_commission_rule"]
