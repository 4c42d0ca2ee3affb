"""`LIMIT n % 2`: the parser takes % for PERCENT, as in DuckDB's `LIMIT 10%`."""

from collections.abc import Sequence, Set

from sqlglot.tokenizer_core import Token, TokenType

_ENDS = frozenset({TokenType.OFFSET, TokenType.COMMA, TokenType.SEMICOLON, TokenType.UNION, TokenType.ALIAS})


def with_limits_in_parentheses(tokens: list[Token], kinds: Set[TokenType]) -> list[Token]:
    """The tokens, which are of these kinds, with each LIMIT in parentheses that computes with %: the parser
    then reads it so."""
    if TokenType.LIMIT not in kinds or TokenType.MOD not in kinds:
        return tokens
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        out.append(token)
        at += 1
        if token.token_type is TokenType.LIMIT:
            end = _end(tokens, at)
            value = tokens[at:end]
            if any(part.token_type is TokenType.MOD for part in value[:-1]):
                opening = _like(value[0], TokenType.L_PAREN, "(")
                out += [opening, *value, _like(value[-1], TokenType.R_PAREN, ")")]
                at = end
    return out


def _end(tokens: Sequence[Token], start: int) -> int:
    """Where the expression that begins at `start` ends."""
    depth = 0
    for at in range(start, len(tokens)):
        kind = tokens[at].token_type
        if kind is TokenType.R_PAREN and depth == 0:
            return at
        if depth == 0 and kind in _ENDS:
            return at
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
    return len(tokens)


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end)
