"""Targets in the store: brought up to date, listed, and without their URLs."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.store import SHOP

from farm.errors import UnknownTarget
from farm.store import targets
from farm.store.engine import Store, now
from farm.store.tables import TargetRow
from farm.targets.target import Target

BANK = Target(name="bank", dialect="postgres", ddl="CREATE TABLE t (a int)", notes="money: in cents")


def test_a_target_comes_back_without_its_url(store: Store):
    targets.save(
        store, Target(name="x", dialect="sqlite", ddl="CREATE TABLE t (a)", url="sqlite:////secret.db")
    )
    assert targets.load(store, "x") == Target(name="x", dialect="sqlite", ddl="CREATE TABLE t (a)")
    with store.read() as connection:
        assert "secret" not in str(connection.execute(select(TargetRow.__table__)).all())


def test_saving_again_brings_it_up_to_date(store: Store):
    targets.save(store, BANK)
    with store.write() as connection:
        connection.execute(update(TargetRow).values(created_at=now() - timedelta(days=1)))
    newer = Target(name="bank", dialect="postgres", ddl="CREATE TABLE u (b int)")
    targets.save(store, newer)
    assert targets.load(store, "bank") == newer
    assert targets.names(store) == ["bank", "shop"]
    with store.read() as connection:
        found = connection.execute(select(TargetRow.__table__).where(TargetRow.name == "bank")).one()
    assert found.fingerprint == newer.fingerprint
    assert found.updated_at - found.created_at > timedelta(hours=23)


def test_an_unknown_target_is_answered_with_those_there_are(store: Store):
    with pytest.raises(UnknownTarget, match=r"no target 'bnak' \(known are shop\).*farm target add bnak"):
        targets.load(store, "bnak")
    assert "none is known yet" in str(targets.unknown("x", []))
    assert targets.load(store, "shop") == SHOP
