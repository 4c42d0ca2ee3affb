"""Running queries on a target's database without opening it in this process."""

from farm.errors import TargetTrouble
from farm.targets.child import EngineChild, Opening
from farm.targets.target import Target

NETWORK_GRACE_SECONDS = 4.5
FILE_GRACE_SECONDS = 1.0


def open_runner(target: Target) -> EngineChild:
    """What runs and streams queries on the target, in a child process that starts with the first of them.

    Raises TargetTrouble for a target without a URL.
    """
    if target.url is None:
        raise TargetTrouble(
            f"target {target.name!r} has no database to run queries on, only a schema; "
            f"add one with `farm target add {target.name} --dialect {target.dialect} --url URL`"
        )
    by_network = target.dialect in ("postgres", "mysql")
    return EngineChild(
        Opening(url=target.url, target_name=target.name),
        grace_seconds=NETWORK_GRACE_SECONDS if by_network else FILE_GRACE_SECONDS,
    )
