"""How fast recipient files are read, and in how much memory.

    python bench/imports.py [rows]

Writes a CSV and a workbook of so many rows (200,000 if not said) to a temporary folder, reads each in a process of
its own from bytes to verdicts, and prints rows per second of CPU and the rise of resident memory.
"""

import multiprocessing
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import xlsxwriter

sys.path.insert(0, str(Path(__file__).parents[1]))

from messaging.campaigns.rules.files import Tally, guess_columns, read_rows, sniff  # noqa: E402

HEADER = ["姓名", "手机号", "订单号", "金额", "城市"]
CITIES = ["北京", "上海", "Zürich", "London", "广州"]
SEED = 7


def make_rows(count: int):
    """Rows as shops export them: most numbers good, in several dresses, a few repeated or unusable."""
    chance = random.Random(SEED)
    for row in range(count):
        digits = f"13{chance.randrange(10**9):09d}"
        typed = chance.choice([digits, digits, f"+86{digits}", f"{digits[:3]} {digits[3:7]} {digits[7:]}", "暂无"])
        yield f"王{row % 5000}", typed, f"{chance.randrange(10**10):010d}", f"{row % 400}.50", chance.choice(CITIES)


def write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="gb18030", newline="") as file:
        file.write(",".join(HEADER) + "\r\n")
        file.writelines(",".join(row) + "\r\n" for row in make_rows(count))


def write_workbook(path: Path, count: int) -> None:
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER)
    for number, row in enumerate(make_rows(count), start=1):
        for column, cell in enumerate(row):
            if column == 1 and cell.isascii() and cell.isdigit():
                sheet.write_number(number, column, int(cell))
            else:
                sheet.write_string(number, column, cell)
    book.close()


def read(path: Path, answers) -> None:
    before, started = _resident(), time.process_time()
    shape = sniff(path, path.name)
    sniffed = time.process_time() - started
    tally = Tally(guess_columns(shape.header, shape.sample, "CN"), default_region="CN")
    for _ in tally.read(read_rows(path, shape)):
        pass
    answers.put((tally.summary(), sniffed, time.process_time() - started, _resident() - before))


def _resident() -> float:
    """The most this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(count: int) -> None:
    # spawn: a child that shares nothing with the writer, so that its memory is the reader's alone.
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for name, write in [("list.csv", write_csv), ("list.xlsx", write_workbook)]:
            path = Path(folder) / name
            write(path, count)
            answers = processes.Queue()
            child = processes.Process(target=read, args=(path, answers))
            child.start()
            summary, sniffed, seconds, memory = answers.get()
            child.join()
            print(
                f"{name}: {path.stat().st_size / 1e6:.1f} MB, {summary.rows:,} rows ({summary.valid:,} valid), "
                f"recognised in {sniffed:.2f} s, read in {seconds:.2f} s CPU = {summary.rows / seconds:,.0f} rows/s, "
                f"memory +{memory:.0f} MiB"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
