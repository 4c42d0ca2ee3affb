"""An inspector checks queries for one target in this process."""

import pytest

from farm.checker.inspector import Inspector
from farm.errors import BadInput, TargetTrouble
from farm.targets.target import Target

SHOP = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL)")
ELSEWHERE = Target(name="elsewhere", dialect="postgres", ddl="CREATE TABLE orders (id int, total real)")


@pytest.fixture
def inspector():
    inspector = Inspector(SHOP)
    yield inspector
    inspector.close()


def test_a_good_query_passes_with_a_dry_run(inspector):
    verdict = inspector.check("SELECT SUM(total) FROM orders")
    assert verdict.accepted
    assert verdict.dry_run.startswith("sqlite")


def test_what_only_the_engine_knows_is_found(inspector):
    verdict = inspector.check("SELECT id FROM orders ORDER BY id COLLATE german")
    assert [finding.code for finding in verdict.findings] == ["engine_refused"]


def test_an_answer_is_assessed(inspector):
    judged = inspector.assess("Here:\n```sql\nSELECT id FROM orders;\n```")
    assert judged[-1].sql == "SELECT id FROM orders"
    assert judged[-1].verdict.accepted


def test_without_an_engine_a_warning_says_so():
    inspector = Inspector(ELSEWHERE)
    verdict = inspector.check("SELECT id FROM orders")
    assert verdict.accepted
    assert verdict.dry_run is None
    assert [finding.code for finding in verdict.findings] == ["no_dry_run"]
    assert inspector.assess("SELECT id FROM orders")[0].verdict.findings == verdict.findings


def test_an_engine_that_fails_in_the_middle_leaves_the_static_verdict():
    class Failing:
        name = "failing"

        def prepare(self, sql):
            raise TargetTrouble("gone")

        def close(self):
            pass

    verdict = Inspector(SHOP, open_engine=lambda _: Failing()).check("SELECT id FROM orders")
    assert verdict.accepted
    assert "gone" in verdict.findings[0].message


def test_a_rejected_query_needs_no_warning_about_the_engine():
    verdict = Inspector(ELSEWHERE).check("DROP TABLE orders")
    assert [finding.code for finding in verdict.findings] == ["not_read_only"]


def test_a_target_without_tables_is_refused():
    with pytest.raises(BadInput, match="missing DDL"):
        Inspector(Target(name="x", dialect="sqlite", ddl=""))
