import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.BufferedOutputStream;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;

/**
 * What Kafka's generated classes make of messages. Each line of the input is: class, version, bytes in hex, and JSON or "-", with tabs between.
 * Each line of the output: the bytes that Kafka writes for the JSON (or "-"), and those it writes for the message that it read from the bytes;
 * or "!" and why it could not.
 */
public class JsonBytes {
    private static final HexFormat HEX = HexFormat.of();
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t", -1);
            try {
                out.println(answer(parts[0], Short.parseShort(parts[1]), parts[2], parts[3]));
            } catch (Throwable t) {
                Throwable cause = t.getCause() == null ? t : t.getCause();
                out.println("!" + cause.toString().replaceAll("\\s+", " "));
            }
        }
        out.flush();
    }

    private static String answer(String name, short version, String hex, String json) throws Exception {
        Class<?> type = Class.forName(name);
        String ofJson = "-";
        if (!json.equals("-")) {
            Method read = Class.forName(name + "JsonConverter").getMethod("read", JsonNode.class, short.class);
            ofJson = bytes((Message) read.invoke(null, JSON.readTree(json), version), version);
        }
        var source = ByteBuffer.wrap(HEX.parseHex(hex));
        Message parsed = (Message) type.getConstructor(org.apache.kafka.common.protocol.Readable.class, short.class)
            .newInstance(new ByteBufferAccessor(source), version);
        if (source.hasRemaining()) throw new IllegalStateException(source.remaining() + " bytes left");
        return ofJson + "\t" + bytes(parsed, version);
    }

    private static String bytes(Message message, short version) {
        var accessor = MessageUtil.toByteBufferAccessor(message, version).buffer();
        byte[] out = new byte[accessor.remaining()];
        accessor.get(out);
        return HEX.formatHex(out);
    }
}
