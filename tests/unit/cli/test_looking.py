"""`farm queries`, `show`, `run`: accepted queries, closely."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support import store
from support.cli import Ended

from farm import Farm, Task
from farm.sql.evidence import evidence
from farm.sql.lineage import ColumnName, Filter, Lineage
from farm.sql.verdict import Finding, Severity, Verdict

Run = Callable[..., Ended]


def test_an_empty_farm_says_so(farm: Run) -> None:
    assert farm("queries").out == "nothing was accepted yet\n"
    assert farm("queries", "revenue").out == "no accepted query matches\n"
    assert farm("queries", "--json").out == ""


@pytest.mark.usefixtures("worked")
class TestWithQueries:
    def test_queries_are_listed_with_tabs_off_a_terminal(self, farm: Run) -> None:
        header, row = farm("queries").out.splitlines()
        assert header.split("\t") == ["id", "target", "question", "model", "when", "same as"]
        assert row.split("\t")[:4] == ["1", "shop", "Who bought for how much?", "stub-model"]

    def test_search_finds_words_of_the_question_and_the_sql(self, farm: Run) -> None:
        for words in ("bought", "CUSTOMER much", "orders"):
            assert [query["id"] for query in farm("queries", words, "--json").json_lines] == [1]
        assert farm("queries", "bought nothing", "--json").out == ""
        assert farm("queries", "--target", "elsewhere", "--json").out == ""

    def test_queries_that_differ_in_spelling_alone_point_to_the_first(self, farm: Run, worked: Farm) -> None:
        for number in (2, 3):
            worked.enqueue([Task(question=f"Again, {number}?", target="shop")])
            (held,) = store.claim(worked.store, [number + 2]).values()
            store.finish(worked.store, store.accepted(held, "select 1", canonical_key="1:a"))
        rows = [row.split("\t") for row in farm("queries").out.splitlines()[1:]]
        assert [(row[0], row[-1]) for row in rows] == [("3", "2"), ("2", ""), ("1", "")]
        assert [query["id"] for query in farm("queries", "--unique", "--json").json_lines] == [2, 1]
        assert [query["id"] for query in farm("export", "--unique").json_lines] == [2, 1]
        assert [query["same_as"] for query in farm("export").json_lines] == [2, None, None]
        assert "the same as query 2" in farm("show", "3").out
        assert farm("show", "3", "--json").json["task"]["same_as"] == 2

    def test_queries_are_found_by_what_they_read(self, farm: Run, worked: Farm) -> None:
        worked.enqueue([Task(question="Total?", target="shop")])
        (held,) = store.claim(worked.store, [4]).values()
        total = ColumnName(table="orders", column="total")
        above = Filter(column=total, operator=">")
        lineage = Lineage(tables=("orders",), columns=(total,), filters=(above,), functions=("sum",))
        store.finish(worked.store, store.accepted(held, lineage=lineage.to_dict()))
        for words in (("--table", "ORDERS"), ("--column", "total"), ("--column", "orders.total")):
            assert [query["id"] for query in farm("queries", *words, "--json").json_lines] == [2], words
            assert [query["id"] for query in farm("export", *words).json_lines] == [2], words
        assert farm("queries", "--table", "customers").out == "no accepted query matches\n"
        assert (
            "tables: orders\ncolumns: orders.total\nfilters: orders.total >\nfunctions: sum\n"
            in farm("show", "2").out
        )
        assert farm("show", "2", "--json").json["query"]["lineage"]["functions"] == ["sum"]
        assert '""column"": ""total""' in farm("export", "--format", "csv").out, "as JSON in its cell"

    def test_a_query_in_another_dialect_is_shown_with_what_it_was_and_run_as_that(
        self, farm: Run, worked: Farm
    ) -> None:
        worked.enqueue([Task(question="Names?", target="shop", dialect="mysql")])
        (held,) = store.claim(worked.store, [4]).values()
        told = {"dialect": "mysql", "original_sql": "SELECT 1 || 2 AS x", "original_dialect": "sqlite"}
        store.finish(worked.store, store.accepted(held, "SELECT CONCAT(1, 2) AS x", **told))
        out = farm("show", "2").out
        assert "in mysql" in out
        assert "CONCAT(1, 2) AS x\n\nwritten by the model for sqlite:\n\nSELECT\n  1 || 2 AS x" in out
        assert farm("run", "2", "--json").json["rows"] == [["12"]]

    def test_a_query_is_shown_formatted_with_where_it_came_from(self, farm: Run) -> None:
        out = farm("show", "1").out
        assert out.startswith(
            "Who bought for how much?\nquery 1 · task 1 · accepted · target shop · stub-model"
        )
        assert "1 call · 110 tokens · $0.5000" in out
        assert "SELECT\n  customer,\n  total\nFROM orders" in out
        assert "call 1: stub-model, 12 ms, 100 + 10 tokens, stop" in out

    def test_a_rejected_task_is_shown_with_its_reason(self, farm: Run) -> None:
        out = farm("show", "2", "--task").out
        assert "Nonsense [please]?" in out
        assert "syntax: it does not parse" in out
        assert "  refused: I [cannot]\n    syntax: it does not parse (line 1, column 3)\n" in out

    def test_scripts_get_all_of_it(self, farm: Run) -> None:
        shown = farm("show", "1", "--json").json
        assert shown["query"]["sql"] == "SELECT customer, total FROM orders ORDER BY id"
        assert shown["task"]["state"] == "accepted"
        assert shown["attempts"][0]["candidates"][0]["verdict"]["accepted"] is True

    def test_what_running_it_showed_is_shown(self, farm: Run, worked: Farm) -> None:
        worked.enqueue([Task(question="Totals?", target="shop")])
        (held,) = store.claim(worked.store, [4]).values()
        store.save_answer(worked.store, store.answer(4))
        found = evidence(("total",), [(1.5,), (None,)], more=True, elapsed_ms=12)
        odd = Finding(code="cross_join", message="far apart", severity=Severity.WARNING)
        verdict = Verdict(findings=(odd,), evidence=found)
        outcome = store.accepted(held)
        row = {**outcome.candidates[0], "verdict": verdict.to_dict()}
        store.finish(worked.store, replace(outcome, candidates=(row,)))
        out = farm("show", "2").out
        assert "cross_join: far apart" in out
        assert "    run: at least 2 rows, 12 ms\ntotal\n1.5\nnull\n" in out
        shown = farm("show", "2", "--json").json["attempts"][0]["candidates"][0]["verdict"]
        assert shown["evidence"]["sample"] == [[1.5], [None]]

    def test_a_query_runs_on_its_target(self, farm: Run) -> None:
        said = farm("run", "1")
        assert said.out == "customer\ttotal\nAda\t10.5\nBob\t5.0\n\t20.0\n"
        assert said.err.splitlines()[0] == "Who bought for how much?"
        assert "3 rows" in said.err

    def test_rows_are_capped_and_it_is_said(self, farm: Run) -> None:
        said = farm("run", "1", "--rows", "2", "--json")
        assert said.json == {
            "columns": ["customer", "total"],
            "rows": [["Ada", 10.5], ["Bob", 5.0]],
            "truncated": True,
        }
        assert "the first 2 rows of more" in farm("run", "1", "--rows", "2").err

    def test_what_is_not_there_is_named(self, farm: Run) -> None:
        said = farm("show", "9")
        assert (said.code, said.err) == (2, "farm: there is no query 9; `farm queries` lists them\n")
        assert farm("show", "9", "--task").err == "farm: there is no task 9\n"
        assert farm("run", "9").code == 2

    def test_a_target_that_is_gone_is_named(self, farm: Run, worked: Farm) -> None:
        (worked.settings.home.parent / "shop.db").unlink()
        said = farm("run", "1")
        assert said.code == 2
        assert "shop.db" in said.err
        assert len(said.err.splitlines()) == 1
