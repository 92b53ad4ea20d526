# Three images, one for each kind of process, made of the package's parts: `api` (api, migrations, accounts), `worker` (the
# nodes of Ray) and `scheduler` (both). PyTorch's default build serves CPU and GPU workers alike. For smaller images without
# CUDA, name the index of its CPU builds: --build-arg TORCH_INDEX=ADDRESS.
FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 RAY_USAGE_STATS_ENABLED=0
WORKDIR /phaselab
RUN useradd --create-home phaselab && mkdir -p var/data var/checkpoints && chown -R phaselab var
# The package without its code: what its parts bring stays as it is when only code changes. The lock file pins it.
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN mkdir -p src/phaselab && touch src/phaselab/__init__.py && pip install --constraint requirements.lock setuptools

FROM base AS server-part
RUN pip install --constraint requirements.lock --no-build-isolation ".[server]"

FROM base AS worker-part
ARG TORCH_INDEX=
RUN pip install --constraint requirements.lock --no-build-isolation \
    ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} ".[worker]"

FROM worker-part AS both-parts
RUN pip install --constraint requirements.lock --no-build-isolation ".[server]"

FROM base AS wheel
COPY domain ./domain
COPY workers ./workers
COPY db ./db
COPY service ./service
COPY api ./api
COPY client ./client
COPY presets ./presets
COPY src ./src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .

FROM server-part AS api
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps --force-reinstall /wheel/*.whl
WORKDIR /phaselab
USER phaselab
CMD ["phaselab", "api"]

FROM worker-part AS worker
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps --force-reinstall /wheel/*.whl
WORKDIR /phaselab
USER phaselab

FROM both-parts AS scheduler
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps --force-reinstall /wheel/*.whl
WORKDIR /phaselab
USER phaselab
CMD ["phaselab", "scheduler"]
