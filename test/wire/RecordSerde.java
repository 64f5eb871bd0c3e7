import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordSerde;

/**
 * What Kafka's group coordinator makes of records of __consumer_offsets. Each line of the input is key and value in hex with a tab between, "-" for
 * no value. Each line of the output: the class of the key, its version of the value or "-", and key and value as Kafka writes them again; or "!" and
 * why it could not.
 */
public class RecordSerde {
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] args) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        var serde = new GroupCoordinatorRecordSerde();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t", -1);
            try {
                CoordinatorRecord record = serde.deserialize(bytes(parts[0]), bytes(parts[1]));
                String version = record.value() == null ? "-" : Short.toString(record.value().version());
                out.println(String.join("\t", record.key().getClass().getSimpleName(), version,
                    hex(serde.serializeKey(record)), hex(serde.serializeValue(record))));
            } catch (Throwable t) {
                out.println("!" + t.toString().replaceAll("\\s+", " "));
            }
        }
        out.flush();
    }

    private static ByteBuffer bytes(String hex) {
        return hex.equals("-") ? null : ByteBuffer.wrap(HEX.parseHex(hex));
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? "-" : HEX.formatHex(bytes);
    }
}
