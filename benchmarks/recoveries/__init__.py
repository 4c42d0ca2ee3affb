"""What recovery.py is made of: farms under test, what befalls them, and the time until they are well again.

1. `ledger` is the model: it notes when each question is asked, which is when its task runs.
2. `scene` brings up one case's store and hosts; `servers` and `network` are what two hosts share.
3. `workers`, `farms` and `hosts` hold the cases; `cases` lists them.
4. `figures` (pure) turns times into percentiles, and holds them against their targets.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The tests' stub endpoint and Postgres are used here, too; without an installed farm, so is the checkout.
sys.path += [folder for folder in (str(ROOT), str(ROOT / "tests")) if folder not in sys.path]
