from django.dispatch import Signal

#: A channel's carrier is in trouble and is left alone for now.  Facts: channel_id.
channel_avoided = Signal()
