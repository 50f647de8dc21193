# The README's two commands in a container, without root:
#   docker build -t gluon_wgan . && docker run --rm -it gluon_wgan make demo
FROM python:3.13-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git libgl1 libglib2.0-0 libgomp1 libquadmath0 make \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home newcomer
USER newcomer
WORKDIR /home/newcomer/gluon_wgan
COPY --chown=newcomer . .
RUN make setup
CMD ["make", "test"]
