"""Questions and answers of the chaos run: known beforehand, and told apart by the prompt that asks them."""

from benchmarks.harness import script
from farm.prompt import prompt
from farm.sql.verdict import Candidate, Finding, Verdict
from farm.targets.target import Target

SHOP = Target(name=script.TARGET, dialect="sqlite", ddl=script.DDL)


def test_the_same_seed_asks_the_same() -> None:
    asked = [script.question(1, number) for number in range(200)]
    assert asked == [script.question(1, number) for number in range(200)]
    assert asked != [script.question(2, number) for number in range(200)]


def test_there_are_questions_of_every_kind_for_both_models() -> None:
    asked = [script.question(1, number) for number in range(200)]
    assert {question.bad_calls for question in asked} == set(range(script.MOST_CALLS + 1))
    assert {question.model for question in asked} == {script.MODEL, script.HARD_MODEL}


def test_bad_answers_come_first_and_the_good_one_stays() -> None:
    question = script.Question(number=7, bad_calls=2, model=script.MODEL)
    assert [question.sql in question.reply(call) for call in (1, 2, 3, 4)] == [False, False, True, True]


def test_a_prompt_tells_its_question_and_which_call_it_is() -> None:
    question = script.Question(number=4711, bad_calls=1, model=script.MODEL)
    messages = prompt.first(question.text, SHOP)
    assert script.number_in(messages[1].content) == 4711
    refused = Candidate(sql=question.reply(1), verdict=Verdict(findings=(Finding(code="x", message="no"),)))
    again = prompt.repair(messages, refused, 1)
    assert script.number_in(again[1].content) == 4711
    assert [message.role for message in again].count("assistant") == 1
