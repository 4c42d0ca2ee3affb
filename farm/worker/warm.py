"""Everything a worker builds once and keeps: store, queue, model, checker, and the pipeline over them."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Connection

from farm.checker.client import Checker
from farm.errors import UnknownTarget
from farm.models.client import Model
from farm.models.retry import patiently
from farm.pipeline.produce import Pipeline
from farm.queue.connection import connect, connect_async
from farm.store import migrate, targets, workers
from farm.store.engine import Store
from farm.store.writer import Writer
from farm.targets.target import Target
from farm.targets.urls import TargetUrls
from farm.worker import context
from farm.worker.process import WorkerConfig, host
from farm.worker.worker import FarmWorker

log = structlog.stdlib.get_logger(__name__)
