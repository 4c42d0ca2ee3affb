"""The engines of one checker process: a target's own, and the embedded Postgres that all may share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from farm.errors import Unavailable
from farm.services.postgres_use import START_LIMIT_SECONDS, PostgresUse
from farm.targets.engine import EmbeddedPostgres, Engine, NoEngine, open_engine
from farm.targets.target import Target

if TYPE_CHECKING:
    from farm.settings import Settings

WAITING_SHARE = 0.6
"""How much of its time a query waits for the embedded server to come back; its dry run needs the rest."""
QUERY_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scratch:
    """Where Postgres targets without a URL are dry-run: on a server (its URL is a secret), else on one that
    is embedded in the farm's home, else nowhere."""

    postgres_url: str | None = field(default=None, repr=False)
    home: str | None = None

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """As the settings say."""
        url = settings.scratch_postgres_url
        return cls(postgres_url=url.get_secret_value() if url else None, home=str(settings.home.absolute()))


class Engines:
    """Opens engines, and holds the embedded server as long as it is open itself."""

    def __init__(self, *, query_seconds: float = QUERY_SECONDS) -> None:
        """`query_seconds`: what one query is given for all of its checks."""
        self._uses: dict[str, PostgresUse] = {}
        self._query_patience_seconds = query_seconds * WAITING_SHARE
        self._patience_seconds = self._query_patience_seconds

    @contextmanager
    def patiently(self) -> Iterator[None]:
        """Give what is opened in this block the time that it takes."""
        self._patience_seconds = START_LIMIT_SECONDS
        try:
            yield
        finally:
            self._patience_seconds = self._query_patience_seconds

    def open(self, target: Target, scratch: Scratch) -> Engine | None:
        """The engine that dry runs use; None where there is none for the dialect, NoEngine says why else."""
        embedded = self._embedded(target, scratch)
        return open_engine(
            target,
            purpose="check",
            scratch_postgres_url=scratch.postgres_url,
            embedded_postgres=None if embedded is None else self._server(embedded),
        )

    def _server(self, embedded: PostgresUse) -> EmbeddedPostgres:
        """The server, started where need be; raises NoEngine."""
        try:
            url = embedded.url(limit_seconds=self._patience_seconds)
        except Unavailable as error:
            raise NoEngine(str(error)) from None
        except OSError as error:
            raise NoEngine(f"the embedded Postgres cannot be used ({error}); set FARM_HOME") from None
        return EmbeddedPostgres(url=url, patience_seconds=self._patience_seconds)

    def close(self) -> None:
        while self._uses:
            self._uses.popitem()[1].close()

    def _embedded(self, target: Target, scratch: Scratch) -> PostgresUse | None:
        if target.dialect != "postgres" or target.url is not None:
            return None
        if scratch.postgres_url is not None or scratch.home is None:
            return None
        if scratch.home not in self._uses:
            from farm.targets.postgres.kept import answers

            self._uses[scratch.home] = PostgresUse(Path(scratch.home), answers)
        return self._uses[scratch.home]
