import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.ControlRecordUtils;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;

/**
 * Record batches as Kafka makes and reads them. First writes batches of its own, one a line: the bytes in hex, a tab, what it reads in them.
 * Then, for each line of the input, a batch in hex, what it reads in that.
 */
public class Batches {
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] args) throws Exception {
        Random random = new Random(Long.parseLong(args[0]));
        for (CompressionType type : CompressionType.values()) {
            for (int size : new int[] {1, 2, 10, 300, 3000}) {
                for (TimestampType timestampType : new TimestampType[] {TimestampType.CREATE_TIME, TimestampType.LOG_APPEND_TIME}) {
                    ByteBuffer buffer = made(random, type, size, timestampType).buffer().duplicate();
                    byte[] bytes = new byte[buffer.remaining()];
                    buffer.get(bytes);
                    System.out.println(HEX.formatHex(bytes) + "\t" + read(ByteBuffer.wrap(bytes)));
                }
            }
        }
        System.out.println("-");
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                System.out.println(read(ByteBuffer.wrap(HEX.parseHex(line))));
            } catch (Throwable t) {
                System.out.println("!" + t.toString().replaceAll("\\s+", " "));
            }
        }
    }

    private static MemoryRecords made(Random random, CompressionType type, int size, TimestampType timestampType) {
        var builder = MemoryRecords.builder(ByteBuffer.allocate(1024), RecordBatch.CURRENT_MAGIC_VALUE, Compression.of(type).build(), timestampType,
            random.nextInt(1000), 5000L, 77L, (short) 3, Integer.MAX_VALUE - 1, false, random.nextInt(100));
        for (int i = 0; i < size; i++) {
            Header[] headers = new Header[random.nextInt(10) == 0 ? random.nextInt(3) : 0];
            for (int h = 0; h < headers.length; h++) headers[h] = new RecordHeader("h\u00e9" + h, some(random));
            builder.append(new SimpleRecord(1_700_000_000_000L + random.nextInt(100_000) - 50_000, some(random), some(random), headers));
        }
        return builder.build();
    }

    private static byte[] some(Random random) {
        int kind = random.nextInt(8);
        if (kind == 0) return null;
        byte[] bytes = new byte[kind == 1 ? 0 : random.nextInt(200)];
        if (kind == 2) random.nextBytes(bytes);
        else for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) ("some text ".charAt(i % 10));
        return bytes;
    }

    private static String hex(ByteBuffer bytes) {
        if (bytes == null) return "null";
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HEX.formatHex(copy);
    }

    private static String read(ByteBuffer bytes) {
        List<String> out = new ArrayList<>();
        for (RecordBatch batch : MemoryRecords.readableRecords(bytes).batches()) {
            batch.ensureValid();
            out.add(batch.baseOffset() + " " + batch.lastOffset() + " " + batch.partitionLeaderEpoch() + " " + batch.compressionType().name + " " + batch.timestampType().name
                + " " + batch.maxTimestamp() + " " + batch.producerId() + " " + batch.producerEpoch() + " " + batch.baseSequence() + " " + batch.lastSequence()
                + " " + batch.isTransactional() + " " + batch.isControlBatch() + " " + batch.countOrNull());
            for (Record record : batch) {
                record.ensureValid();
                if (batch.isControlBatch()) {
                    out.add(record.offset() + " " + control(record));
                    continue;
                }
                StringBuilder text = new StringBuilder(record.offset() + " " + record.timestamp() + " " + hex(record.key()) + " " + hex(record.value()));
                for (Header header : record.headers())
                    text.append(' ').append(HEX.formatHex(header.key().getBytes(StandardCharsets.UTF_8))).append('=')
                        .append(header.value() == null ? "null" : HEX.formatHex(header.value()));
                out.add(text.toString());
            }
        }
        return String.join("|", out);
    }

    private static String control(Record record) {
        ControlRecordType type = ControlRecordType.parse(record.key());
        Object message = switch (type) {
            case LEADER_CHANGE -> ControlRecordUtils.deserializeLeaderChangeMessage(record);
            case SNAPSHOT_HEADER -> ControlRecordUtils.deserializeSnapshotHeaderRecord(record);
            case SNAPSHOT_FOOTER -> ControlRecordUtils.deserializeSnapshotFooterRecord(record);
            case KRAFT_VERSION -> ControlRecordUtils.deserializeKRaftVersionRecord(record);
            case KRAFT_VOTERS -> ControlRecordUtils.deserializeVotersRecord(record);
            default -> "";
        };
        return type + " " + message;
    }
}
