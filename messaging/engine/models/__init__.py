from .counts import TrafficCount
from .messages import Message
from .receipts import CarrierReference, DeliveryReceipt, InboundMessage
from .work import Attempt, Claim, IdempotencyRecord, QueueEntry, Settlement, SweepProgress

__all__ = [
    "Attempt",
    "CarrierReference",
    "Claim",
    "DeliveryReceipt",
    "IdempotencyRecord",
    "InboundMessage",
    "Message",
    "QueueEntry",
    "Settlement",
    "SweepProgress",
    "TrafficCount",
]
