package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** All that a user can be told of topics, with two clients for all of them. */
final class Telling {
  private Telling() {}

  /** {@code topics}: for each name the fields that {@code offsets} and {@code read} take. */
  static Object topics(JsonNode c) throws Exception {
    Map<String, Object> told = new LinkedHashMap<>();
    try (AdminClient admin = Admins.open(c); var consumer = Records.consumer(c)) {
      for (JsonNode one : c.get("topics")) {
        ObjectNode asked = one.deepCopy();
        told.put(asked.get("topic").asText(), topic(admin, consumer, asked));
      }
    }
    return told;
  }

  private static Object topic(AdminClient admin, KafkaConsumer<String, String> consumer, ObjectNode asked) throws Exception {
    String name = asked.get("topic").asText();
    TopicDescription it = admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
    return Map.of("topicId", it.topicId().toString(), "configs", configs(admin, name), "producers", producers(admin, it),
        "offsets", Records.offsetsWith(consumer, asked), "records", Records.readWith(consumer, asked));
  }

  /** Those of the topic itself. */
  private static Map<String, String> configs(AdminClient admin, String name) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, name);
    Map<String, String> own = new TreeMap<>();
    for (ConfigEntry e : admin.describeConfigs(List.of(resource)).all().get().get(resource).entries())
      if (e.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG) own.put(e.name(), e.value());
    return own;
  }

  private static List<Object> producers(AdminClient admin, TopicDescription topic) throws Exception {
    List<Object> all = new ArrayList<>();
    for (var p : topic.partitions()) {
      TopicPartition tp = new TopicPartition(topic.name(), p.partition());
      List<ProducerState> active = new ArrayList<>(admin.describeProducers(List.of(tp)).partitionResult(tp).get().activeProducers());
      active.sort(Comparator.comparingLong(ProducerState::producerId));
      for (var s : active) all.add(List.of(p.partition(), s.producerId(), s.producerEpoch(), s.lastSequence()));
    }
    return all;
  }
}
