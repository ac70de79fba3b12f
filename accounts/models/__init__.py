from .access import ApiKey, Invitation, Membership
from .audit import AuditEntry
from .organisations import Brand, Organisation, TenantOwned
from .people import User

__all__ = ["ApiKey", "AuditEntry", "Brand", "Invitation", "Membership", "Organisation", "TenantOwned", "User"]
