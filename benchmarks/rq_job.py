"""The job of stock RQ workers in throughput.py: one model call, nothing checked or kept.

Workers import this module before they fork (`--config`), so that no job pays for importing openai.
"""

import os

import openai
import openai.resources.chat.completions  # loaded on first use otherwise, by each job anew


def ask(question: str) -> str:
    """Ask the stub endpoint, as a plain job function does it: a client of its own each time."""
    client = openai.OpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="none")
    answer = client.chat.completions.create(
        model="stub-model", messages=[{"role": "user", "content": f"Question: {question}"}]
    )
    return answer.choices[0].message.content or ""
