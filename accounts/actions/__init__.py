"""Every write of this room."""

from .keys import create_api_key, revoke_api_key
from .organisations import (
    create_organisation,
    end_trial,
    move_organisation,
    resume_organisation,
    suspend_organisation,
    update_organisation,
)
from .people import sign_up_invited, update_profile
from .sessions import end_sessions, forget_ended_sessions
from .team import accept_invitation, change_role, invite_member, remove_member, revoke_invitation

__all__ = [
    "accept_invitation",
    "change_role",
    "create_api_key",
    "create_organisation",
    "end_sessions",
    "end_trial",
    "forget_ended_sessions",
    "invite_member",
    "move_organisation",
    "remove_member",
    "resume_organisation",
    "revoke_api_key",
    "revoke_invitation",
    "sign_up_invited",
    "suspend_organisation",
    "update_organisation",
    "update_profile",
]
