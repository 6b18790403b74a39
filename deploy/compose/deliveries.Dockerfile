# examples/verifiers/deliveries for docker-compose.languages.yml; the context is the checkout.
FROM node:22-bookworm-slim
WORKDIR /src
COPY clients/node clients/node
COPY examples/verifiers/deliveries examples/verifiers/deliveries
RUN examples/verifiers/deliveries/run --prepare
# The user of docker-compose.yml's servers, who may read the mounted secrets.
USER 10001:0
EXPOSE 5013
CMD ["examples/verifiers/deliveries/run"]
