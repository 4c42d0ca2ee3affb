"""The servers that the other tests stand on are real and come clean."""

import psycopg
import redis
from sqlalchemy import create_engine, text


def test_the_queue_server_comes_empty_the_first_time(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_the_queue_server_comes_empty_the_second_time(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_each_postgres_database_is_new(postgres_database: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        row = connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        assert row.fetchone() == (0,)


def test_a_store_url_opens_with_sqlalchemy(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (a integer)"))
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0
    engine.dispose()
