"""What a person reads once the house stands: the address, the sign-ins, what to try first."""

import json
from pathlib import Path

ACCOUNTS = "demo-accounts.json"


def welcome(var: Path, *, base_url: str) -> str:
    lines = ["", f"  Signalbox is ready:  {base_url}", ""]
    accounts = read_accounts(var / ACCOUNTS)
    if accounts:
        lines += ["  Sign in as", *account_lines(accounts), ""]
    lines += [
        f"  Logs are in {var / 'log'}; mail that was sent is shown at {base_url}/dev/mail",
        "  Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)


def account_lines(accounts: list[dict[str, str]]) -> list[str]:
    """Role, address and password in columns, and below each what is worth trying."""
    widths = [max(len(account.get(key, "")) for account in accounts) for key in ("role", "email")]
    lines = []
    for account in accounts:
        role, email = account.get("role", "").ljust(widths[0]), account.get("email", "").ljust(widths[1])
        lines.append(f"    {role}   {email}   {account.get('password', '')}")
        if account.get("what_to_try"):
            lines.append(f"    {' ' * widths[0]}   {account['what_to_try']}")
    return lines


def read_accounts(path: Path) -> list[dict[str, str]]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return []
    return [account for account in found if isinstance(account, dict)] if isinstance(found, list) else []
