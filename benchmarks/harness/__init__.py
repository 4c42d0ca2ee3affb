"""What chaos.py is made of: farms under test, faults that befall them, and books that are audited afterwards.

1. `schedule` plans the faults from a seed, `script` what is asked and what the model says; both are pure.
2. `site` brings up the farms, their servers and their disk; `endpoint` is the model, and counts its payments.
3. `faults` does to them what was planned.
4. `books` reads the store, `audit` (pure) holds it against the plan and the payments, `report` says it.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The tests' own Postgres is used here, too; without an installed farm, so is the checkout.
sys.path += [folder for folder in (str(ROOT), str(ROOT / "tests")) if folder not in sys.path]
