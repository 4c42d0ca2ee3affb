"""Rules are spelled as each reader wants them."""

from farm.sql.grammar.rules import Chars, Grammar, Ref, alt, opt, rep, seq

RULES = {
    "query": seq("SELECT", Ref("s0-c"), opt(" AS ", Ref("label"))),
    "s0-c": alt("a", '"b c"', "a"),
    "label": seq(Chars("[a-z]", 1, 8), rep(seq("_", "x"), 0, 2), Chars("[0-9]", 0, 3)),
}


def test_gbnf_has_a_root_that_may_stand_in_a_fence():
    assert Grammar(RULES, ()).gbnf().splitlines() == [
        r'root ::= "```sql\n" query ";"? "\n```" | query ";"?',
        'query ::= "SELECT" s0-c (" AS " label)?',
        r's0-c ::= ("a" | "\"b c\"")',
        'label ::= [a-z]{1,8} ("_" "x"){0,2} [0-9]{0,3}',
    ]


def test_lark_has_names_without_hyphens_and_classes_as_patterns():
    assert Grammar(RULES, ()).lark().splitlines() == [
        "start: q_query",
        'q_query: "SELECT" q_s0_c (" AS " q_label)?',
        r'q_s0_c: ("a" | "\"b c\"")',
        'q_label: /[a-z]{1,8}/ ("_" "x")~0..2 (/[0-9]{1,3}/)?',
    ]
