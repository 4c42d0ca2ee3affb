"""A batch as a document: what is told of each question. How it looks is the pages' (farm.web.standalone)."""
