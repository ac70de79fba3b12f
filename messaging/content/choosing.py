"""What a machine names by id or name, looked up among what is approved."""

from accounts.models import Organisation
from kit.errors import Invalid, NotFound
from kit.ids import id_in

from .errors import both
from .models import SenderId, TemplateVersion
from .queries import approved_senders_of, approved_versions_of, sendable_by_ids, sendable_sender, sendable_version


def version_and_sender_named(
    organisation: Organisation, template: str, sender: str | None
) -> tuple[TemplateVersion, SenderId]:
    """What `version_named` and `sender_named` find; one round trip where both are given by id.

    Raises what they raise; where neither can be used, the refusal says so of both.
    """
    id, sender_id = id_in(template), id_in(sender or "")
    found = sendable_by_ids(organisation, id, sender_id) if id and sender_id else None
    return found or both(lambda: version_named(organisation, template), lambda: sender_named(organisation, sender))


def version_named(organisation: Organisation, template: str) -> TemplateVersion:
    """The latest approved version of a template given by id or name, or exactly the version given by its id.

    A name may look like an id: it names its template where no approved one has that id.
    """
    found = sendable_version(organisation, id) if (id := id_in(template)) else None
    found = found or approved_versions_of(organisation).filter(template__name=template).first()
    if found is None:
        raise NotFound("There is no approved template with this id or name.", field="template", given=template)
    return found


def sender_named(organisation: Organisation, sender: str | None) -> SenderId:
    """The approved sender with this id or name; the only one there is where none is named."""
    if sender is None:
        only = list(approved_senders_of(organisation)[:2])
        if len(only) == 1:
            return only[0]
        raise Invalid(fields={"sender": "Say which approved sender to use." if only else "No sender is approved yet."})
    if id := id_in(sender):
        return sendable_sender(organisation, id)
    found = approved_senders_of(organisation).filter(name=sender.strip("【】")).first()
    if found is None:
        raise NotFound("There is no approved sender with this id or name.", field="sender", given=sender)
    return found
