import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.DirectoryId;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.controller.PartitionChangeBuilder;
import org.apache.kafka.metadata.LeaderRecoveryState;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * What Kafka's controller makes of a partition. Each line of the input, with spaces between: replicas, ISR, ELR, last known ELR, leader, recovery state,
 * active brokers, min ISR, whether ELR is enabled, election, target ISR ("=" for none), brokers that shut down uncleanly. Lists have commas, "-" is an empty
 * one. Each line of the output: "-" for no change, else ISR, leader, recovery state, ELR and last known ELR of the record, "=" for what stays.
 */
public class Changes {
    public static void main(String[] args) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) out.println(change(line.split(" ")));
        out.flush();
    }

    private static String change(String[] it) {
        int[] replicas = ints(it[0]);
        var directories = new Uuid[replicas.length];
        Arrays.fill(directories, DirectoryId.UNASSIGNED);
        var partition = new PartitionRegistration.Builder()
            .setReplicas(replicas).setDirectories(directories).setIsr(ints(it[1])).setElr(ints(it[2])).setLastKnownElr(ints(it[3]))
            .setLeader(Integer.parseInt(it[4])).setLeaderRecoveryState(LeaderRecoveryState.of(Byte.parseByte(it[5])))
            .setLeaderEpoch(7).setPartitionEpoch(9).build();
        List<Integer> active = list(it[6]);
        var builder = new PartitionChangeBuilder(partition, Uuid.ONE_UUID, 0, active::contains,
            MetadataVersion.fromFeatureLevel((short) 30), Integer.parseInt(it[7]), Boolean.parseBoolean(it[8]));
        builder.setElection(PartitionChangeBuilder.Election.valueOf(it[9].toUpperCase()));
        if (!it[10].equals("=")) builder.setTargetIsr(list(it[10]));
        builder.setUncleanShutdownReplicas(list(it[11])).setDefaultDirProvider(id -> DirectoryId.UNASSIGNED);
        return builder.build().map(made -> text((PartitionChangeRecord) made.message())).orElse("-");
    }

    private static String text(PartitionChangeRecord record) {
        String leader = record.leader() == -2 ? "=" : Integer.toString(record.leader());
        String recovery = record.leaderRecoveryState() == -1 ? "=" : Integer.toString(record.leaderRecoveryState());
        return String.join(" ", text(record.isr()), leader, recovery, text(record.eligibleLeaderReplicas()), text(record.lastKnownElr()));
    }

    private static String text(List<Integer> ids) {
        if (ids == null) return "=";
        return ids.isEmpty() ? "-" : ids.stream().sorted().map(String::valueOf).collect(Collectors.joining(","));
    }

    private static List<Integer> list(String text) {
        return IntStream.of(ints(text)).boxed().toList();
    }

    private static int[] ints(String text) {
        return text.equals("-") ? new int[0] : Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
    }
}
