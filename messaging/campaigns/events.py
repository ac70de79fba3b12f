"""What campaigns announce, after commit, with ids only."""

from django.dispatch import Signal

#: A recipient file is stored and waits to be read, or to be read anew.  Facts: file_id (UUID).
file_waits = Signal()

#: A draft has many recipients whose messages are to be counted.  Facts: campaign_id (UUID).
estimate_wanted = Signal()

#: A campaign has begun, or goes on.  Facts: campaign_id (UUID).
campaign_sending = Signal()

#: A campaign's places in the queue are to follow its status.  Facts: campaign_id (UUID).
queue_disagrees = Signal()
