"""The dashboard and the alarms ask only for what /metrics tells, and the handbook knows every alarm."""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.urls import resolve

from portal.operations.metrics.http import DURATION
from portal.operations.metrics.names import METRICS, PREFIX

DOCS = Path(settings.BASE_DIR) / "docs"
NAME = re.compile(rf"\b{PREFIX}\w+")
#: What Prometheus makes itself.
ITS_OWN = {"up"}


def told() -> dict[str, set[str]]:
    """Every sample's name, and the labels it has."""
    found = {PREFIX + one.name + ("_total" if one.is_counter else ""): set(one.labels) for one in METRICS}
    labels = set(DURATION._labelnames)
    return found | {f"{DURATION._name}{end}": labels | {"le"} for end in ("_bucket", "_count", "_sum")}


def dashboard() -> dict:
    return json.loads((DOCS / "grafana" / "signalbox.json").read_text())


def queries() -> list[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]


def alarms() -> dict[str, dict]:
    rules = yaml.safe_load((DOCS / "grafana" / "alerts.yml").read_text())
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"]}


@pytest.mark.parametrize("query", [*queries(), *(rule["expr"] for rule in alarms().values())])
def test_every_query_names_metrics_that_exist_with_labels_they_have(query):
    names = NAME.findall(query)
    labels = set(re.findall(r"(\w+)=~?\"", query)) | {
        label.strip() for group in re.findall(r"\bby \(([^)]*)\)", query) for label in group.split(",")
    }

    assert names or set(re.findall(r"\w+", query)) & ITS_OWN
    assert set(names) <= told().keys()
    assert labels <= {"job"}.union(*(told()[name] for name in names)), query


def test_every_metric_is_on_the_dashboard():
    shown = {name for query in queries() for name in NAME.findall(query)}

    assert {name for name in told() if not name.endswith(("_sum", "_count"))} <= shown


def test_panels_do_not_lie_on_each_other():
    places = [panel["gridPos"] for panel in dashboard()["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]

    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(places)


@pytest.mark.parametrize("alarm", alarms())
def test_the_handbook_says_what_to_do_about_each_alarm(alarm):
    assert f"`{alarm}`" in (DOCS / "operations.md").read_text()


def test_the_view_whose_speed_is_watched_exists():
    assert resolve("/api/v1/messages").view_name.endswith("messages")
