"""Every write of this room."""

from .drafts import create_draft, set_file, set_message, set_schedule
from .files import set_reading, upload_file
from .running import cancel_campaign, pause_campaign, resume_campaign, start_campaign

__all__ = [
    "cancel_campaign",
    "create_draft",
    "pause_campaign",
    "resume_campaign",
    "set_file",
    "set_message",
    "set_reading",
    "set_schedule",
    "start_campaign",
    "upload_file",
]
