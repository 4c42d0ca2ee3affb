"""The static checks in order of cost. A new check is one function here and one entry in CHECKS."""

from collections.abc import Callable, Iterable

from farm.sql.checks.aggregates import (
    aggregates_in_place,
    aggregates_outside_recursion,
    aliases_of_aggregates,
    aliases_of_windows,
    filters_of_aggregates,
    groups_to_filter,
    ordered_by_aggregates,
    windows_exist,
    windows_in_place,
)
from farm.sql.checks.bounds import (
    TOO_DEEP,
    no_code_in_comments,
    plain_characters,
    within_length,
    within_nesting,
)
from farm.sql.checks.calls import argument_counts, tables_stand_in_from, types_are_not_called
from farm.sql.checks.casts import cast_types_exist
from farm.sql.checks.comparing import frames_measure, values_are_comparable
from farm.sql.checks.constructs import known_constructs
from farm.sql.checks.frames import frames_are_whole, windows_are_possible
from farm.sql.checks.grammar import (
    aliases_are_names,
    derived_tables_are_named,
    joins_have_conditions,
    limits_are_understood,
    names_in_backticks,
    no_space_before_parenthesis,
)
from farm.sql.checks.grouping import columns_are_grouped
from farm.sql.checks.limits import limits_are_counts
from farm.sql.checks.names import known_names
from farm.sql.checks.ordering import (
    distinct_arguments_ordered_by_themselves,
    distinct_orders_by_results,
    positions_in_range,
    whole_result_ordered_by_name,
)
from farm.sql.checks.products import tables_are_linked
from farm.sql.checks.reading import allowed_functions, only_reads
from farm.sql.checks.structure import clauses_in_order, no_reserved_words, nothing_missing, some_columns
from farm.sql.checks.subqueries import lists_are_even, no_limits_in_membership, rows_in_place, subqueries_fit
from farm.sql.checks.syntax import no_parameters, one_statement, parses, sources_are_closed
from farm.sql.checks.types import types_agree
from farm.sql.checks.units import units_exist
from farm.sql.codes import DECIDED_BY_ENGINE
from farm.sql.schema import Schema
from farm.sql.subject import Subject
from farm.sql.verdict import Finding, Severity

Check = Callable[[Subject], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    within_length,
    plain_characters,
    within_nesting,
    no_code_in_comments,
    parses,
    one_statement,
    only_reads,
    allowed_functions,
    no_parameters,
    some_columns,
    known_constructs,
    clauses_in_order,
    no_reserved_words,
    nothing_missing,
    sources_are_closed,
    joins_have_conditions,
    limits_are_understood,
    cast_types_exist,
    units_exist,
    aliases_are_names,
    names_in_backticks,
    derived_tables_are_named,
    no_space_before_parenthesis,
    known_names,
    positions_in_range,
    whole_result_ordered_by_name,
    subqueries_fit,
    lists_are_even,
    rows_in_place,
    no_limits_in_membership,
    argument_counts,
    types_are_not_called,
    tables_stand_in_from,
    aggregates_in_place,
    aggregates_outside_recursion,
    filters_of_aggregates,
    aliases_of_aggregates,
    ordered_by_aggregates,
    groups_to_filter,
    windows_in_place,
    aliases_of_windows,
    windows_exist,
    windows_are_possible,
    frames_are_whole,
    limits_are_counts,
    distinct_orders_by_results,
    distinct_arguments_ordered_by_themselves,
    columns_are_grouped,
    types_agree,
    values_are_comparable,
    frames_measure,
    tables_are_linked,
)


def check(sql: str, schema: Schema) -> tuple[Finding, ...]:
    """Findings of the first check that rejects, after the warnings of those before it; never raises.

    The bounds keep inputs out that are known to hang or crash the parser; a caller that must survive the
    unknown ones too runs this in the checker process.
    """
    return check_subject(Subject(sql, schema))


def check_subject(subject: Subject) -> tuple[Finding, ...]:
    """The same for a query of which more may be asked afterwards."""
    findings: list[Finding] = []
    for at, each in enumerate(CHECKS):
        try:
            found = (*each(subject),)
        except Exception as error:
            found = (_not_checked(each, error),)
        if not found:
            continue
        findings += found
        errors = [finding.code for finding in findings if finding.severity is Severity.ERROR]
        if errors:
            if DECIDED_BY_ENGINE.issuperset(errors) and known_names in CHECKS[at + 1 :]:
                # an engine may overrule these, and must not read foreign tables for that
                findings += [f for f in _names(subject) if f.code not in DECIDED_BY_ENGINE]
            break
    return tuple(findings)


def _names(subject: Subject) -> tuple[Finding, ...]:
    try:
        return tuple(known_names(subject))
    except Exception as error:
        return (_not_checked(known_names, error),)


def _not_checked(each: Check, error: Exception) -> Finding:
    """A defect in a check or in the parser must not pass for a good query."""
    if isinstance(error, RecursionError):  # what the bounds do not count, such as x::a::b::c …
        return TOO_DEEP
    return Finding(
        code="could_not_check",
        message=f"the check {each.__name__} failed on this query: {type(error).__name__}",
        hint="write the query in a simpler form",
    )
