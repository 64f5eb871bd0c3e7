package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * Consumers that subscribe in a group, each polling on a thread of its own as an application does. They are known by a name of the test's
 * ({@code member}); what one has seen so far is asked for with {@code memberState}, what is done between two of its polls with {@code memberDo}.
 */
final class Members {
  private static final Map<String, Member> MEMBERS = new ConcurrentHashMap<>();
  private static final Duration POLL = Duration.ofMillis(20);
  private static final long PATIENCE_SECONDS = 30;

  private Members() {}

  /**
   * {@code topics}, {@code pattern} (java.util.regex, matched by the client), {@code re2} (matched by the coordinator) or {@code assign}
   * (partitions); {@code commit}: {@code sync} or {@code async} after every poll that brought records, {@code none} otherwise. What has been
   * read is always committed before partitions are given up in order, unless {@code commit} is none.
   */
  static Object open(JsonNode c) {
    Member member = new Member(c);
    if (MEMBERS.putIfAbsent(c.get("member").asText(), member) != null) throw new IllegalStateException("there is already a member " + c.get("member"));
    member.thread.start();
    return Map.of();
  }

  private static Member of(JsonNode c) {
    Member member = MEMBERS.get(c.get("member").asText());
    if (member == null) throw new IllegalStateException("no member " + c.get("member"));
    return member;
  }

  /** {@code from}: how many records the test has already. */
  static Object state(JsonNode c) {
    return of(c).state(c.path("from").asInt(0));
  }

