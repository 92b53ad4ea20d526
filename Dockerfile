# One image for every part of the service: api, scheduler, migration, Ray head and Ray workers.
# PyTorch's default build serves CPU and GPU workers alike. For a smaller image without CUDA, name the index of its CPU
# builds: --build-arg TORCH_INDEX=ADDRESS.
FROM python:3.11-slim-bookworm
ARG TORCH_INDEX=

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 RAY_USAGE_STATS_ENABLED=0
WORKDIR /phaselab

COPY requirements.lock ./
RUN pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} "$(grep '^torch==' requirements.lock)" \
    && pip install --no-deps --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY domain ./domain
COPY workers ./workers
COPY db ./db
COPY service ./service
COPY api ./api
COPY client ./client
COPY presets ./presets
COPY src ./src
RUN pip install --no-deps --no-build-isolation --editable . \
    && useradd --create-home phaselab && mkdir -p var/data var/checkpoints && chown -R phaselab var
USER phaselab
CMD ["phaselab", "serve"]
