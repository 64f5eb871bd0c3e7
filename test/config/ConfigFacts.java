import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.AbstractKafkaConfig;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.config.QuotaConfig;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;

/** Prints, as lines of JSON, what Kafka's own classes say of every configuration and of samples of values. */
public class ConfigFacts {
    static final List<String> SAMPLES = List.of(
        "", " ", "0", "-1", "-2", "-3", "1", "+5", " 5 ", "2", "100", "9", "10", "17", "18", "22", "23", "1024", "1048576", "32768", "2147483647", "2147483648",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e3", "0.5", "0.5f", "1.5", "1e-5", "12345678.9", "1.0", "0x10", "true", "TRUE", "false", "yes",
        "a", " a ", "a,b", "a , b", "a,,b", ",", "delete", "compact", "delete,delete", "compact, delete", "delete,foo", "*", "1:2", "1:2,3:4", "1:a", "gzip", "GZIP", "zstd",
        "CreateTime", "createtime", "LogAppendTime", "latest", "earliest", "LATEST", "by_duration:PT1H", "by_duration:P1D", "by_duration:x", "by_duration:P", "read_committed", "broker", "broker,controller",
        "broker,broker", "classic", "classic,consumer", "BIDIRECTIONAL", "disabled", "required", "PLAINTEXT", "SASL_SSL", "RS256", "es256", "none", "uniform");

    /** What ConfigDef does with one value before anything sees it: types, repeats in lists, validators. */
    static final Method parseValue = parseValueMethod();

    static Method parseValueMethod() {
        try {
            Method method = ConfigDef.class.getDeclaredMethod("parseValue", ConfigDef.ConfigKey.class, Object.class, boolean.class);
            method.setAccessible(true);
            return method;
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException(e);
        }
    }

    static String quoted(Object value) {
        if (value == null) return "null";
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toString().toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    static String quotedList(List<String> values) {
        return "[" + String.join(",", values.stream().map(ConfigFacts::quoted).toList()) + "]";
    }

    static void describe(String scope, ConfigDef def) throws IllegalAccessException {
        Map<String, String> modes = DynamicBrokerConfig.dynamicConfigUpdateModes();
        for (ConfigDef.ConfigKey key : new TreeMap<>(def.configKeys()).values()) {
            String mode = scope.equals("broker") ? modes.getOrDefault(key.name, "read-only") : "read-only";
            List<String> synonyms = switch (scope) {
                case "broker" -> DynamicBrokerConfig.brokerConfigSynonyms(key.name, true);
                case "topic" -> ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.getOrDefault(key.name, List.of()).stream().map(it -> it.name()).toList();
                default -> List.of();
            };
            System.out.printf("{\"fact\":\"key\",\"scope\":%s,\"name\":%s,\"type\":%s,\"required\":%s,\"default\":%s,\"importance\":%s,\"mode\":%s,\"internal\":%s,\"synonyms\":%s}%n",
                quoted(scope), quoted(key.name), quoted(key.type.name().toLowerCase()), !key.hasDefault(),
                key.hasDefault() ? quoted(ConfigDef.convertToString(key.defaultValue, key.type)) : "null", quoted(key.importance.name().toLowerCase()), quoted(mode),
                key.internalConfig, quotedList(synonyms));
            if (key.type != ConfigDef.Type.CLASS && key.type != ConfigDef.Type.PASSWORD) {
                for (String sample : SAMPLES) judge(scope, def, key, sample);
            }
        }
    }

    static void judge(String scope, ConfigDef def, ConfigDef.ConfigKey key, String sample) throws IllegalAccessException {
        String value = null;
        String problem = null;
        try {
            value = ConfigDef.convertToString(parseValue.invoke(def, key, sample, true), key.type);
        } catch (InvocationTargetException e) {
            problem = String.valueOf(e.getCause().getMessage());
        }
        System.out.printf("{\"fact\":\"value\",\"scope\":%s,\"name\":%s,\"sample\":%s,\"value\":%s,\"problem\":%s}%n", quoted(scope), quoted(key.name), quoted(sample), quoted(value), quoted(problem));
    }

    public static void main(String[] args) throws Exception {
        Field group = GroupConfig.class.getDeclaredField("CONFIG_DEF");
        group.setAccessible(true);
        describe("broker", AbstractKafkaConfig.CONFIG_DEF);
        describe("dynamic", QuotaConfig.brokerQuotaConfigs());
        describe("topic", LogConfig.configDefCopy());
        describe("group", (ConfigDef) group.get(null));
        describe("client-metrics", ClientMetricsConfigs.configDef());
    }
}
