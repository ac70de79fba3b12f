"""What a send request looks like, and where it is wrong."""

from typing import Annotated, Any

import msgspec

from kit.errors import Invalid, TooLarge

MOST_MESSAGES = 1_000
LONGEST_BODY_BYTES = 4 * 1024 * 1024

#: No control characters: nobody means them, and the database refuses NUL.
PLAIN = r"^[^\x00-\x1f\x7f]*\Z"
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=PLAIN)]
Reference = Annotated[str, msgspec.Meta(max_length=64, pattern=PLAIN)]
Values = dict[Annotated[str, msgspec.Meta(max_length=64)], Annotated[str, msgspec.Meta(max_length=2_000)]]


class Recipient(msgspec.Struct, forbid_unknown_fields=True):
    """One of many: its number, the values of its variables, the caller's own reference."""

    to: Number
    variables: Values = {}
    reference: Reference = ""


class SendRequest(msgspec.Struct, forbid_unknown_fields=True):
    """One message (`to`) or up to 1,000 (`messages`), by an approved template or as free text that was approved."""

    to: Number | None = None
    messages: Annotated[list[Recipient], msgspec.Meta(min_length=1, max_length=MOST_MESSAGES)] | None = None
    template: Name | None = None
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)] | None = None
    sender: Name | None = None
    variables: Values = {}
    reference: Reference = ""

    @property
    def recipients(self) -> list[Recipient]:
        if self.messages is not None:
            return self.messages
        return [Recipient(self.to or "", self.variables, self.reference)]


_decoder = msgspec.json.Decoder(SendRequest)


def read_request(body: bytes) -> SendRequest:
    """Decode and check the form of a send request.  Raises Invalid naming the field and what is wrong with it, TooLarge."""
    if len(body) > LONGEST_BODY_BYTES:
        raise TooLarge(limit=LONGEST_BODY_BYTES)
    try:
        request = _decoder.decode(body)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        problem = "This contains a control character." if "matching regex" in problem else problem
        raise Invalid(fields={path.strip("`.") or "": problem}) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(fields={"": f"This is not JSON: {error}"}) from None
    except RecursionError:
        raise Invalid(fields={"": "This JSON is nested too deeply."}) from None
    if problems := _contradictions(request):
        raise Invalid(fields=problems)
    return request


def _contradictions(request: SendRequest) -> dict[str, Any]:
    problems = {}
    if (request.to is None) == (request.messages is None):
        problems["to"] = "Give either `to` for one message or `messages` for many."
    if (request.template is None) == (request.text is None):
        problems["template"] = "Give either `template` or `text`."
    if request.messages is not None and (request.variables or request.reference):
        problems["variables"] = "With `messages`, variables and references belong to each message."
    if request.text is not None and (request.variables or any(one.variables for one in request.messages or ())):
        problems["variables"] = "Variables belong to a template; `text` is sent as it is."
    return problems
