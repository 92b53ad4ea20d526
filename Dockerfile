# One image for every part of the service: api, scheduler, migration, Ray head and Ray workers.
# A CUDA build of PyTorch for the GPU workers: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
FROM python:3.11-slim-bookworm
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 RAY_USAGE_STATS_ENABLED=0
WORKDIR /phaselab

COPY requirements.lock ./
RUN pip install "$(grep '^torch==' requirements.lock)" --index-url "$TORCH_INDEX" --extra-index-url https://pypi.org/simple \
    && pip install --no-deps --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY domain ./domain
COPY workers ./workers
COPY db ./db
COPY service ./service
COPY api ./api
COPY client ./client
RUN pip install --no-deps --no-build-isolation --editable . \
    && useradd --create-home phaselab && mkdir var && chown phaselab var
USER phaselab
CMD ["phaselab", "serve"]
