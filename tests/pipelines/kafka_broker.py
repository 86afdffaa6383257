"""A Kafka broker for a test: the mock cluster of Kafka's C client, librdkafka. It speaks Kafka's protocol over TCP, so
whoever produces cannot tell; it keeps nothing on a disk. A real broker is in no registry this project builds from.

    kafka_broker.py TOPIC    prints "listening on HOST:PORT", then each message's value, one a line, until SIGTERM
"""

import sys
import uuid

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

SECONDS = 10

# Its only use is to hold the cluster, which lives as long as this does.
cluster = AdminClient({"bootstrap.servers": "", "test.mock.num.brokers": 1})
# Asking for a topic makes it.
[broker] = cluster.list_topics(sys.argv[1], timeout=SECONDS).brokers.values()
address = f"{broker.host}:{broker.port}"
print(f"listening on {address}", flush=True)

consumer = Consumer(
    {"bootstrap.servers": address, "group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest"}
)
consumer.subscribe([sys.argv[1]])
while True:
    message = consumer.poll(SECONDS)
    if message is not None and message.error() is None:
        print(message.value().decode(), flush=True)
