import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import kafka.zk.BrokerIdZNode;
import kafka.zk.ClusterIdZNode;
import kafka.zk.ConfigEntityZNode;
import kafka.zk.ControllerEpochZNode;
import kafka.zk.ControllerZNode;
import kafka.zk.FeatureZNode;
import kafka.zk.ProducerIdBlockZNode;
import kafka.zk.ResourceZNode;
import kafka.zk.TopicPartitionStateZNode;
import kafka.zk.TopicZNode;
import org.apache.zookeeper.data.Stat;

/** Reads lines of a path and its bytes in base64, and prints what Kafka's own decoder makes of each znode. */
public class ZkDataReader {
  public static void main(String[] args) throws Exception {
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      String[] parts = line.split("\t", -1);
      System.out.println(parts[0] + "\t" + decoded(parts[0], Base64.getDecoder().decode(parts[1])));
    }
  }

  private static Object decoded(String path, byte[] bytes) {
    String last = path.substring(path.lastIndexOf('/') + 1);
    if (path.startsWith("/brokers/ids/")) return BrokerIdZNode.decode(Integer.parseInt(last), bytes).broker();
    if (path.endsWith("/state")) return TopicPartitionStateZNode.decode(bytes, new Stat()).get();
    if (path.startsWith("/brokers/topics/")) return TopicZNode.decode(last, bytes);
    if (path.startsWith("/config/")) return ConfigEntityZNode.decode(bytes);
    if (path.startsWith("/kafka-acl")) return ResourceZNode.decode(bytes, new Stat()).acls();
    if (path.equals("/feature")) return FeatureZNode.decode(bytes);
    if (path.equals("/latest_producer_id_block")) return ProducerIdBlockZNode.parseProducerIdBlockData(bytes);
    if (path.equals("/cluster/id")) return ClusterIdZNode.fromJson(bytes);
    if (path.equals("/controller")) return ControllerZNode.decode(bytes).get();
    if (path.equals("/controller_epoch")) return ControllerEpochZNode.decode(bytes);
    throw new IllegalArgumentException("Kafka has nothing at " + path + ": " + new String(bytes, StandardCharsets.UTF_8));
  }
}
