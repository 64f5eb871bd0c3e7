// Members of groups in Java processes of their own (test/java/…/GroupWorkload.java), to be closed, killed and stopped while they consume and
// commit. What they tell goes to an Account.
import { createInterface } from 'node:readline'
import { log4j, javaClassPath } from '../rig/peers.mjs'
import { spawnBound, until } from '../rig/processes.mjs'

/** Microseconds of the system's monotonic clock, as Java's System.nanoTime. */
export const nowMicros = () => Number(process.hrtime.bigint() / 1000n)

/** The smallest settings with which members are lost and found within a test. */
export const briskBroker = {
  'group.initial.rebalance.delay.ms': 200,
  'group.min.session.timeout.ms': 1000,
  'group.consumer.min.session.timeout.ms': 1000,
  'group.consumer.min.heartbeat.interval.ms': 100,
  'group.consumer.session.timeout.ms': 3000,
  'group.consumer.heartbeat.interval.ms': 300,
}

/** A member's settings by protocol: sessions of 3 s as in `briskBroker`. @type {Record<'classic' | 'consumer', Record<string, string>>} */
export const protocols = {
  classic: {
    'group.protocol': 'classic',
    'session.timeout.ms': '3000',
    'heartbeat.interval.ms': '300',
    'max.poll.interval.ms': '10000',
    'partition.assignment.strategy': 'org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
  },
  consumer: { 'group.protocol': 'consumer', 'max.poll.interval.ms': '10000' },
}

const jvm = ['java', '-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** A process with any number of members. */
export class MemberProcess {
  /** @param {import('./account.mjs').Account} account */
  constructor(account) {
    this.account = account
    const argv = [...jvm, `-Dlog4j2.configurationFile=${log4j('log4j2.yaml')}`, '-cp', javaClassPath(), 'odradek.peer.GroupWorkload']
    this.child = spawnBound(argv, { stdio: ['pipe', 'pipe', 'pipe'] })
    /** @type {string[]} */
    this.names = []
    this.stderr = ''
    const { stdin, stdout, stderr } = this.child
    if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes')
    this.stdin = stdin
    stdin.on('error', () => {})
    stderr.on('data', (chunk) => {
      this.stderr = (this.stderr + String(chunk)).slice(-20_000)
    })
    createInterface({ input: stdout }).on('line', (line) => {
      // the last line of a killed process may be cut off
      if (line.endsWith('}')) this.account.take(JSON.parse(line))
    })
    /** @type {Promise<void>} */
    this.gone = new Promise((resolve) => this.child.once('close', () => resolve()))
  }

  /**
   * @param {string} name unique among all members
   * @param {{ group: string, bootstrap: string, topic: string, props: Record<string, string>, commitEveryMs?: number }} options
   */
  open(name, options) {
    this.names.push(name)
    this.account.open(name, options.group)
    this.stdin.write(`${JSON.stringify({ ...options, open: name })}\n`)
  }

  /** The members leave their groups in order. */
  async close(timeoutMs = 30_000) {
    for (const name of this.names) this.stdin.write(`${JSON.stringify({ close: name })}\n`)
    await until(`${this.names.join(', ')} have left`, () => this.names.every((name) => this.account.hasEnded(name)), { timeoutMs })
    await this.end()
  }

  /** SIGKILL: the members are gone without a word. */
  async kill() {
    const at = nowMicros()
    this.child.kill('SIGKILL')
    await this.gone
    for (const name of this.names) this.account.silenced(name, at)
  }

  /** SIGSTOP. */
  pause() {
    const at = nowMicros()
    this.child.kill('SIGSTOP')
    for (const name of this.names) this.account.paused(name, at)
  }

  /** SIGCONT. */
  resume() {
    this.child.kill('SIGCONT')
  }

  async end() {
    this.stdin.end()
    this.child.kill('SIGCONT')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000)
    await this.gone
    clearTimeout(timer)
  }
}
