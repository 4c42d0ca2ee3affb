"""The checker process answers frames in order, and a bad target with the reason."""

import json
import os

import pytest

from farm.checker.engines import Scratch
from farm.checker.process import Server, lines, serve
from farm.checker.protocol import ask_frame, decode, forget_frame, open_frame, unpack
from farm.targets.target import Target

SHOP = Target(name="shop", dialect="sqlite", ddl="CREATE TABLE orders (id int)")


def opened(id_, target, **given):
    settings = {"no_dry_run": None, "scratch": Scratch(), **given}
    return decode(open_frame(id_, target, **settings))


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def test_a_target_is_opened_once_and_asked_often(server):
    assert server.reply(opened(1, SHOP)) == {"opened": True}
    for sql, accepted in (("SELECT id FROM orders", True), ("SELECT nope FROM orders", False)):
        [candidate] = unpack(server.reply(decode(ask_frame("check", 1, sql))))
        assert candidate.sql == sql
        assert candidate.verdict.accepted is accepted


def test_an_answer_is_assessed(server):
    server.reply(opened(7, SHOP))
    judged = unpack(server.reply(decode(ask_frame("assess", 7, "Sure: SELECT id FROM orders"))))
    assert judged[-1].sql == "SELECT id FROM orders"


def test_every_question_about_an_unfit_target_gets_the_reason(server):
    reply = server.reply(opened(1, Target(name="x", dialect="sqlite", ddl="nothing")))
    assert "missing DDL" in reply["bad_input"]
    assert server.reply(decode(ask_frame("check", 1, "SELECT 1"))) == reply


def test_a_reason_to_do_without_an_engine_is_passed_on(server):
    server.reply(opened(1, SHOP, no_dry_run="it hung"))
    [candidate] = unpack(server.reply(decode(ask_frame("check", 1, "SELECT id FROM orders"))))
    assert candidate.verdict.dry_run is None
    assert "it hung" in candidate.verdict.findings[0].message


def test_a_forgotten_target_is_gone(server):
    server.reply(opened(1, SHOP))
    assert server.reply(decode(forget_frame(1))) is None
    with pytest.raises(KeyError):
        server.reply(decode(ask_frame("check", 1, "SELECT 1")))


def test_unknown_requests_are_a_defect(server):
    with pytest.raises(ValueError, match="unknown request"):
        server.reply({"op": "dance"})


def test_frames_may_arrive_in_pieces_and_end_with_the_input(server):
    (requests, give), (take, replies) = os.pipe(), os.pipe()
    frame = open_frame(1, SHOP, no_dry_run="x", scratch=Scratch()) + ask_frame(
        "check", 1, "SELECT id FROM orders"
    )
    os.write(give, frame[:50])
    os.write(give, frame[50:])
    os.close(give)
    serve(server, requests, replies)
    lines = os.read(take, 1 << 16).splitlines()
    assert [next(iter(json.loads(line))) for line in lines] == ["ready", "opened", "candidates"]
    for descriptor in (requests, take, replies):
        os.close(descriptor)


def test_any_text_survives_the_frame():
    text = "a\nb\r\n\0\u2028\ud800 ☕"
    frame = ask_frame("assess", 1, text)
    assert frame.count(b"\n") == 1
    assert decode(frame)["text"] == text


def test_lines_are_whole_however_they_arrive(monkeypatch):
    chunks = [b"a", b"b\nc\n", b"", b"\nd", b"ee\nrest"]
    arriving = iter([chunk for chunk in chunks if chunk] + [b""])
    monkeypatch.setattr(os, "read", lambda *_: next(arriving))
    assert list(lines(0)) == [b"ab", b"c", b"", b"dee"]
