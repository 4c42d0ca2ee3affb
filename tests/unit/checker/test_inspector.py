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


def test_one_query_is_judged_as_it_is_with_its_key_and_lineage(inspector):
    text = "-- as somebody wrote it\nSELECT total FROM orders"
    judged = inspector.judged(text)
    assert judged.sql == text
    assert judged.canonical_key
    assert judged.lineage.tables == ("orders",)
    refused = inspector.judged("SELECT nope FROM orders; SELECT 1")
    assert (refused.verdict.accepted, refused.canonical_key, refused.lineage) == (False, None, None)


def test_one_query_is_judged_in_the_other_dialect_that_is_wanted():
    wanted = Target(name="shop", dialect="sqlite", ddl=SHOP.ddl, output_dialect="postgres")
    inspector = Inspector(wanted)
    judged = inspector.judged("SELECT id FROM orders WHERE CAST(id AS TEXT) LIKE '1%'")
    inspector.close()
    assert judged.verdict.accepted
    assert "ILIKE" in judged.rendered


def test_a_query_that_no_engine_prepared_is_judged_with_a_warning():
    judged = Inspector(ELSEWHERE).judged("SELECT id FROM orders")
    assert judged.verdict.accepted
    assert [finding.code for finding in judged.verdict.findings] == ["no_dry_run"]
