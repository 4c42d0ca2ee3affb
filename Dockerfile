# One image for everything that is the farm's own: migrate, workers, web and the local model's server.
ARG PYTHON=3.11.14-slim-bookworm

# What the farm needs, exactly as locked: every driver, and every file held to its hash.
FROM python:${PYTHON} AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/farm
ENV PATH=/opt/farm/bin:$PATH
COPY requirements.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements.lock

# The wheel: the build hook fetches the pages' front-end files with a locked Node.js, held to package-lock.json.
FROM packages AS wheel
COPY requirements-node.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements-node.lock
COPY package.json package-lock.json .npmrc hatch_build.py pyproject.toml README.md LICENSE ./
COPY migrations ./migrations
COPY jobs ./jobs
COPY farm ./farm
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM packages AS installed
COPY --from=wheel /wheels /wheels
RUN pip install --no-deps --no-index /wheels/*.whl && pip check

FROM python:${PYTHON}
# The local model's server needs OpenMP; its version is the base image's.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 farm \
 && useradd --uid 10001 --gid farm --no-create-home --home-dir /var/lib/farm --shell /usr/sbin/nologin farm \
 && install --directory --owner=farm --group=farm --mode=0700 /var/lib/farm /var/cache/farm
COPY --from=installed /opt/farm /opt/farm
ENV PATH=/opt/farm/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FARM_HOME=/var/lib/farm
WORKDIR /var/lib/farm
USER 10001:10001
EXPOSE 8000
CMD ["farm", "--help"]
