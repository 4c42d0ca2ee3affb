"""SQL with its words marked by classes, which farm.css colours."""

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

LEXERS = {"postgres": "postgresql", "mysql": "mysql"}
LIMIT_CHARS = 50_000
_FORMATTER = HtmlFormatter(nowrap=True)


def highlighted(sql: str, dialect: str = "sql") -> Markup:
    """`sql` as HTML, every character of it escaped; a very long text is only escaped."""
    if len(sql) > LIMIT_CHARS:
        return Markup("<code>{}</code>").format(sql)
    lexer = get_lexer_by_name(LEXERS.get(dialect, "sql"), stripnl=False, ensurenl=False)
    marked = highlight(sql, lexer, _FORMATTER)  # the formatter escapes what it writes, and ends the line
    if not sql.endswith("\n"):
        marked = marked.removesuffix("\n")
    return Markup('<code class="highlight">{}</code>').format(Markup(marked))  # noqa: S704 # nosec B704
