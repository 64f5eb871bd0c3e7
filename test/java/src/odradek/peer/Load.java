package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * An idempotent producer with acks=all and otherwise stock settings that sends one record to each of its partitions every few milliseconds,
 * whatever happens to the cluster. Each partition has its own sequence 0, 1, 2, … as the records' value. Every acknowledgement is told
 * as an event {@code [partition, sequence, ackMicros, offset]} with the time of System.nanoTime, which on Linux is the same clock as Node's
 * process.hrtime. At the end {@link #verify} reads everything back.
 */
final class Load {
  private static Load current;

  private final JsonNode command;
  private final String topic;
  private final int[] partitions;
  private final long intervalNanos;
  private final KafkaProducer<String, String> producer;
  private final ConcurrentLinkedQueue<long[]> fresh = new ConcurrentLinkedQueue<>();
  /** Partition → sequence → offset at which it was acknowledged. */
  private final Map<Integer, Map<Long, Long>> acknowledged = new HashMap<>();
  private final Map<Integer, Long> sent = new HashMap<>();
  private final Map<String, Integer> errors = new ConcurrentHashMap<>();
  private final Thread sender;
  private final Thread teller;
  private volatile boolean stopping;
  private volatile boolean stopped;

  private Load(JsonNode c) {
    command = c;
    topic = c.get("topic").asText();
    partitions = new int[c.get("partitions").size()];
    for (int i = 0; i < partitions.length; i++) {
      partitions[i] = c.get("partitions").get(i).asInt();
      acknowledged.put(partitions[i], new ConcurrentHashMap<>());
      sent.put(partitions[i], 0L);
    }
    intervalNanos = c.get("intervalMs").asLong() * 1_000_000;
    producer = Records.producer(c);
    producer.partitionsFor(topic);
    sender = new Thread(this::send, "load-sender");
    teller = new Thread(this::tell, "load-teller");
  }

  static Object start(JsonNode c) {
    current = new Load(c);
    current.teller.start();
    current.sender.start();
    return Map.of("nowMicros", System.nanoTime() / 1000);
  }

  private void send() {
    long next = System.nanoTime();
    while (!stopping) {
      for (int partition : partitions) sendOne(partition);
      next += intervalNanos;
      long now = System.nanoTime();
      if (next < now) next = now; // send() itself waited: do not make up for it in a burst
      while (!stopping && System.nanoTime() < next) LockSupport.parkNanos(next - System.nanoTime());
    }
  }

  private void sendOne(int partition) {
    long sequence = sent.get(partition);
    sent.put(partition, sequence + 1);
    try {
      producer.send(new ProducerRecord<>(topic, partition, null, Long.toString(sequence)), (at, error) -> {
        long now = System.nanoTime() / 1000;
        if (error != null) {
          failed(error);
        } else {
          acknowledged.get(partition).put(sequence, at.offset());
          fresh.add(new long[] {partition, sequence, now, at.offset()});
        }
      });
    } catch (RuntimeException error) {
      failed(error);
    }
  }

  private void failed(Exception error) {
    errors.merge(error.getClass().getSimpleName() + ": " + error.getMessage(), 1, Integer::sum);
    Peer.say(Map.of("event", "sendError", "error", String.valueOf(error)));
  }

  private void tell() {
    while (!stopped || !fresh.isEmpty()) {
      List<long[]> acks = new ArrayList<>();
      for (long[] ack = fresh.poll(); ack != null; ack = fresh.poll()) acks.add(ack);
      if (!acks.isEmpty()) Peer.say(Map.of("event", "acks", "acks", acks));
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** Stops sending and waits for every outstanding acknowledgement. */
  static Object stop() throws Exception {
    Load it = current;
    it.stopping = true;
    it.sender.join();
    it.producer.flush();
    it.producer.close();
    it.stopped = true;
    it.teller.join();
    long acks = it.acknowledged.values().stream().mapToLong(Map::size).sum();
    long sends = it.sent.values().stream().mapToLong(Long::longValue).sum();
    return Map.of("sent", sends, "acknowledged", acks, "errors", it.errors);
  }

  /**
   * Reads every partition from its beginning and compares. lost: acknowledged but not there. doubled: there more than once. disordered: a
   * sequence after a greater one. misplaced: acknowledged with one offset, read at another. gaps: offsets that are missing.
   */
  static Object verify() {
    Load it = current;
    Map<Integer, long[]> offsets = new HashMap<>();
    long[] n = new long[6];
    List<String> examples = new ArrayList<>();
    Map<String, Object> epochs = new LinkedHashMap<>();
    Map<Integer, Map<Integer, Long>> firstOfEpoch = new HashMap<>();
    for (int p : it.partitions) {
      long[] at = new long[it.sent.get(p).intValue()];
      Arrays.fill(at, -1);
      offsets.put(p, at);
      firstOfEpoch.put(p, new java.util.TreeMap<>());
    }
    Map<Integer, Long> previous = new HashMap<>();
    Map<Integer, Long> nextOffset = new HashMap<>();
    try (var consumer = Records.consumer(it.command.deepCopy())) {
      for (int p : it.partitions) {
        var one = ((com.fasterxml.jackson.databind.node.ObjectNode) it.command.deepCopy()).put("partition", p);
        Records.readAll(consumer, one, r -> {
          n[0]++;
          long sequence = Long.parseLong(r.value());
          if (nextOffset.getOrDefault(p, 0L) != r.offset()) n[5]++;
          nextOffset.put(p, r.offset() + 1);
          long[] at = offsets.get(p);
          if (at[(int) sequence] >= 0) {
            n[1]++;
            note(examples, "doubled " + new TopicPartition(it.topic, p) + " sequence " + sequence + " at " + at[(int) sequence] + " and " + r.offset());
          } else if (sequence < previous.getOrDefault(p, -1L)) {
            n[2]++;
            note(examples, "disordered " + new TopicPartition(it.topic, p) + " sequence " + sequence + " after " + previous.get(p) + " at " + r.offset());
          }
          at[(int) sequence] = r.offset();
          previous.put(p, sequence);
          r.leaderEpoch().ifPresent(e -> firstOfEpoch.get(p).putIfAbsent(e, sequence));
        });
      }
    }
    for (int p : it.partitions) {
      it.acknowledged.get(p).forEach((sequence, offset) -> {
        long found = offsets.get(p)[sequence.intValue()];
        if (found < 0) {
          n[3]++;
          note(examples, "lost " + new TopicPartition(it.topic, p) + " sequence " + sequence + " acknowledged at " + offset);
        } else if (offset >= 0 && found != offset) {
          n[4]++;
          note(examples, "misplaced " + new TopicPartition(it.topic, p) + " sequence " + sequence + " acknowledged at " + offset + " read at " + found);
        }
      });
      epochs.put(String.valueOf(p), firstOfEpoch.get(p));
    }
    return Map.of("read", n[0], "doubled", n[1], "disordered", n[2], "lost", n[3], "misplaced", n[4], "gaps", n[5], "firstOfEpoch", epochs, "examples", examples);
  }

  private static void note(List<String> examples, String text) {
    if (examples.size() < 20) examples.add(text);
  }
}
