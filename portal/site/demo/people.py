"""Who lives in the demo world, and the file that tells how to sign in as each."""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from allauth.account.models import EmailAddress

from accounts.actions import accept_invitation, invite_member
from accounts.models import Organisation, User
from accounts.rules.permissions import Role

ACCOUNTS = "demo-accounts.json"


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way in, for a person or (with a key's secret as password) for a program."""

    role: str
    email: str
    password: str
    what_to_try: str
    kind: str = "person"


def make_person(*, email: str, name: str, password: str, locale: str = "en") -> User:
    """A person whose address needs no proof."""
    user = User.objects.create_user(email, password, name=name, locale=locale)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def join(organisation: Organisation, user: User, role: Role, *, by: User) -> User:
    """Let the person into a team, as an invitation does."""
    with organisation.scope():
        _invitation, token = invite_member(organisation=organisation, email=user.email, role=role, by=by)
        accept_invitation(token=token, user=user)
    return user


def new_password() -> str:
    """Easy to type, and this installation's alone."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


def write_sign_ins(folder: Path, sign_ins: Sequence[SignIn]) -> Path:
    """Leave the sign-ins in a file its owner alone can read, whole or not at all."""
    path = folder / ACCOUNTS
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump([asdict(one) for one in sign_ins], file, ensure_ascii=False, indent=1)
    return unfinished.replace(path)
