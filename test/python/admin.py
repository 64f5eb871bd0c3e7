"""What the AdminClient of confluent-kafka (librdkafka) sees of groups and does to them. Prints one line of JSON.

    admin.py BOOTSTRAP GROUP TOPIC

The group has no members, and has committed offsets of the topic's partitions.
"""

import json
import sys

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

PATIENCE_SECONDS = 20


def main():
    bootstrap, group, topic = sys.argv[1:4]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    answer = {}
    listed = admin.list_consumer_groups(request_timeout=PATIENCE_SECONDS).result()
    found = next(it for it in listed.valid if it.group_id == group)
    answer["listed"] = [found.state.name, found.type.name, found.is_simple_consumer_group]
    answer["errors"] = len(listed.errors)
    described = admin.describe_consumer_groups([group])[group].result()
    answer["described"] = [described.state.name, described.type.name, len(described.members)]

    def offsets():
        it = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result()
        return {f"{at.topic}-{at.partition}": at.offset for at in it.topic_partitions}

    answer["offsets"] = offsets()
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 3)])
    admin.alter_consumer_group_offsets([wanted])[group].result()
    answer["altered"] = offsets()
    admin.delete_consumer_groups([group])[group].result()
    try:
        admin.delete_consumer_groups([group])[group].result()
    except KafkaException as e:
        answer["again"] = e.args[0].name()
    print(json.dumps(answer))


main()
