package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/**
 * One Java process for many steps of a test (a JVM takes about a second to start). Reads a command per line of standard input,
 * {@code {"id": 1, "do": "produce", …}}, and answers each with a line {@code {"id": 1, "ok": {…}}} or {@code {"id": 1, "error": "…"}};
 * lines with {@code "event"} come in between. Ends with its standard input.
 */
public final class Peer {
  static final ObjectMapper JSON = new ObjectMapper();
  /** The process's own standard output: System.out is handed to Kafka's tools. */
  private static final PrintStream OUT = System.out;

  private Peer() {}

  static synchronized void say(Object line) {
    try {
      OUT.println(JSON.writeValueAsString(line));
      OUT.flush();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  public static void main(String[] args) throws Exception {
    Tools.captureOutput();
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode command = JSON.readTree(line);
      ObjectNode answer = JSON.createObjectNode().put("id", command.get("id").asInt());
      try {
        answer.set("ok", JSON.valueToTree(run(command)));
      } catch (Throwable e) {
        Throwable cause = e;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException) && cause.getCause() != null) cause = cause.getCause();
        answer.put("error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
      }
      say(answer);
    }
    Runtime.getRuntime().halt(0);
  }

  private static Object run(JsonNode c) throws Exception {
    return switch (c.get("do").asText()) {
      case "tool" -> Tools.run(c);
      case "createTopic" -> Admins.createTopic(c);
      case "createTopicAssigned" -> Admins.createTopicAssigned(c);
      case "describeTopic" -> Admins.describeTopic(c);
      case "describeCluster" -> Admins.describeCluster(c);
      case "listTopics" -> Admins.listTopics(c);
      case "describeConfigs" -> Admins.describeConfigs(c);
      case "alterConfigs" -> Admins.alterConfigs(c);
      case "createPartitions" -> Admins.createPartitions(c);
      case "deleteRecords" -> Admins.deleteRecords(c);
      case "deleteTopic" -> Admins.deleteTopic(c);
      case "electPreferred" -> Admins.electPreferred(c);
      case "quorum" -> Admins.quorum(c);
      case "describeProducers" -> Admins.describeProducers(c);
      case "listGroups" -> Groups.list(c);
      case "describeGroups" -> Groups.describe(c);
      case "describeClassicGroups" -> Groups.describeClassic(c);
      case "groupOffsets" -> Groups.offsets(c);
      case "alterGroupOffsets" -> Groups.alterOffsets(c);
      case "deleteGroupOffsets" -> Groups.deleteOffsets(c);
      case "deleteGroups" -> Groups.delete(c);
      case "removeMembers" -> Groups.removeMembers(c);
      case "memberOpen" -> Members.open(c);
      case "memberState" -> Members.state(c);
      case "memberDo" -> Members.act(c);
      case "memberClose" -> Members.close(c);
      case "produce" -> Records.produce(c);
      case "produceMany" -> Records.produceMany(c);
      case "read" -> Records.read(c);
      case "readSummary" -> Records.readSummary(c);
      case "offsets" -> Records.offsets(c);
      case "tellTopics" -> Telling.topics(c);
      case "loadStart" -> Load.start(c);
      case "loadStop" -> Load.stop();
      case "loadVerify" -> Load.verify();
      case "firstAckPrepare" -> FirstAck.prepare();
      case "firstAck" -> FirstAck.run(c);
      default -> throw new IllegalArgumentException("no command " + c.get("do"));
    };
  }
}
