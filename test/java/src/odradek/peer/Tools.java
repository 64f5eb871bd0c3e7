package odradek.peer;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Exit;

/** Runs the main methods of Kafka's own tools in this process: what they print is captured, and their exit status is thrown and caught. */
final class Tools {
  private Tools() {}

  /** Where System.out or System.err go at the moment. Set once and for all, because Scala remembers the stream it saw first. */
  private static final class Switch extends OutputStream {
    private final OutputStream standing;
    private volatile ByteArrayOutputStream capture;

    Switch(OutputStream standing) {
      this.standing = standing;
    }

    private OutputStream target() {
      var now = capture;
      return now == null ? standing : now;
    }

    @Override
    public void write(int b) throws java.io.IOException {
      target().write(b);
    }

    @Override
    public void write(byte[] b, int off, int len) throws java.io.IOException {
      target().write(b, off, len);
    }

    @Override
    public void flush() throws java.io.IOException {
      target().flush();
    }
  }

  /** Not an Exception, so that a tool that catches those cannot swallow its own exit. */
  private static final class Exited extends Error {
    final int status;

    Exited(int status) {
      super("exit " + status, null, false, false);
      this.status = status;
    }
  }

  private static Switch out;
  private static Switch err;
  /** The first status with which the tool wanted to exit; a catch-all in the tool may try again with another. */
  private static Integer status;
  /** What the tool does when its process ends: some finish their work only there. */
  private static final List<Runnable> hooks = new ArrayList<>();

  static void captureOutput() {
    var stdout = System.err; // standard output belongs to the answers
    out = new Switch(stdout);
    err = new Switch(System.err);
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    Exit.setExitProcedure((code, message) -> exit(code, message));
    Exit.setHaltProcedure((code, message) -> exit(code, message));
    Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
  }

  private static void exit(int code, String message) {
    if (message != null) System.err.println(message);
    if (status == null) status = code;
    throw new Exited(code);
  }

  static Object run(JsonNode c) throws Exception {
    String[] args = Peer.JSON.treeToValue(c.get("args"), String[].class);
    var main = Class.forName(c.get("class").asText()).getMethod("main", String[].class);
    var started = System.nanoTime();
    status = null;
    out.capture = new ByteArrayOutputStream();
    err.capture = new ByteArrayOutputStream();
    try {
      main.invoke(null, (Object) args);
      if (status == null) status = 0;
    } catch (InvocationTargetException e) {
      if (!(e.getCause() instanceof Exited)) {
        e.getCause().printStackTrace();
        if (status == null) status = 1;
      }
    }
    try {
      for (Runnable hook : hooks) hook.run();
    } catch (Exited e) {
      // the process is over by now
    } finally {
      hooks.clear();
      System.out.flush();
      System.err.flush();
    }
    var answer = Map.of("status", status, "out", out.capture.toString(StandardCharsets.UTF_8), "err", err.capture.toString(StandardCharsets.UTF_8),
        "ms", (System.nanoTime() - started) / 1_000_000);
    out.capture = null;
    err.capture = null;
    return answer;
  }
}
