// Fetches and builds the stock clients that the tests use where they are there: Kafka's jars (Maven), our Java programs (javac), the
// franz-go program (Go), an environment with the clients of Python (pip). What has no program to fetch it with is named. Exits 1 when something
// is missing.
//   node scripts/peers.mjs
import {
  fetchJars,
  fetchZkDataJars,
  franzBinary,
  javaClassPath,
  jarsComplete,
  makePython,
  onPath,
  python,
  without,
  zkDataJarsComplete,
} from '../test/rig/peers.mjs'

delete process.env.ODRADEK_REQUIRE_PEERS
let failed = 0

/** @param {string} what @param {() => unknown} make */
function step(what, make) {
  const started = Date.now()
  try {
    make()
    process.stdout.write(`ok   ${what} ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
  } catch (error) {
    failed += 1
    process.stdout.write(`FAIL ${what}: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}

step("Kafka's jars", () => {
  if (!jarsComplete()) fetchJars()
})
step('Jars of Kafka 3.9, for its decoders of znodes', () => {
  if (!zkDataJarsComplete()) fetchZkDataJars()
})
step('Java programs of test/java', () => javaClassPath())
step('franz-go program of test/go', () => franzBinary())
step('Python packages of test/python', () => {
  if (python() === undefined) makePython()
})
step('kcat', () => {
  if (onPath('kcat') === undefined) throw new Error(String(without('kcat')))
})
step('ZooKeeper', () => {
  const reason = without('zookeeper')
  if (reason !== false) throw new Error(reason)
})
process.exit(failed === 0 ? 0 : 1)
