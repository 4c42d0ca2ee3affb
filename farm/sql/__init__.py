"""SQL as text: schemas, checks, extraction from answers, layout. The only package that imports sqlglot."""
