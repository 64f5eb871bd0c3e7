package example;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Creates a topic, writes to it and reads it back, with Apache Kafka's own client and nothing else. */
public final class Orders {
    private static final String TOPIC = "orders";
    private static final int PARTITIONS = 3;
    private static final short COPIES = 3;
    private static final int RECORDS = 1000;

    public static void main(String[] args) throws Exception {
        String bootstrap = args.length > 0 ? args[0] : "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094";
        createTopic(bootstrap);
        produce(bootstrap);
        consume(bootstrap);
    }

    private static void createTopic(String bootstrap) throws Exception {
        try (AdminClient admin = AdminClient.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap))) {
            admin.createTopics(List.of(new NewTopic(TOPIC, PARTITIONS, COPIES))).all().get();
            System.out.printf("created %s: %d partitions, %d copies of each%n", TOPIC, PARTITIONS, COPIES);
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) throw e;
            System.out.println(TOPIC + " is there already");
        }
    }

    /** acks=all and idempotence are the client's defaults; they are written down because they are the point. */
    private static void produce(String bootstrap) {
        Map<String, Object> config = Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap,
                ProducerConfig.ACKS_CONFIG, "all",
                ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true,
                ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class,
                ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
        int[] failed = {0};
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config)) {
            for (int i = 0; i < RECORDS; i++) {
                producer.send(new ProducerRecord<>(TOPIC, "customer-" + i % 10, "order " + i), (metadata, error) -> {
                    if (error != null) failed[0]++;
                });
            }
        } // close() waits for what is outstanding
        System.out.printf("sent %d records, %d of them failed%n", RECORDS, failed[0]);
    }

    /** One member of a group: what it has worked off it commits, and the next run goes on from there. Start it twice and they share the partitions. */
    private static void consume(String bootstrap) {
        Map<String, Object> config = Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap,
                ConsumerConfig.GROUP_ID_CONFIG, "orders-readers",
                ConsumerConfig.GROUP_PROTOCOL_CONFIG, "consumer",
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false,
                ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class,
                ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config)) {
            long left = uncommitted(consumer);
            consumer.subscribe(List.of(TOPIC));
            long read = 0;
            ConsumerRecord<String, String> last = null;
            while (read < left) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    read++;
                    last = record;
                }
                consumer.commitSync();
            }
            if (last == null) System.out.println("read nothing: all of it has been worked off");
            else System.out.printf("read %d records, the last one %s-%d@%d: %s%n", read, last.topic(), last.partition(), last.offset(), last.value());
        }
    }

    /** How many records the group has not worked off yet. */
    private static long uncommitted(KafkaConsumer<String, String> consumer) {
        List<TopicPartition> all =
                consumer.partitionsFor(TOPIC).stream().map(it -> new TopicPartition(TOPIC, it.partition())).toList();
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(Set.copyOf(all));
        return consumer.endOffsets(all).entrySet().stream()
                .mapToLong(it -> it.getValue() - (committed.get(it.getKey()) == null ? 0 : committed.get(it.getKey()).offset()))
                .sum();
    }

    private Orders() {}
}
