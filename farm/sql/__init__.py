"""SQL as text: schemas, checks, extraction from answers, layout. The only package that imports sqlglot."""

import logging

# its warnings quote the query, which has no place in logs; what it says is in the findings
logging.getLogger("sqlglot").setLevel(logging.ERROR)