  /** Runs on the member's thread, between two polls; {@code later}: the test does not wait for it. */
  static Object act(JsonNode c) throws Exception {
    Member member = of(c);
    var task = member.between(() -> member.act(c));
    return c.path("later").asBoolean() ? Map.of() : task.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  /** {@code leave}: {@code default}, {@code leave} or {@code remain} (CloseOptions). Answers what {@link #state} does, at the very end. */
  static Object close(JsonNode c) throws Exception {
    Member member = of(c);
    member.leave = c.path("leave").asText("default");
    member.closing = true;
    member.thread.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
    if (member.thread.isAlive()) throw new IllegalStateException(c.get("member") + " does not end");
    MEMBERS.remove(c.get("member").asText());
    return member.state(c.path("from").asInt(0));
  }

  private static List<String> names(Collection<TopicPartition> partitions) {
    return List.copyOf(new TreeSet<>(partitions.stream().map(TopicPartition::toString).toList()));
  }

  static TopicPartition partition(String name) {
    int dash = name.lastIndexOf('-');
    return new TopicPartition(name.substring(0, dash), Integer.parseInt(name.substring(dash + 1)));
  }

  static List<TopicPartition> partitions(JsonNode names) {
    List<TopicPartition> list = new ArrayList<>();
    names.forEach(it -> list.add(partition(it.asText())));
    return list;
  }

  static Map<String, Object> plain(Map<TopicPartition, OffsetAndMetadata> offsets) {
    Map<String, Object> map = new TreeMap<>();
    offsets.forEach((tp, at) -> {
      Map<String, Object> it = new LinkedHashMap<>();
      if (at != null) {
        it.put("offset", at.offset());
        it.put("metadata", at.metadata());
        it.put("leaderEpoch", at.leaderEpoch().orElse(-1));
      }
      map.put(tp.toString(), at == null ? null : it);
    });
    return map;
  }

  private static final class Member implements ConsumerRebalanceListener {
    private final String commit;
    private final KafkaConsumer<String, String> consumer;
    final Thread thread;
    private final ConcurrentLinkedQueue<FutureTask<Object>> tasks = new ConcurrentLinkedQueue<>();
    volatile boolean closing;
    volatile String leave = "default";
    // what the test is told; guarded by this
    private final List<Object> records = new ArrayList<>();
    private final List<Object> events = new ArrayList<>();
    private final List<String> commitErrors = new ArrayList<>();
    private int commits;
    private List<String> assignment = List.of();
    private String memberId = "";
    private int generation = -1;
    private String error;
    private boolean ended;

    Member(JsonNode c) {
      commit = c.path("commit").asText("none");
      Map<String, Object> props = new HashMap<>(Map.of(
          ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false",
          ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest"));
      props.put(ConsumerConfig.GROUP_ID_CONFIG, c.get("group").asText());
      props.putAll(Admins.strings(c.get("props")));
      var with = (ObjectNode) c.deepCopy();
      with.set("props", Peer.JSON.valueToTree(props));
      consumer = Records.consumer(with);
      subscribe(c);
      thread = new Thread(this::run, "member-" + c.get("member").asText());
      thread.setDaemon(true);
    }

    private void subscribe(JsonNode c) {
      if (c.has("pattern")) consumer.subscribe(Pattern.compile(c.get("pattern").asText()), this);
      else if (c.has("re2")) consumer.subscribe(new SubscriptionPattern(c.get("re2").asText()), this);
      else if (c.has("assign")) consumer.assign(partitions(c.get("assign")));
      else {
        List<String> topics = new ArrayList<>();
        c.get("topics").forEach(it -> topics.add(it.asText()));
        consumer.subscribe(topics, this);
      }
    }

    private void run() {
      try {
        while (!closing) {
          for (var task = tasks.poll(); task != null; task = tasks.poll()) task.run();
          var polled = consumer.poll(POLL);
          polled.forEach(this::take);
          if (!polled.isEmpty()) commit();
          noteMembership();
        }
      } catch (Throwable e) {
        failed(e);
      } finally {
        end();
      }
    }

    private void end() {
      try {
        var options = CloseOptions.timeout(Duration.ofSeconds(10));
        consumer.close(switch (leave) {
          case "leave" -> options.withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP);
          case "remain" -> options.withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP);
          default -> options;
        });
      } catch (Throwable e) {
        failed(e);
      }
      synchronized (this) {
        ended = true;
      }
    }

    private synchronized void failed(Throwable e) {
      if (error == null) error = e.getClass().getSimpleName() + ": " + e.getMessage();
    }

    private synchronized void take(ConsumerRecord<String, String> r) {
      records.add(List.of(r.topic() + "-" + r.partition(), r.offset(), String.valueOf(r.value())));
    }

    private synchronized void noteMembership() {
      assignment = names(consumer.assignment());
      var it = consumer.groupMetadata();
      memberId = it.memberId();
      generation = it.generationId();
    }

    private void commit() {
      if (commit.equals("sync")) committing(consumer::commitSync);
      else if (commit.equals("async"))
        consumer.commitAsync((offsets, e) -> {
          if (e == null) committed();
          else commitFailed(e);
        });
    }

    private void committing(Runnable how) {
      try {
        how.run();
        committed();
      } catch (KafkaException e) {
        commitFailed(e);
      }
    }

    private synchronized void committed() {
      commits++;
    }

    private synchronized void commitFailed(Exception e) {
      commitErrors.add(e.getClass().getSimpleName());
    }

    private synchronized void event(String what, Collection<TopicPartition> partitions) {
      events.add(List.of(what, names(partitions)));
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      event("assigned", partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      if (!commit.equals("none") && !partitions.isEmpty()) committing(consumer::commitSync);
      event("revoked", partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      event("lost", partitions);
    }

    FutureTask<Object> between(Callable<Object> what) {
      var task = new FutureTask<>(what);
      tasks.add(task);
      return task;
    }

    Object act(JsonNode c) throws Exception {
      var tps = c.has("partitions") ? partitions(c.get("partitions")) : List.copyOf(consumer.assignment());
      switch (c.get("act").asText()) {
        case "commitSync" -> consumer.commitSync();
        case "commitOffsets" -> consumer.commitSync(offsets(c.get("offsets")));
        case "committed" -> {
          return plain(consumer.committed(Set.copyOf(tps)));
        }
        case "positions" -> {
          Map<String, Long> at = new TreeMap<>();
          tps.forEach(tp -> at.put(tp.toString(), consumer.position(tp)));
          return at;
        }
        case "lags" -> {
          Map<String, Long> lags = new TreeMap<>();
          tps.forEach(tp -> lags.put(tp.toString(), consumer.currentLag(tp).orElse(-1)));
          return lags;
        }
        case "seek" -> consumer.seek(tps.get(0), c.get("offset").asLong());
        case "seekToBeginning" -> consumer.seekToBeginning(tps);
        case "seekToEnd" -> consumer.seekToEnd(tps);
        case "pause" -> consumer.pause(tps);
        case "resume" -> consumer.resume(tps);
        case "subscribe" -> subscribe(c);
        case "unsubscribe" -> consumer.unsubscribe();
        case "enforceRebalance" -> consumer.enforceRebalance("the test wants it");
        case "stall" -> Thread.sleep(c.get("ms").asLong());
        default -> throw new IllegalArgumentException("no act " + c.get("act"));
      }
      return Map.of();
    }

    synchronized Object state(int from) {
      Map<String, Object> it = new LinkedHashMap<>();
      it.put("records", List.copyOf(records.subList(from, records.size())));
      it.put("events", List.copyOf(events));
      it.put("commits", commits);
      it.put("commitErrors", List.copyOf(commitErrors));
      it.put("assignment", assignment);
      it.put("memberId", memberId);
      it.put("generation", generation);
      it.put("error", error);
      it.put("ended", ended);
      return it;
    }
  }

  /** {@code {"topic-0": 5}} or {@code {"topic-0": {"offset": 5, "metadata": "m", "leaderEpoch": 1}}}. */
  static Map<TopicPartition, OffsetAndMetadata> offsets(JsonNode node) {
    Map<TopicPartition, OffsetAndMetadata> map = new HashMap<>();
    node.fields().forEachRemaining(e -> {
      JsonNode at = e.getValue();
      map.put(partition(e.getKey()), at.isNumber() ? new OffsetAndMetadata(at.asLong())
          : new OffsetAndMetadata(at.get("offset").asLong(),
              at.has("leaderEpoch") ? Optional.of(at.get("leaderEpoch").asInt()) : Optional.empty(), at.path("metadata").asText("")));
    });
    return map;
  }
}
