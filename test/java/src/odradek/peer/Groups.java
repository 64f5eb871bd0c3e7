package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.MemberAssignment;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;

/** What a user does to groups with an AdminClient. */
final class Groups {
  private Groups() {}

  private static List<String> texts(JsonNode node) {
    List<String> list = new ArrayList<>();
    if (node != null) node.forEach(it -> list.add(it.asText()));
    return list;
  }

  /** Each key with its value, or with the name of the exception that it got. */
  private static <K> Map<String, Object> each(Map<K, KafkaFuture<Void>> futures) throws InterruptedException {
    Map<String, Object> map = new TreeMap<>();
    for (var e : futures.entrySet()) map.put(e.getKey().toString(), outcome(e.getValue()));
    return map;
  }

  private static String outcome(KafkaFuture<Void> future) throws InterruptedException {
    try {
      future.get();
      return "ok";
    } catch (ExecutionException e) {
      return e.getCause().getClass().getSimpleName();
    }
  }

  /** {@code types}, {@code states}, {@code protocols}: filters. */
  static Object list(JsonNode c) throws Exception {
    try (AdminClient admin = Admins.open(c)) {
      var options = new ListGroupsOptions().withTypes(texts(c.get("types")).stream().map(GroupType::parse).collect(Collectors.toSet()))
          .inGroupStates(texts(c.get("states")).stream().map(GroupState::parse).collect(Collectors.toSet()))
          .withProtocolTypes(Set.copyOf(texts(c.get("protocols"))));
      Map<String, Object> groups = new TreeMap<>();
      for (var it : admin.listGroups(options).all().get())
        groups.put(it.groupId(), List.of(it.type().map(GroupType::toString).orElse(""), it.protocol(), it.groupState().map(GroupState::toString).orElse("")));
      return groups;
    }
  }

  private static List<String> names(MemberAssignment assignment) {
    return List.copyOf(new TreeSet<>(assignment.topicPartitions().stream().map(TopicPartition::toString).toList()));
  }

  private static Map<String, Object> plain(MemberDescription m) {
    Map<String, Object> it = new LinkedHashMap<>();
    it.put("memberId", m.consumerId());
    it.put("instance", m.groupInstanceId().orElse(null));
    it.put("rack", m.rackId().orElse(null));
    it.put("client", m.clientId());
    it.put("host", m.host());
    it.put("assignment", names(m.assignment()));
    it.put("target", m.targetAssignment().map(Groups::names).orElse(null));
    it.put("epoch", m.memberEpoch().orElse(null));
    it.put("upgraded", m.upgraded().orElse(null));
    return it;
  }

  private static Map<String, Object> plain(ConsumerGroupDescription g) {
    Map<String, Object> it = new LinkedHashMap<>();
    it.put("state", g.groupState().toString());
    it.put("type", g.type().toString());
    it.put("simple", g.isSimpleConsumerGroup());
    it.put("assignor", g.partitionAssignor());
    it.put("coordinator", g.coordinator().id());
    it.put("epoch", g.groupEpoch().orElse(null));
    it.put("targetEpoch", g.targetAssignmentEpoch().orElse(null));
    it.put("members", g.members().stream().map(Groups::plain).toList());
    return it;
  }

  static Object describe(JsonNode c) throws Exception {
    try (AdminClient admin = Admins.open(c)) {
      Map<String, Object> groups = new TreeMap<>();
      for (var e : admin.describeConsumerGroups(texts(c.get("groups"))).all().get().entrySet()) groups.put(e.getKey(), plain(e.getValue()));
      return groups;
    }
  }

  /** Groups of the classic protocol, whatever their members do. */
  static Object describeClassic(JsonNode c) throws Exception {
    try (AdminClient admin = Admins.open(c)) {
      Map<String, Object> groups = new TreeMap<>();
      for (var e : admin.describeClassicGroups(texts(c.get("groups"))).all().get().entrySet()) {
        var g = e.getValue();
        groups.put(e.getKey(), Map.of("state", g.state().toString(), "protocol", g.protocol(), "assignor", g.protocolData(), "members", g.members().size()));
      }
      return groups;
    }
  }

  static Object offsets(JsonNode c) throws Exception {
    try (AdminClient admin = Admins.open(c)) {
      Map<String, ListConsumerGroupOffsetsSpec> specs = new HashMap<>();
      for (String group : texts(c.get("groups"))) {
        var spec = new ListConsumerGroupOffsetsSpec();
        specs.put(group, c.has("partitions") ? spec.topicPartitions(Members.partitions(c.get("partitions"))) : spec);
      }
      var options = new ListConsumerGroupOffsetsOptions().requireStable(c.path("requireStable").asBoolean(false));
      Map<String, Object> groups = new TreeMap<>();
      for (var e : admin.listConsumerGroupOffsets(specs, options).all().get().entrySet()) groups.put(e.getKey(), Members.plain(e.getValue()));
      return groups;
    }
  }

  /** Each partition's outcome; the exception of the group as a whole is thrown. */
  static Object alterOffsets(JsonNode c) throws Exception {
    try (AdminClient admin = Admins.open(c)) {
      var wanted = Members.offsets(c.get("offsets"));
      var result = admin.alterConsumerGroupOffsets(c.get("group").asText(), wanted);
      return each(wanted.keySet().stream().collect(Collectors.toMap(tp -> tp, result::partitionResult)));
    }
  }

  static Object deleteOffsets(JsonNode c) throws Exception {
    try (AdminClient admin = Admins.open(c)) {
      var tps = new HashSet<>(Members.partitions(c.get("partitions")));
      var result = admin.deleteConsumerGroupOffsets(c.get("group").asText(), tps);
      return each(tps.stream().collect(Collectors.toMap(tp -> tp, result::partitionResult)));
    }
  }

  static Object delete(JsonNode c) throws Exception {
    try (AdminClient admin = Admins.open(c)) {
      return each(admin.deleteConsumerGroups(texts(c.get("groups"))).deletedGroups());
    }
  }

  /** {@code instances}: static members by their id; all members without it. */
  static Object removeMembers(JsonNode c) throws Exception {
    try (AdminClient admin = Admins.open(c)) {
      var members = texts(c.get("instances")).stream().map(MemberToRemove::new).toList();
      var options = members.isEmpty() ? new RemoveMembersFromConsumerGroupOptions() : new RemoveMembersFromConsumerGroupOptions(members);
      var result = admin.removeMembersFromConsumerGroup(c.get("group").asText(), options);
      if (members.isEmpty()) return Map.of("all", outcome(result.all()));
      return each(members.stream().collect(Collectors.toMap(MemberToRemove::groupInstanceId, result::memberResult)));
    }
  }
}
