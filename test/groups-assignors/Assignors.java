// Assigns groups with Kafka's own assignors. A line in, a line out, in the form of assignors.test.mjs.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.ConsumerGroupPartitionAssignor;
import org.apache.kafka.coordinator.group.api.assignor.SubscribedTopicDescriber;
import org.apache.kafka.coordinator.group.api.assignor.SubscriptionType;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.GroupSpecImpl;
import org.apache.kafka.coordinator.group.modern.MemberSubscriptionAndAssignmentImpl;

public class Assignors {
    record Topics(Map<Uuid, Integer> partitions) implements SubscribedTopicDescriber {
        @Override
        public int numPartitions(Uuid topicId) {
            return partitions.getOrDefault(topicId, -1);
        }

        @Override
        public Set<String> racksForPartition(Uuid topicId, int partition) {
            return Set.of();
        }
    }

    /** 'a:0.1.2,b:3' */
    static Map<Uuid, Set<Integer>> partitions(String text) {
        Map<Uuid, Set<Integer>> topics = new HashMap<>();
        for (String topic : list(text)) {
            String[] parts = topic.split(":");
            topics.put(Uuid.fromString(parts[0]),
                Arrays.stream(parts[1].split("\\.")).map(Integer::valueOf).collect(Collectors.toCollection(HashSet::new)));
        }
        return topics;
    }

    static String[] list(String text) {
        return text.isEmpty() ? new String[0] : text.split(",");
    }

    static String text(Map<Uuid, Set<Integer>> partitions) {
        Map<String, Set<Integer>> sorted = new TreeMap<>();
        partitions.forEach((topicId, numbers) -> sorted.put(topicId.toString(), numbers));
        return sorted.entrySet().stream().filter(it -> !it.getValue().isEmpty())
            .map(it -> it.getKey() + ":" + new TreeSet<>(it.getValue()).stream().map(String::valueOf).collect(Collectors.joining(".")))
            .collect(Collectors.joining(","));
    }

    /** 'name;topic:partitions,…;member|instance|topics|assigned;…' */
    static String assign(String line) {
        String[] parts = line.split(";", -1);
        ConsumerGroupPartitionAssignor assignor = parts[0].equals("range") ? new RangeAssignor() : new UniformAssignor();
        Map<Uuid, Integer> counts = new HashMap<>();
        for (String topic : list(parts[1])) counts.put(Uuid.fromString(topic.split(":")[0]), Integer.valueOf(topic.split(":")[1]));
        Map<String, MemberSubscriptionAndAssignmentImpl> members = new HashMap<>();
        Map<Uuid, Map<Integer, String>> owners = new HashMap<>();
        Set<Set<Uuid>> subscriptions = new HashSet<>();
        for (int at = 2; at < parts.length; at++) {
            String[] member = parts[at].split("\\|", -1);
            Set<Uuid> topicIds = Arrays.stream(list(member[2])).map(Uuid::fromString).collect(Collectors.toSet());
            Map<Uuid, Set<Integer>> assigned = partitions(member[3]);
            assigned.forEach((topicId, numbers) ->
                numbers.forEach(number -> owners.computeIfAbsent(topicId, it -> new HashMap<>()).put(number, member[0])));
            subscriptions.add(topicIds);
            members.put(member[0], new MemberSubscriptionAndAssignmentImpl(Optional.empty(),
                member[1].isEmpty() ? Optional.empty() : Optional.of(member[1]), topicIds, new Assignment(Collections.unmodifiableMap(assigned))));
        }
        SubscriptionType type = subscriptions.size() <= 1 ? SubscriptionType.HOMOGENEOUS : SubscriptionType.HETEROGENEOUS;
        Map<String, String> assignment = new TreeMap<>();
        assignor.assign(new GroupSpecImpl(members, type, owners), new Topics(counts)).members()
            .forEach((memberId, it) -> assignment.put(memberId, text(it.partitions())));
        return assignment.entrySet().stream().map(it -> it.getKey() + "|" + it.getValue()).collect(Collectors.joining(";"));
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        StringBuilder out = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) out.append('=').append(assign(line)).append('\n');
        System.out.print(out);
    }
}
