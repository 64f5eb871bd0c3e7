package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What a user does with a KafkaProducer and with a KafkaConsumer that assigns itself its partitions. */
final class Records {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private Records() {}

  static KafkaProducer<String, String> producer(JsonNode c) {
    Properties props = new Properties();
    props.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, c.get("bootstrap").asText());
    props.put(ProducerConfig.ACKS_CONFIG, "all");
    props.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class.getName());
    props.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, StringSerializer.class.getName());
    props.putAll(Admins.strings(c.get("props")));
    return new KafkaProducer<>(props);
  }

  static KafkaConsumer<String, String> consumer(JsonNode c) {
    Properties props = new Properties();
    props.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, c.get("bootstrap").asText());
    props.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    props.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    props.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class.getName());
    props.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class.getName());
    props.putAll(Admins.strings(c.get("props")));
    return new KafkaConsumer<>(props);
  }

  private static String orNull(JsonNode node) {
    return node == null || node.isNull() ? null : node.asText();
  }

  static Object produce(JsonNode c) throws Exception {
    try (var producer = producer(c)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (JsonNode r : c.get("records")) {
        var record = new ProducerRecord<>(c.get("topic").asText(), r.has("partition") ? r.get("partition").asInt() : null,
            r.has("timestamp") ? r.get("timestamp").asLong() : null, orNull(r.get("key")), orNull(r.get("value")));
        if (r.has("headers"))
          for (JsonNode h : r.get("headers"))
            record.headers().add(h.get(0).asText(), h.get(1).isNull() ? null : h.get(1).asText().getBytes(StandardCharsets.UTF_8));
        sent.add(producer.send(record));
      }
      List<Object> acks = new ArrayList<>();
      for (var future : sent) {
        RecordMetadata at = future.get();
        acks.add(Map.of("partition", at.partition(), "offset", at.offset(), "timestamp", at.timestamp()));
      }
      return acks;
    }
  }

  /** {@code count} records {@code value-0}, {@code value-1}, … padded to {@code size} bytes; answers the number acknowledged. */
  static Object produceMany(JsonNode c) throws Exception {
    int count = c.get("count").asInt();
    String padding = "x".repeat(Math.max(0, c.path("size").asInt(0) - 12));
    try (var producer = producer(c)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      Integer partition = c.has("partition") ? c.get("partition").asInt() : null;
      for (int i = 0; i < count; i++) sent.add(producer.send(new ProducerRecord<>(c.get("topic").asText(), partition, "key-" + i, "value-" + i + padding)));
      long last = -1;
      for (var future : sent) last = Math.max(last, future.get().offset());
      return Map.of("acknowledged", count, "lastOffset", last);
    }
  }

  private static List<TopicPartition> partitions(KafkaConsumer<String, String> consumer, JsonNode c) {
    String topic = c.get("topic").asText();
    if (c.has("partition")) return List.of(new TopicPartition(topic, c.get("partition").asInt()));
    return consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
  }

  interface Sink {
    void take(ConsumerRecord<String, String> record);
  }

  /** Reads partitions by assignment from their beginning (or {@code from}) to the end they have when it begins. */
  static void readAll(KafkaConsumer<String, String> consumer, JsonNode c, Sink sink) {
    var tps = partitions(consumer, c);
    consumer.assign(tps);
    if (c.has("from")) tps.forEach(tp -> consumer.seek(tp, c.get("from").asLong()));
    else consumer.seekToBeginning(tps);
    var ends = consumer.endOffsets(tps);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    // from beyond the end: the broker is asked all the same, to hear what it says
    long from = c.path("from").asLong(0);
    while (tps.stream().anyMatch(tp -> consumer.position(tp) < ends.get(tp) || from > ends.get(tp))) {
      var records = consumer.poll(Duration.ofMillis(200));
      if (!records.isEmpty()) deadline = System.nanoTime() + PATIENCE.toNanos();
      for (var record : records) sink.take(record);
      if (System.nanoTime() > deadline)
        throw new IllegalStateException("nothing more comes at " + tps.stream().map(tp -> tp + "@" + consumer.position(tp) + "/" + ends.get(tp)).toList());
    }
  }

  static Object read(JsonNode c) {
    try (var consumer = consumer(c)) {
      return readWith(consumer, c);
    }
  }

  static List<Object> readWith(KafkaConsumer<String, String> consumer, JsonNode c) {
    List<Object> all = new ArrayList<>();
    readAll(consumer, c, r -> {
      Map<String, Object> it = new LinkedHashMap<>();
      it.put("partition", r.partition());
      it.put("offset", r.offset());
      it.put("timestamp", r.timestamp());
      it.put("timestampType", r.timestampType().name());
      it.put("key", r.key());
      it.put("value", r.value());
      List<Object> headers = new ArrayList<>();
      r.headers().forEach(h -> {
        List<String> pair = new ArrayList<>();
        pair.add(h.key());
        pair.add(h.value() == null ? null : new String(h.value(), StandardCharsets.UTF_8));
        headers.add(pair);
      });
      it.put("headers", headers);
      it.put("leaderEpoch", r.leaderEpoch().orElse(-1));
      all.add(it);
    });
    return all;
  }

  /** Per partition: how many records, whether offsets are without gaps, and how many values there are more than once. */
  static Object readSummary(JsonNode c) {
    Map<String, Integer> values = new HashMap<>();
    long[] state = {0, 0};
    Map<Integer, Long> next = new HashMap<>();
    try (var consumer = consumer(c)) {
      readAll(consumer, c, r -> {
        state[0]++;
        if (next.getOrDefault(r.partition(), r.offset()) != r.offset()) state[1]++;
        next.put(r.partition(), r.offset() + 1);
        values.merge(r.value(), 1, Integer::sum);
      });
    }
    return Map.of("records", state[0], "gaps", state[1], "distinct", values.size(), "bytes", values.keySet().stream().mapToLong(String::length).sum());
  }

  static Object offsets(JsonNode c) {
    try (var consumer = consumer(c)) {
      return offsetsWith(consumer, c);
    }
  }

  static Map<String, Object> offsetsWith(KafkaConsumer<String, String> consumer, JsonNode c) {
    var tps = partitions(consumer, c);
    Map<String, Object> answer = new HashMap<>();
    answer.put("beginning", plain(consumer.beginningOffsets(tps)));
    answer.put("end", plain(consumer.endOffsets(tps)));
    if (c.has("timestamp")) {
      Map<TopicPartition, Long> query = tps.stream().collect(Collectors.toMap(tp -> tp, tp -> c.get("timestamp").asLong()));
      Map<String, Long> found = new HashMap<>();
      consumer.offsetsForTimes(query).forEach((tp, at) -> found.put(String.valueOf(tp.partition()), at == null ? null : Long.valueOf(at.offset())));
      answer.put("forTimestamp", found);
    }
    return answer;
  }

  private static Map<String, Long> plain(Map<TopicPartition, Long> offsets) {
    return offsets.entrySet().stream().collect(Collectors.toMap(e -> String.valueOf(e.getKey().partition()), Map.Entry::getValue));
  }
}
