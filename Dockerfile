# An image that runs `gatherq` as nobody in particular, on a read-only root.
# Your own jobs are a folder mounted at /app, or three lines: docs/howto/docker.md.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ARG EXTRAS=worker,progress,cron,web,metrics,otel,logs
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY producer producer
COPY worker worker
COPY web web
COPY shell shell
RUN python -m venv /opt/gatherq && /opt/gatherq/bin/pip install --no-cache-dir ".[${EXTRAS}]"

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/gatherq /opt/gatherq
COPY examples /app
# Probes come from outside of the container; gatherq-probe reads the file, in memory.
ENV PATH=/opt/gatherq/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    GATHERQ_HEALTH_HOST=0.0.0.0 GATHERQ_HEALTH_FILE=/dev/shm/gatherq-health
RUN useradd --system --no-create-home --uid 10001 gatherq
# A number: Kubernetes cannot tell of a name that it is not root.
USER 10001
WORKDIR /app
ENTRYPOINT ["gatherq"]
CMD ["worker", "kitchen"]
