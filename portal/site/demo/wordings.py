"""What the demo tenants may say: senders and templates, submitted by them and decided by the reviewer."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Organisation, User
from messaging.content.actions import (
    add_words,
    approve,
    create_sender,
    create_template,
    reject,
    submit_sender,
    submit_version,
)
from messaging.content.models import Review, SenderId, TemplateVersion


def variable(name: str, example: str, *, type: str = "text", longest: int = 40) -> dict:
    return {"name": name, "type": type, "example": example, "max_length": longest}


@dataclass(frozen=True, slots=True)
class Wording:
    name: str
    category: str
    body: str
    variables: tuple[dict, ...] = ()


SHIPPED = Wording(
    "Order shipped", "notice", "Your order {order} is on its way and arrives tomorrow before 12:00.",
    (variable("order", "88213", longest=24),),
)  # fmt: skip
SHIPPED_ZH = Wording(
    "订单发货通知", "notice", "{姓名}，您好！您的订单 {订单号} 已发货，预计明天送达。如有疑问请致电客服。",
    (variable("姓名", "王佳"), variable("订单号", "4664107866", longest=24)),
)  # fmt: skip
SHIPPED_TO = Wording(
    "Order shipped, by name", "notice", "Hello {name}, your order {order} is on its way and arrives tomorrow.",
    (variable("name", "Amelia Green"), variable("order", "4664107866", longest=24)),
)  # fmt: skip
CODE = Wording(
    "Login code", "verification", "{code} is your sign-in code. It is good for 5 minutes. Tell it to nobody.",
    (variable("code", "204913", type="code", longest=8),),
)  # fmt: skip
MEMBERS_DAY = Wording(
    "会员日", "promotion", "{姓名}，会员日将于本周六开始，全场八折。拒收请回复R", (variable("姓名", "王佳"),)
)  # fmt: skip
WINTER_SALE = Wording("Winter sale", "promotion", "Winter sale: 30% off everything until Sunday. Come and see us!")
PICK_UP = Wording(
    "Ready to collect", "notice", "Your parcel {parcel} is ready. Collect it at {place} until {day}.",
    (variable("parcel", "HB-2210", longest=20), variable("place", "12 Quay Street"), variable("day", "Friday", longest=20)),
)  # fmt: skip
SPRING_OFFER = Wording(
    "Spring offer", "promotion", "Guaranteed lowest prices on all boats this spring. Reply STOP to opt out."
)

WORDS = {
    ("block", "gambling"): ("online casino", "百家乐", "博彩", "六合彩"),
    ("block", "fraud"): ("verify your bank account", "刷单", "套现", "高仿"),
    ("block", "illegal"): ("代开发票", "办证", "枪支"),
    ("warn", "claims"): ("guaranteed", "lowest prices", "国家级", "最低价", "稳赚"),
    ("warn", "finance"): ("quick loan", "贷款", "股票"),
}


def watch_words(operator: Organisation) -> None:
    with operator.scope():
        for (severity, category), words in WORDS.items():
            add_words(operator=operator, words=words, category=category, severity=severity)


def submit(organisation: Organisation, wording: Wording, *, author: User) -> Review:
    """Write a template and put it in the queue."""
    with organisation.scope():
        version = create_template(
            organisation=organisation, name=wording.name, category=wording.category, body=wording.body,
            variables=wording.variables, author=author,
        )  # fmt: skip
        return submit_version(version=version, by=author)


def submit_name(organisation: Organisation, *, kind: str, name: str, author: User) -> Review:
    """Ask for a sender."""
    with organisation.scope():
        sender = create_sender(
            organisation=organisation, kind=kind, name=name, purpose="Orders and deliveries", author=author
        )
        return submit_sender(sender=sender, by=author)


def approve_all(operator: Organisation, reviews: Sequence[Review], *, by: User) -> list[TemplateVersion | SenderId]:
    with operator.downline_scope():
        decided = [approve(review=review, by=by) for review in reviews]
    return [review.version or review.sender for review in decided]


def send_back(operator: Organisation, review: Review, *, by: User) -> None:
    with operator.downline_scope():
        reject(
            review=review, by=by, reasons=["opt_out_missing"], note="Add “Reply STOP to opt out” and submit it again."
        )
