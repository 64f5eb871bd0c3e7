package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Members of groups that consume a topic written by {@link Load} and commit what they have consumed, in a process that may be killed or
 * stopped at any time: it tells everything at once, with the times of System.nanoTime (the same clock in every process of a Linux machine),
 * and a commit before it is asked for. A member is opened by a line {@code {"open": "name", "group", "bootstrap", "topic", "props",
 * "commitEveryMs"}} on standard input and closed by {@code {"close": "name"}}; the process ends with its standard input.
 */
public final class GroupWorkload implements ConsumerRebalanceListener {
  private static final Map<String, GroupWorkload> MEMBERS = new ConcurrentHashMap<>();
  private static final AtomicLong COMMITS = new AtomicLong();
  private static final Duration POLL = Duration.ofMillis(10);
  private static final Duration COMMIT_TIMEOUT = Duration.ofSeconds(20);

  private final String name;
  private final String topic;
  private final long commitEveryNanos;
  private final KafkaConsumer<String, String> consumer;
  private final Thread thread;
  private volatile boolean closing;
  /** What follows the last record that was delivered in this ownership. */
  private final Map<TopicPartition, Long> next = new HashMap<>();
  private long lastCommit;

  private GroupWorkload(JsonNode c) {
    name = c.get("open").asText();
    topic = c.get("topic").asText();
    commitEveryNanos = c.path("commitEveryMs").asLong(0) * 1_000_000;
    var props = new Properties();
    props.put("bootstrap.servers", c.get("bootstrap").asText());
    props.put("group.id", c.get("group").asText());
    props.put("client.id", name);
    props.put("enable.auto.commit", "false");
    props.put("auto.offset.reset", "earliest");
    props.put("key.deserializer", StringDeserializer.class.getName());
    props.put("value.deserializer", StringDeserializer.class.getName());
    c.path("props").properties().forEach(e -> props.put(e.getKey(), e.getValue().asText()));
    consumer = new KafkaConsumer<>(props);
    thread = new Thread(this::run, name);
  }

  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode c = Peer.JSON.readTree(line);
      if (c.has("open")) {
        var member = new GroupWorkload(c);
        MEMBERS.put(member.name, member);
        member.thread.start();
      } else MEMBERS.get(c.get("close").asText()).closing = true;
    }
    Runtime.getRuntime().halt(0);
  }

  private static long now() {
    return System.nanoTime() / 1000;
  }

  private void say(String event, Object... pairs) {
    Map<String, Object> line = new TreeMap<>(Map.of("event", event, "member", name));
    for (int i = 0; i < pairs.length; i += 2) line.put((String) pairs[i], pairs[i + 1]);
    line.putIfAbsent("at", now());
    Peer.say(line);
  }

  private void run() {
    try {
      consumer.subscribe(List.of(topic), this);
      while (!closing) {
        deliver(consumer.poll(POLL));
        if (!next.isEmpty() && System.nanoTime() - lastCommit >= commitEveryNanos) commit(next);
      }
      if (!next.isEmpty()) commit(next);
    } catch (Throwable e) {
      say("failed", "error", String.valueOf(e));
    }
    try {
      consumer.close();
      say("ended");
    } catch (Throwable e) {
      say("failed", "error", String.valueOf(e));
    }
  }

  /** Each partition's records as one range; what is not a range, or not the record that belongs there, is told. */
  private void deliver(ConsumerRecords<String, String> records) {
    long at = now();
    List<long[]> batches = new ArrayList<>();
    for (TopicPartition tp : records.partitions()) {
      long first = -1;
      long last = -1;
      for (var r : records.records(tp)) {
        if (first < 0) first = r.offset();
        else if (r.offset() != last + 1) say("broken", "what", tp + ": " + r.offset() + " after " + last);
        if (Long.parseLong(r.value()) != r.offset()) say("broken", "what", tp + ": record " + r.value() + " at " + r.offset());
        last = r.offset();
      }
      batches.add(new long[] {tp.partition(), first, last});
      next.put(tp, last + 1);
    }
    if (!batches.isEmpty()) say("delivered", "at", at, "batches", batches);
  }

  private int generation() {
    return consumer.groupMetadata().generationId();
  }

  private static Map<Integer, Long> plain(Map<TopicPartition, Long> offsets) {
    Map<Integer, Long> plain = new TreeMap<>();
    offsets.forEach((tp, offset) -> plain.put(tp.partition(), offset));
    return plain;
  }

  private void commit(Map<TopicPartition, Long> which) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    which.forEach((tp, offset) -> offsets.put(tp, new OffsetAndMetadata(offset)));
    long id = COMMITS.incrementAndGet();
    say("commit", "id", id, "offsets", plain(which), "generation", generation(), "memberId", consumer.groupMetadata().memberId());
    String error = null;
    try {
      consumer.commitSync(offsets, COMMIT_TIMEOUT);
    } catch (RuntimeException e) {
      error = e.getClass().getSimpleName();
    }
    long at = now();
    Map<String, Object> line = new TreeMap<>(Map.of("event", "committed", "member", name, "id", id, "at", at, "generation", generation()));
    if (error != null) line.put("error", error);
    Peer.say(line);
    lastCommit = System.nanoTime();
  }

  private static List<Integer> numbers(Collection<TopicPartition> partitions) {
    return partitions.stream().map(TopicPartition::partition).sorted().toList();
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    say("assigned", "partitions", numbers(partitions), "generation", generation());
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    Map<TopicPartition, Long> last = new HashMap<>(next);
    last.keySet().retainAll(partitions);
    if (!last.isEmpty()) commit(last);
    next.keySet().removeAll(partitions);
    say("revoked", "partitions", numbers(partitions), "generation", generation());
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> partitions) {
    next.keySet().removeAll(partitions);
    say("lost", "partitions", numbers(partitions), "generation", generation());
  }
}
