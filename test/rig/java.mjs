// A Java process (test/java) that runs Kafka's own clients and tools, step by step.
import { createInterface } from 'node:readline'
import { spawnBound } from './processes.mjs'
import { javaClassPath, log4j } from './peers.mjs'

/** Short names of Kafka's tools, as the scripts of its distribution have them. */
const tools = {
  'broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  cluster: 'org.apache.kafka.tools.ClusterTool',
  configs: 'kafka.admin.ConfigCommand',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'consumer-perf': 'org.apache.kafka.tools.ConsumerPerformance',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  features: 'org.apache.kafka.tools.FeatureCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  'leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'producer-perf': 'org.apache.kafka.tools.ProducerPerformance',
  'reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  topics: 'org.apache.kafka.tools.TopicCommand',
  'verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
  'verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer',
  'dump-log': 'org.apache.kafka.tools.DumpLogSegments',
}

const jvm = ['java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true']

function commandLine() {
  return [...jvm, `-Dlog4j2.configurationFile=${log4j('log4j2.yaml')}`, '-cp', javaClassPath()]
}

/**
 * Runs one of Kafka's tools in a process of its own: for those that do their last work in a hook of the JVM's end.
 * @param {keyof typeof tools} name @param {...string} args
 * @returns {Promise<{ status: number, out: string, err: string }>}
 */
export async function toolProcess(name, ...args) {
  const child = spawnBound([...commandLine(), tools[name], ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = ['', '']
  child.stdout?.on('data', (chunk) => (texts[0] += String(chunk)))
  child.stderr?.on('data', (chunk) => (texts[1] += String(chunk)))
  const status = await new Promise((resolve) => child.once('close', (code) => resolve(code ?? -1)))
  return { status, out: texts[0] ?? '', err: texts[1] ?? '' }
}

/**
 * Starts one of Kafka's tools that runs until it is ended, in a process of its own.
 * @param {keyof typeof tools} name @param {...string} args
 */
export function startTool(name, ...args) {
  const child = spawnBound([...commandLine(), tools[name], ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  /** @type {{ child: typeof child, lines: string[], err: string, gone: Promise<number> }} what it has printed so far; its exit status */
  const tool = { child, lines: [], err: '', gone: new Promise((resolve) => child.once('close', (code) => resolve(code ?? -1))) }
  if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => tool.lines.push(line))
  child.stderr?.on('data', (chunk) => {
    tool.err = (tool.err + String(chunk)).slice(-20_000)
  })
  return tool
}

export class Java {
  constructor() {
    this.child = spawnBound([...commandLine(), 'odradek.peer.Peer'], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.number = 0
    /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
    this.waiting = new Map()
    /** @type {Map<string, (event: any) => void>} */
    this.listeners = new Map()
    this.stderr = ''
    const { stdin, stdout, stderr } = this.child
    if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes')
    this.stdin = stdin
    stdin.on('error', () => {})
    stderr.on('data', (chunk) => {
      this.stderr = (this.stderr + String(chunk)).slice(-20_000)
    })
    createInterface({ input: stdout }).on('line', (line) => this.onLine(line))
    this.gone = new Promise((resolve) => this.child.once('close', resolve))
    this.gone.then(
      () => {
        for (const { reject } of this.waiting.values()) reject(new Error(`the Java process ended:\n${this.stderr}`))
        this.waiting.clear()
      },
      () => {},
    )
  }

  /** @param {string} line */
  onLine(line) {
    const message = JSON.parse(line)
    if (message.event !== undefined) {
      this.listeners.get(message.event)?.(message)
      return
    }
    const waiting = this.waiting.get(message.id)
    this.waiting.delete(message.id)
    if (message.error === undefined) waiting?.resolve(message.ok)
    else waiting?.reject(new Error(message.error))
  }

  /** @param {string} event @param {(event: any) => void} listener */
  on(event, listener) {
    this.listeners.set(event, listener)
  }

  /** One step; rejects with Kafka's exception. @param {string} what @param {object} [options] @returns {Promise<any>} */
  run(what, options = {}) {
    this.number += 1
    const id = this.number
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.stdin.write(`${JSON.stringify({ ...options, id, do: what })}\n`)
    })
  }

  /**
   * Runs one of Kafka's tools.
   * @param {keyof typeof tools} name @param {...string} args
   * @returns {Promise<{ status: number, out: string, err: string, ms: number }>}
   */
  tool(name, ...args) {
    return this.run('tool', { class: tools[name], args })
  }

  /** Ends it as a crash would: nothing is said to anyone. */
  async kill() {
    this.child.kill('SIGKILL')
    await this.gone
  }

  async stop() {
    this.stdin.end()
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000)
    await this.gone
    clearTimeout(timer)
  }
}
