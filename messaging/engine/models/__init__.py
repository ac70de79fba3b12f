from .counts import TrafficCount
from .messages import Message
from .receipts import CarrierReference, DeliveryReceipt, InboundMessage
from .work import Attempt, IdempotencyRecord, QueueEntry, Settlement

__all__ = [
    "Attempt",
    "CarrierReference",
    "DeliveryReceipt",
    "IdempotencyRecord",
    "InboundMessage",
    "Message",
    "QueueEntry",
    "Settlement",
    "TrafficCount",
]
