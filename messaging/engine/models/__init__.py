from .counts import TrafficCount
from .messages import Message
from .receipts import CarrierReference, DeliveryReceipt, InboundMessage
from .work import Attempt, Claim, IdempotencyRecord, QueueEntry, Settlement

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
    "TrafficCount",
]
