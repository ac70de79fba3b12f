"""How results look on paper and in a file."""

import json
import platform
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from bench.loads import NAMES
from bench.processes import NOT_OURS, SHARED
from bench.runs import Result, median_of

WORTH_A_LINE = 1.0  # µs a message


def machine() -> str:
    """What the figures belong to."""
    facts = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in facts.splitlines() if "model name" in line), "unknown")
    cores = facts.count("processor\t")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return f"{cores} cores ({model}), {memory:.0f} GiB, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def describe(result: Result) -> str:
    """One run, a screenful."""
    lines = [
        f"load {result.load}, {NAMES[result.load]}: {result.messages:,} messages",
        f"  accepted {result.accepted:8,.0f}/s   submitted {result.submitted:8,.0f}/s   settled {result.settled:8,.0f}/s",
        f"  requests p50 {result.p50:.1f} ms, p99 {result.p99:.1f} ms; the load generator used {result.generator_cores:.2f} core",
    ]
    if file_seconds := result.extra.get("file_seconds"):
        whole = result.messages / (file_seconds + result.messages / result.settled)
        lines.append(f"  the file was uploaded and read in {file_seconds:.1f} s before; settled with it {whole:,.0f}/s")
    lines += cpu_lines(result)
    lines.append(f"  database: {result.round_trips:.3f} round trips, {result.transactions:.3f} transactions a message")
    lines += memory_lines(result)
    fit = "fit to compare" if result.is_fit else "NOT fit to compare"
    lines.append(f"  others took {result.foreign_cores:.2f} cores meanwhile: {fit}")
    lines.append(f"  carrier: {result.told}; " + ("; ".join(result.problems) or "carrier and database agree"))
    return "\n".join(lines)


def cpu_lines(result: Result) -> list[str]:
    parts = [
        f"    {name:<18} {cost:7.1f} µs" + ("   (not in ours)" if name in NOT_OURS else "")
        for name, cost in result.cpu.items()
        if name not in ("ours", "all") and cost >= WORTH_A_LINE
    ]
    return [
        "  CPU a message:",
        *parts,
        f"    {'ours':<18} {result.cpu['ours']:7.1f} µs   without the carrier and the load generator, as for the peers",
        f"    {'all':<18} {result.cpu['all']:7.1f} µs   {result.cores:.2f} cores busy",
    ]


def memory_lines(result: Result) -> list[str]:
    before = sum(result.memory_before.values())
    first, last = (sum(pair[place] for pair in result.memory_thirds.values()) for place in (0, 1))
    said = "{:.0f} MiB before; first third of the load {:.0f}, last third {:.0f} MiB"
    lines = [f"  memory (PSS): peak {result.memory_peak:.0f} MiB; " + said.format(before, first, last)]
    if SHARED in result.memory_thirds:
        apart = (result.memory_before.get(SHARED, 0.0), *result.memory_thirds[SHARED])
        figures = [one - shared for one, shared in zip((before, first, last), apart, strict=True)]
        lines.append("    without PostgreSQL's shared buffers " + said.format(*figures))
    grown = {name: b - a for name, (a, b) in result.memory_thirds.items() if b - a >= 5}
    if grown:
        lines.append("    grown: " + ", ".join(f"{name} {more:+.0f} MiB" for name, more in grown.items()))
    return lines


def describe_statements(result: Result, most: int = 12) -> str:
    lines = [f"  the dearest statements of load {result.load}, µs a message (calls, rows):"]
    for one in result.dearest[:most]:
        micros = one["milliseconds"] * 1000 / result.messages
        lines.append(f"    {micros:6.1f}  ({one['calls']:>6}, {one['rows']:>8})  {one['query'][:110]}")
    return "\n".join(lines)


def summary(results: list[Result]) -> str:
    """Medians of the fit runs of each load, or of all where none was fit."""
    lines = []
    for load in sorted({result.load for result in results}):
        of_load = [result for result in results if result.load == load]
        fit = [result for result in of_load if result.is_fit] or of_load
        settled = [result.settled for result in fit]
        ours = sorted(result.cpu["ours"] for result in fit)[len(fit) // 2]
        lines.append(
            f"load {load}: settled {median_of(fit, 'settled'):,.0f}/s [{min(settled):,.0f}-{max(settled):,.0f}], accepted "
            f"{median_of(fit, 'accepted'):,.0f}/s, ours {ours:.0f} µs, round trips {median_of(fit, 'round_trips'):.3f}, "
            f"p99 {median_of(fit, 'p99'):.0f} ms (n={len(fit)} of {len(of_load)})"
        )
    return "\n".join(lines)


def write(path: Path, kind: str, facts: dict[str, Any]) -> None:
    """Leave the figures for a machine to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"kind": kind, "machine": machine(), **facts}, indent=1, default=plain) + "\n")


def as_facts(results: list[Result]) -> list[dict[str, Any]]:
    return [asdict(result) for result in results]


def plain(value: Any) -> Any:
    """Dataclasses as objects, everything else as text."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
