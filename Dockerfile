# Builds a wheel, then an image that runs `gatherq` as nobody in particular, on a read-only root.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY producer producer
COPY worker worker
COPY web web
COPY shell shell
RUN python -m pip install --no-cache-dir --prefix=/install '.[worker,progress]'

FROM python:3.13-slim
COPY --from=build /install /opt/gatherq
COPY examples /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/gatherq/lib/python3.13/site-packages PATH=/opt/gatherq/bin:$PATH
RUN useradd --system --no-create-home gatherq
USER gatherq
WORKDIR /app
ENTRYPOINT ["python", "-m", "gatherq_worker"]
CMD ["worker", "kitchen"]
