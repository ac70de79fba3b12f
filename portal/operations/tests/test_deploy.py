"""What docs/deploy/ offers can be used: units systemd takes, a compose file whose commands and variables exist, every queue served."""

import os
import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from portal.queues import QUEUES
from portal.stack.database import EXTENSIONS, MEMBERSHIPS, OWNER, PORTAL, WORKER

ROOT = Path(settings.BASE_DIR)
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SYSTEMD_ANALYZE, NGINX, CADDY = (shutil.which(name) for name in ("systemd-analyze", "nginx", "caddy"))
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()


def commands_of_units() -> list[list[str]]:
    found = [re.findall(r"^Exec(?:Start)?=(.+)$", unit.read_text(), re.MULTILINE) for unit in UNITS]
    return [shlex.split(line) for lines in found for line in lines]


def commands_of_compose() -> list[list[str]]:
    """Of our own services; a shell's line is several commands."""
    found = []
    for service in COMPOSE["services"].values():
        words = service.get("command", [])
        if service.get("image") == "signalbox" and words[:2] == ["sh", "-c"]:
            found += [shlex.split(part) for part in words[2].split("&&")]
        elif service.get("image") == "signalbox":
            found.append(words)
    return found


@pytest.mark.parametrize("words", [*commands_of_units(), *commands_of_compose()], ids=" ".join)
def test_every_command_exists(words):
    program, *rest = words
    assert Path(program).name == "python"
    if rest[0] == "-m":
        assert find_spec(rest[1])
    else:
        assert (rest[0], rest[1] in get_commands()) == ("manage.py", True)


def test_every_queue_has_a_worker_in_both():
    target = (DEPLOY / "systemd" / "signalbox.target").read_text()
    of_compose = {words[words.index("-Q") + 1] for words in commands_of_compose() if "-Q" in words}

    assert set(re.findall(r"signalbox-worker@(\w+)\.service", target)) == set(QUEUES)
    assert of_compose == set(QUEUES)


def test_every_unit_that_is_wanted_is_there():
    names = {unit.name for unit in UNITS}
    wanted = re.findall(r"signalbox-[\w@.-]+", (DEPLOY / "systemd" / "signalbox.target").read_text())

    assert {re.sub(r"@\w+", "@", name) for name in wanted} <= names
    assert {unit.with_suffix(".service").name for unit in UNITS if unit.suffix == ".timer"} <= names


@pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="this system has no systemd")
def test_systemd_takes_the_units(tmp_path):
    for unit in UNITS:
        text = unit.read_text().replace("/opt/signalbox", str(ROOT)).replace("User=signalbox\n", "")
        (tmp_path / unit.name).write_text(re.sub(r"^EnvironmentFile=.*\n", "", text, flags=re.MULTILINE))
    files = [str(tmp_path / unit.name.replace("@.", "@engine.")) for unit in UNITS]

    done = subprocess.run(
        [SYSTEMD_ANALYZE, "verify", "--man=no", "--generators=no", "--recursive-errors=one", *files],
        capture_output=True, text=True, check=False, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )  # fmt: skip

    ours = [line for line in done.stderr.splitlines() if "signalbox" in line and "is not executable" not in line]
    assert ours == []


@pytest.mark.skipif(NGINX is None, reason="this system has no nginx")
def test_nginx_takes_its_server(tmp_path):
    subprocess.run(
        [shutil.which("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sms.example.com", "-keyout",
         tmp_path / "key.pem", "-out", tmp_path / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = (DEPLOY / "nginx.conf").read_text()
    server = server.replace("/etc/ssl/private/sms.example.com.key", str(tmp_path / "key.pem"))
    (tmp_path / "server").write_text(server.replace("/etc/ssl/sms.example.com.pem", str(tmp_path / "certificate.pem")))
    around = f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ access_log off; include {tmp_path}/server; }}"
    (tmp_path / "nginx.conf").write_text(around)

    done = subprocess.run(
        [NGINX, "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(CADDY is None, reason="this system has no Caddy")
def test_caddy_takes_its_file(tmp_path):
    done = subprocess.run(
        [CADDY, "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"],
        capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_caddy_asks_how_the_house_is_by_a_name_it_answers_to():
    caddy = (DEPLOY / "Caddyfile").read_text()
    site = re.search(r"^(\S+) \{$", caddy, re.MULTILINE)[1]

    assert re.search(r"health_headers \{\s+Host (\S+)", caddy)[1] == site
    assert f"SIGNALBOX_ALLOWED_HOSTS={site}" in (DEPLOY / "signalbox.env.example").read_text()


def test_compose_starts_things_in_an_order_that_exists_and_mounts_what_there_is():
    services = COMPOSE["services"]
    for service in services.values():
        needed = service.get("depends_on", {})
        assert set(needed) <= set(services)
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists(), source
    assert (ROOT / services["web"]["build"]["dockerfile"]).exists()


def test_every_variable_set_there_is_documented():
    named = set(re.findall(r"^#?\s*([A-Z][A-Z_]+)=", (DEPLOY / "signalbox.env.example").read_text(), re.MULTILINE))
    named |= {name for unit in UNITS for name in re.findall(r"^Environment=([A-Z_]+)=", unit.read_text(), re.MULTILINE)}
    for name in ("web", "worker-engine", "migrate"):
        named |= set(COMPOSE["services"][name]["environment"])

    assert {name for name in named - {"CONCURRENCY"} if f"`{name}`" not in CONFIGURATION} == set()


def test_the_logins_are_those_of_the_launcher():
    made = (DEPLOY / "logins.sql").read_text()

    for membership in MEMBERSHIPS:
        inherits = "TRUE" if membership.inherits else "FALSE"
        assert f"GRANT {membership.group} TO {membership.login} WITH INHERIT {inherits}, SET TRUE;" in made
    for login in (OWNER, PORTAL, WORKER):
        assert f"CREATE ROLE {login} LOGIN" in made
    assert [f"CREATE EXTENSION IF NOT EXISTS {name};" in made for name in EXTENSIONS] == [True] * len(EXTENSIONS)


def test_the_web_is_given_the_webs_login_only():
    assert PORTAL in COMPOSE["services"]["web"]["environment"]["DATABASE_URL"]
    assert "web.env" in (DEPLOY / "systemd" / "signalbox-web.service").read_text()
