"""A member of a group, of the stock clients of Python. Tells in lines of JSON what it owns and reads, commits after every poll that brought
records, and closes in order when its standard input ends.

    member.py confluent-kafka|kafka-python BOOTSTRAP GROUP TOPIC SETTINGS

SETTINGS is a JSON object of the client's own settings; a TOPIC that begins with ^ is a pattern.
"""

import json
import sys
import threading

POLL_SECONDS = 0.05


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def until_closed():
    closed = threading.Event()

    def wait():
        sys.stdin.read()
        closed.set()

    threading.Thread(target=wait, daemon=True).start()
    return closed


def names(partitions):
    return sorted(f"{it.topic}-{it.partition}" for it in partitions)


def confluent(bootstrap, group, topic, settings):
    from confluent_kafka import Consumer, KafkaException

    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "topic.metadata.refresh.interval.ms": 500,
        **settings,
    })

    owned = None
    consumer.subscribe([topic], on_assign=lambda _, partitions: say(assigned=names(partitions)),
                       on_revoke=lambda _, partitions: say(revoked=names(partitions)),
                       on_lost=lambda _, partitions: say(lost=names(partitions)))
    closed = until_closed()
    while not closed.is_set():
        messages = consumer.consume(500, POLL_SECONDS)
        for it in messages:
            if it.error() is not None and not it.error().retriable():
                raise KafkaException(it.error())
        records = [[f"{it.topic()}-{it.partition()}", it.offset(), it.value().decode()] for it in messages if it.error() is None]
        if records:
            say(records=records)
            consumer.commit(asynchronous=False)
        now = names(consumer.assignment())
        if now != owned:
            owned = now
            say(owns=owned)
    consumer.close()


def kafka_python(bootstrap, group, topic, settings):
    from kafka import ConsumerRebalanceListener, KafkaConsumer

    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap.split(","),
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        metadata_max_age_ms=500,
        **settings,
    )

    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked):
            say(revoked=names(revoked))

        def on_partitions_assigned(self, assigned):
            say(assigned=names(assigned))

        def on_partitions_lost(self, lost):
            say(lost=names(lost))

    if topic.startswith("^"):
        consumer.subscribe(pattern=topic, listener=Listener())
    else:
        consumer.subscribe(topics=[topic], listener=Listener())
    closed = until_closed()
    owned = None
    while not closed.is_set():
        batches = consumer.poll(timeout_ms=int(POLL_SECONDS * 1000))
        records = [[f"{it.topic}-{it.partition}", it.offset, it.value.decode()] for batch in batches.values() for it in batch]
        if records:
            say(records=records)
            consumer.commit()
        now = names(consumer.assignment())
        if now != owned:
            owned = now
            say(owns=owned)
    consumer.close(autocommit=False)


def main():
    client, bootstrap, group, topic, settings = sys.argv[1:6]
    try:
        {"confluent-kafka": confluent, "kafka-python": kafka_python}[client](bootstrap, group, topic, json.loads(settings))
    except Exception as e:  # told to the test
        say(error=f"{type(e).__name__}: {e}")
        sys.exit(1)


main()
