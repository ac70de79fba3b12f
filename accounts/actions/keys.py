import ipaddress
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import ApiKey, Membership, Organisation, User
from accounts.rules.permissions import KEY_SCOPES, Permission
from kit.errors import Invalid, NotAllowed
from kit.sealing import fingerprint, new_token

LIVE_MARK, TEST_MARK = "sb_live_", "sb_test_"
SHOWN_CHARACTERS = 4


@transaction.atomic
def create_api_key(
    *,
    organisation: Organisation,
    name: str,
    is_live: bool,
    scopes: Iterable[str],
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
    by: User,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which can't be had again.

    Its maker is a member and can hand out only what they may do themselves.  Raises Invalid naming the field,
    NotAllowed naming the scopes.
    """
    wanted = list(dict.fromkeys(scopes))
    _check_scopes(organisation, wanted, by)
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(fields={"expires_at": _("This is in the past.")})
    mark = LIVE_MARK if is_live else TEST_MARK
    secret = mark + new_token()
    key = ApiKey.objects.create(
        organisation=organisation,
        name=name,
        prefix=secret[: len(mark) + SHOWN_CHARACTERS],
        fingerprint=fingerprint(secret),
        is_live=is_live,
        scopes=wanted,
        networks=normal_networks(networks),
        created_by=by,
        expires_at=expires_at,
    )
    record(
        action="api_key.created", target=key, organisation=organisation,
        after={"name": name, "prefix": key.prefix, "scopes": wanted, "networks": key.networks, "live": is_live},
    )  # fmt: skip
    return key, secret


@transaction.atomic
def revoke_api_key(*, key: ApiKey, by: User) -> None:
    """End a key's life at once and for ever.  Again changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record(
            action="api_key.revoked", target=key, organisation=key.organisation,
            before={"name": key.name, "prefix": key.prefix}, after={"by": by.email},
        )  # fmt: skip


def normal_networks(networks: Iterable[str]) -> list[str]:
    """Networks in CIDR form, a single address as a network of one.  Raises Invalid naming the one that isn't."""
    found = []
    for network in networks:
        try:
            found.append(str(ipaddress.ip_network(network.strip(), strict=False)))
        except ValueError as error:
            text = _("%(network)s is not an IP address or network such as 192.0.2.0/24.") % {"network": network}
            raise Invalid(fields={"networks": text}) from error
    return found


def _check_scopes(organisation: Organisation, scopes: list[str], by: User) -> None:
    if not scopes:
        raise Invalid(fields={"scopes": _("Choose at least one.")})
    if unknown := [scope for scope in scopes if scope not in KEY_SCOPES]:
        raise Invalid(fields={"scopes": _("There is no scope %(scope)s.") % {"scope": unknown[0]}})
    maker = Membership.objects.filter(organisation=organisation, user=by).select_related("organisation").first()
    if maker is None or not maker.may(Permission.MANAGE_API_KEYS):
        raise NotAllowed
    if beyond := [scope for scope in scopes if not maker.may(KEY_SCOPES[scope])]:
        raise NotAllowed(scopes=beyond)
