package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** What a user does with an AdminClient, written as a user writes it. */
final class Admins {
  private Admins() {}

  static AdminClient open(JsonNode c) {
    Properties props = new Properties();
    props.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, c.get("bootstrap").asText());
    return AdminClient.create(props);
  }

  private static String text(JsonNode c, String field) {
    return c.get(field).asText();
  }

  static Map<String, String> strings(JsonNode node) {
    Map<String, String> map = new HashMap<>();
    if (node != null) node.fields().forEachRemaining(e -> map.put(e.getKey(), e.getValue().asText()));
    return map;
  }

  static Object createTopic(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      NewTopic topic = new NewTopic(text(c, "topic"), c.path("partitions").asInt(3), (short) c.path("replicationFactor").asInt(3));
      var result = admin.createTopics(List.of(topic.configs(strings(c.get("configs")))));
      result.all().get();
      return Map.of("topicId", result.topicId(topic.name()).get().toString(), "partitions", result.numPartitions(topic.name()).get(),
          "replicationFactor", result.replicationFactor(topic.name()).get());
    }
  }

  /** {@code assignment}: for each partition the brokers of its replicas, the preferred leader first. */
  static Object createTopicAssigned(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      Map<Integer, List<Integer>> assignment = new HashMap<>();
      for (int p = 0; p < c.get("assignment").size(); p++) {
        List<Integer> replicas = new ArrayList<>();
        c.get("assignment").get(p).forEach(it -> replicas.add(it.asInt()));
        assignment.put(p, replicas);
      }
      admin.createTopics(List.of(new NewTopic(text(c, "topic"), assignment))).all().get();
      return Map.of();
    }
  }

  static Object describeTopic(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      TopicDescription it = admin.describeTopics(List.of(text(c, "topic"))).allTopicNames().get().get(text(c, "topic"));
      var partitions = it.partitions().stream()
          .map(p -> Map.of("partition", p.partition(), "leader", p.leader() == null ? -1 : p.leader().id(), "replicas", ids(p.replicas()), "isr", ids(p.isr())))
          .toList();
      return Map.of("topicId", it.topicId().toString(), "internal", it.isInternal(), "partitions", partitions);
    }
  }

  private static List<Integer> ids(List<Node> nodes) {
    return nodes.stream().map(Node::id).toList();
  }

  static Object describeCluster(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      var it = admin.describeCluster();
      return Map.of("clusterId", it.clusterId().get(), "controller", it.controller().get().id(),
          "nodes", new TreeSet<>(it.nodes().get().stream().map(n -> n.id() + "@" + n.host() + ":" + n.port()).toList()));
    }
  }

  static Object listTopics(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      return new TreeSet<>(admin.listTopics().names().get());
    }
  }

  private static ConfigResource resource(JsonNode c) {
    return new ConfigResource(ConfigResource.Type.valueOf(text(c, "type")), text(c, "name"));
  }

  static Object describeConfigs(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      Config config = admin.describeConfigs(List.of(resource(c))).all().get().get(resource(c));
      Map<String, Object> entries = new TreeMap<>();
      for (ConfigEntry e : config.entries()) {
        Map<String, Object> entry = new HashMap<>();
        entry.put("value", e.value());
        entry.put("source", e.source().name());
        entry.put("readOnly", e.isReadOnly());
        entry.put("type", e.type().name());
        entries.put(e.name(), entry);
      }
      return entries;
    }
  }

  static Object alterConfigs(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      List<AlterConfigOp> ops = new ArrayList<>();
      strings(c.get("set")).forEach((k, v) -> ops.add(new AlterConfigOp(new ConfigEntry(k, v), AlterConfigOp.OpType.SET)));
      strings(c.get("append")).forEach((k, v) -> ops.add(new AlterConfigOp(new ConfigEntry(k, v), AlterConfigOp.OpType.APPEND)));
      if (c.has("unset")) c.get("unset").forEach(k -> ops.add(new AlterConfigOp(new ConfigEntry(k.asText(), null), AlterConfigOp.OpType.DELETE)));
      admin.incrementalAlterConfigs(Map.of(resource(c), ops)).all().get();
      return Map.of();
    }
  }

  static Object createPartitions(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      admin.createPartitions(Map.of(text(c, "topic"), NewPartitions.increaseTo(c.get("total").asInt()))).all().get();
      return Map.of();
    }
  }

  static Object deleteRecords(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      TopicPartition tp = new TopicPartition(text(c, "topic"), c.get("partition").asInt());
      var result = admin.deleteRecords(Map.of(tp, RecordsToDelete.beforeOffset(c.get("before").asLong())));
      return Map.of("lowWatermark", result.lowWatermarks().get(tp).get().lowWatermark());
    }
  }

  static Object deleteTopic(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      admin.deleteTopics(List.of(text(c, "topic"))).all().get();
      return Map.of();
    }
  }

  static Object electPreferred(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      Set<TopicPartition> wanted = null;
      if (c.has("partitions")) {
        wanted = new java.util.HashSet<>();
        for (JsonNode p : c.get("partitions")) wanted.add(new TopicPartition(text(c, "topic"), p.asInt()));
      }
      var outcome = admin.electLeaders(ElectionType.PREFERRED, wanted).partitions().get();
      Map<String, String> map = new TreeMap<>();
      outcome.forEach((tp, error) -> map.put(tp.toString(), error.map(e -> e.getClass().getSimpleName()).orElse("elected")));
      return map;
    }
  }

  static Object quorum(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      var it = admin.describeMetadataQuorum().quorumInfo().get();
      return Map.of("leader", it.leaderId(), "epoch", it.leaderEpoch(), "highWatermark", it.highWatermark(),
          "voters", it.voters().stream().map(v -> v.replicaId()).sorted().collect(Collectors.toList()));
    }
  }

  static Object describeProducers(JsonNode c) throws Exception {
    try (AdminClient admin = open(c)) {
      TopicPartition tp = new TopicPartition(text(c, "topic"), c.get("partition").asInt());
      return admin.describeProducers(List.of(tp)).partitionResult(tp).get().activeProducers().stream()
          .map(p -> Map.of("producerId", p.producerId(), "epoch", p.producerEpoch(), "lastSequence", p.lastSequence())).toList();
    }
  }
}
