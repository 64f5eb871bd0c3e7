package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringSerializer;

/** From a cluster's start to the first acknowledgement: waits for a listener, creates a topic with RF 3, sends one record with acks=all. */
final class FirstAck {
  private FirstAck() {}

  /** Loads the clients' classes, so that the measurement is not one of this JVM. */
  static Object prepare() {
    Properties props = props("127.0.0.1:1");
    AdminClient.create(props).close(java.time.Duration.ZERO);
    new KafkaProducer<String, String>(props).close(java.time.Duration.ZERO);
    return Map.of("nowMicros", System.nanoTime() / 1000);
  }

  private static Properties props(String bootstrap) {
    Properties props = new Properties();
    props.put("bootstrap.servers", bootstrap);
    props.put("acks", "all");
    props.put("key.serializer", StringSerializer.class.getName());
    props.put("value.serializer", StringSerializer.class.getName());
    // the client's own waits are not what is measured
    props.put("reconnect.backoff.ms", "5");
    props.put("reconnect.backoff.max.ms", "20");
    props.put("retry.backoff.ms", "5");
    props.put("retry.backoff.max.ms", "20");
    props.put("allow.auto.create.topics", "false");
    return props;
  }

  static Object run(JsonNode c) throws Exception {
    String bootstrap = c.get("bootstrap").asText();
    String topic = c.get("topic").asText();
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (!listens(bootstrap)) {
      if (System.nanoTime() > deadline) throw new IllegalStateException("nobody listens on " + bootstrap);
      Thread.sleep(2);
    }
    long listening = System.nanoTime() / 1000;
    long created;
    try (AdminClient admin = AdminClient.create(props(bootstrap))) {
      while (true) {
        try {
          admin.createTopics(List.of(new NewTopic(topic, 1, (short) 3))).all().get();
          break;
        } catch (java.util.concurrent.ExecutionException e) {
          if (e.getCause() instanceof TopicExistsException) break;
          if (System.nanoTime() > deadline) throw e; // until then: fewer than three brokers are registered
          Thread.sleep(5);
        }
      }
      created = System.nanoTime() / 1000;
    }
    try (var producer = new KafkaProducer<String, String>(props(bootstrap))) {
      producer.send(new ProducerRecord<>(topic, "first")).get();
      return Map.of("listeningMicros", listening, "createdMicros", created, "ackMicros", System.nanoTime() / 1000);
    }
  }

  private static boolean listens(String bootstrap) {
    for (String address : bootstrap.split(",")) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress("127.0.0.1", Integer.parseInt(address.split(":")[1])), 100);
        return true;
      } catch (java.io.IOException e) {
        // not yet
      }
    }
    return false;
  }
}
