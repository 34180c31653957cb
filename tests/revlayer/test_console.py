"""Progress shows how fast many rows go, and starts anew with each target; tables show people's words as they are."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from revlayer.cli import console


@pytest.fixture
def terminal(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(console, "errors", Console(file=shown, force_terminal=True, width=160))
    return shown


def test_many_rows_have_a_rate_and_a_remaining_time(terminal):
    with console.progress_bar("score") as update:
        for target in ("deal_win", "deal_value"):
            for done in range(0, 100_001, 20_000):
                update(target, done, 100_000)
    last = terminal.getvalue()
    assert "100000/100000" in last and "/s" in last and "deal_value" in last


def test_a_few_steps_have_none(terminal):
    with console.progress_bar("build") as update:
        for done in range(10):
            update("model", done, 10)
    assert "/s" not in terminal.getvalue()


@pytest.mark.parametrize("words", ["see [/ticket 12]", "[red]", "[bold]x[/bold]", ":smile: [link=x]"])
def test_words_in_a_table_are_no_markup(words):
    shown = io.StringIO()
    Console(file=shown, width=160).print(console.table("", ["note"], [(words,)]))
    assert words in shown.getvalue()


def test_a_cell_may_have_colours():
    shown = io.StringIO()
    Console(file=shown, force_terminal=True).print(console.table("", ["status"], [(Text("ok", "green"),)]))
    assert "\x1b[32mok" in shown.getvalue()


def test_numbers_are_drawn_beside_their_table():
    header, rows = console.with_bars(["month", "amount"], [("1", 50), ("2", 100.0), ("3", None), ("4", -5)], "amount")
    shown = io.StringIO()
    Console(file=shown, width=160).print(console.table("", header, rows))
    drawn = [line.count("█") for line in shown.getvalue().splitlines() if line.startswith("│")]
    assert drawn == [console.BAR_WIDTH // 2, console.BAR_WIDTH, 0, 0]
    assert console.with_bars(["a"], [("1",)], None) == (["a"], [("1",)])
