"""The codes of findings: how far a candidate with each came, and which of them an engine may overrule."""

# From hopeless to nearly right: a later one is more worth repairing.
_STAGES = (
    ("no_sql", "could_not_check"),
    ("too_long", "odd_character", "too_deep", "too_many_columns"),
    ("syntax_error",),
    ("several_statements",),
    ("not_read_only", "function_not_allowed", "parameter", "no_columns"),
    ("unknown_table",),
    ("reserved_word", "clause_order", "empty_clause"),
    ("unknown_qualifier", "unknown_column", "ambiguous_column", "duplicate_alias", "table_case"),
    (
        "column_list",
        "set_operation_columns",
        "set_operation_parentheses",
        "set_operation_order",
        "subquery_columns",
    ),
    ("foreign_construct", "join_without_condition", "derived_table_alias", "limited_membership"),
    ("position_out_of_range", "distinct_order", "misplaced_row", "duplicate_cte", "invalid_limit"),
    (
        "misplaced_aggregate",
        "misplaced_window",
        "unknown_window",
        "not_grouped",
        "wrong_arguments",
        "engine_refused",
    ),
    ("unknown_type", "not_boolean", "type_mismatch", "types_differ", "cannot_cast", "invalid_literal"),
    ("untranslatable",),
    ("run_failed",),
)
STAGE_OF: dict[str, int] = {code: stage for stage, codes in enumerate(_STAGES) for code in codes}

# Warnings of what an engine takes and nobody wants as a report: a model is asked to mend it.
NO_REPORT = frozenset({"no_columns"})

# What these say is an explanation, not a policy: where an engine is at hand, its own judgement decides.
DECIDED_BY_ENGINE = frozenset(
    {
        "ambiguous_column",
        "cannot_cast",
        "column_list",
        "clause_order",
        "derived_table_alias",
        "distinct_order",
        "duplicate_alias",
        "duplicate_cte",
        "empty_clause",
        "foreign_construct",
        "invalid_limit",
        "invalid_literal",
        "join_without_condition",
        "limited_membership",
        "misplaced_aggregate",
        "misplaced_row",
        "misplaced_window",
        "not_boolean",
        "not_grouped",
        "position_out_of_range",
        "reserved_word",
        "set_operation_columns",
        "set_operation_order",
        "set_operation_parentheses",
        "subquery_columns",
        "table_case",
        "type_mismatch",
        "types_differ",
        "unknown_column",
        "unknown_qualifier",
        "unknown_type",
        "unknown_window",
        "wrong_arguments",
    }
)
