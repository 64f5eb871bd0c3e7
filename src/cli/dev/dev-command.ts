import { exitCodes } from '../../node/exit-codes.ts'
import type { ZooKeeperEnsemble } from '../../node/zookeeper-ensemble.ts'
import { agreementOf, agreementPorts, connectOf } from './agreement.ts'
import { keyHelp, type KeyCommand, takeKeys } from './keys.ts'
import { formatOf, layOut, type Layout, type LayoutOptions } from './layout.ts'
import { LayoutProblem } from './layout-problem.ts'
import { NodeProcess } from './node-process.ts'
import { checkPortsAreFree } from './ports-free.ts'
import { Story } from './story.ts'

/** Nodes that do not stop within this are killed, so that nothing is ever left behind. */
const stopTimeoutMs = 30_000

/** Runs the cluster until a person or a signal ends it; `program` is the file that the nodes run. */
export async function runDev(options: LayoutOptions, program: string): Promise<void> {
  const started = performance.now()
  const story = new Story((text) => writeOut(text), process.stdout.isTTY)
  let prepared: Prepared
  try {
    prepared = await prepare(options, story)
  } catch (error) {
    if (!(error instanceof LayoutProblem)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(error.exitCode)
  }
  const cluster = new DevCluster(prepared, story, started, program)
  cluster.start()
  await cluster.ended
  process.exit(cluster.exitCode)
}

/** All that the nodes need to start. */
interface Prepared {
  readonly layout: Layout
  /** Only where one was started for them. */
  readonly ensemble: ZooKeeperEnsemble | null
}

async function prepare(options: LayoutOptions, story: Story): Promise<Prepared> {
  if (agreementOf(options).through === 'kraft') return { layout: await layOutAndFormat(options, () => {}), ensemble: null }
  const { layOutOverZooKeeper } = await import('./ensemble.ts')
  return layOutOverZooKeeper(options, {
    layOut: (check) => layOutAndFormat(options, check),
    onStarting: (what) => story.note(what),
    onEnd: (server, logFile) =>
      story.note(`server ${server} of the ZooKeeper ensemble ended by itself; the reason is at the end of ${logFile}`, 'red'),
  })
}

async function layOutAndFormat(options: LayoutOptions, check: (layout: Layout) => void): Promise<Layout> {
  const layout = layOut(options)
  try {
    check(layout)
    const { formatted } = formatOf(layout)
    if (options.set.length > 0 || !formatted) await prepareNodes(layout)
    await checkPortsAreFree(layout.places, agreementPorts(layout.agreement))
    return layout
  } catch (error) {
    layout.release()
    throw error
  }
}

/** Loaded only when it is needed: the nodes should be up as soon as can be. */
async function prepareNodes(layout: Layout): Promise<void> {
  const { checkProperties, prepareStorage } = await import('./prepare-storage.ts')
  checkProperties(layout)
  prepareStorage(layout)
}

/** A closed pipe (`npm start | head`) must not end the cluster with a stack trace. */
function writeOut(text: string): void {
  if (process.stdout.writable) process.stdout.write(text)
}

class DevCluster {
  readonly ended: Promise<void>
  exitCode: number = exitCodes.ok
  private readonly layout: Layout
  private readonly ensemble: ZooKeeperEnsemble | null
  private readonly story: Story
  private readonly started: number
  private readonly nodes: readonly NodeProcess[]
  private readonly ready = new Set<number>()
  private readonly restarting = new Set<NodeProcess>()
  private announced = false
  private ending = false
  private releaseKeys: () => void = () => {}
  private end: () => void = () => {}

  constructor({ layout, ensemble }: Prepared, story: Story, started: number, program: string) {
    this.layout = layout
    this.ensemble = ensemble
    this.story = story
    this.started = started
    this.ended = new Promise((resolve) => {
      this.end = resolve
    })
    this.nodes = layout.places.map(
      (place) =>
        new NodeProcess(place, program, {
          onEvent: (node, event) => {
            // nodes that are all told to stop miss one another: of no interest
            if (!this.ending || event.level === 'error') this.story.event(node.place.id, event)
            if (event.event === 'broker-ready') this.onReady(node.place.id)
          },
          onExit: (node, { how, wanted }) => this.onExit(node, wanted, how),
        }),
    )
  }

  start(): void {
    process.stdout.on('error', () => {})
    for (const node of this.nodes) node.start()
    const quit = (): void => void this.quit()
    process.on('SIGINT', quit)
    process.on('SIGTERM', quit)
    process.on('SIGHUP', quit)
    if (process.stdin.isTTY) this.releaseKeys = takeKeys(process.stdin, this.nodes.length, (command) => void this.obey(command))
  }

  private onReady(id: number): void {
    this.ready.add(id)
    if (this.announced || this.ready.size < this.nodes.length) return
    this.announced = true
    this.announce()
  }

  private announce(): void {
    const { story, layout } = this
    const seconds = ((performance.now() - this.started) / 1000).toFixed(2)
    const first = `127.0.0.1:${layout.places[0]?.port}`
    story.line('')
    story.line(story.paint('bold', `Ready in ${seconds} s: ${this.nodes.length} nodes at ${layout.bootstrap}`))
    story.line(`Data in ${layout.folder}${layout.forget ? ' (forgotten at the end)' : ''}; each node's own log is node-N/server.log there.`)
    const connect = connectOf(layout.agreement)
    if (connect !== null) story.line(`The controllers agree through ZooKeeper: zkCli.sh -server ${connect}`)
    story.line('')
    story.line(`  produce   echo hello | kcat -b ${first} -t greetings -P -X acks=all`)
    story.line(`  consume   kcat -b ${first} -t greetings -C -o beginning`)
    story.line(`  Java      props.put("bootstrap.servers", "${layout.bootstrap}");  // then KafkaProducer, KafkaConsumer, Admin as always`)
    if (process.stdin.isTTY) story.line(`\n${keyHelp}`)
    else story.line('\nSIGINT or SIGTERM stops all nodes in order.')
    story.line('')
  }

  private onExit(node: NodeProcess, wanted: boolean, how: string): void {
    this.ready.delete(node.place.id)
    if (this.ending) return
    if (this.restarting.has(node)) return
    if (wanted) this.story.note(`node ${node.place.id} is down. Restart it with r ${node.place.id}.`, 'yellow')
    else this.story.note(`node ${node.place.id} ended by itself (${how}); the reason is at the end of ${node.place.logFile}`, 'red')
    if (!this.announced) {
      this.exitCode = exitCodes.failed
      this.story.line('The cluster did not come up.')
      void this.quit()
    }
  }

  private async obey(command: KeyCommand): Promise<void> {
    const node = this.nodes[command.node - 1]
    switch (command.action) {
      case 'help':
        return this.story.line(keyHelp)
      case 'status':
        return this.story.line((await this.status()).join('\n'))
      case 'quit':
        return this.quit()
      default:
        if (node !== undefined) await this.act(command.action, node)
    }
  }

  private async act(action: 'kill' | 'pause' | 'stop' | 'restart', node: NodeProcess): Promise<void> {
    const { id } = node.place
    if (action !== 'restart' && node.state === 'down') return this.story.note(`node ${id} is down already`)
    switch (action) {
      case 'kill':
        this.story.note(`kill -9 node ${id}`)
        return node.kill()
      case 'pause':
        if (node.state === 'paused') {
          this.story.note(`node ${id} goes on`)
          return node.resume()
        }
        this.story.note(`node ${id} is paused (SIGSTOP)`)
        return node.pause()
      case 'stop':
        this.story.note(`node ${id} is stopping in order (SIGTERM)`)
        return node.stop()
      case 'restart':
        return this.restart(node)
    }
  }

  private async restart(node: NodeProcess): Promise<void> {
    if (this.restarting.has(node)) return
    this.restarting.add(node)
    await node.stop()
    this.restarting.delete(node)
    if (this.ending) return
    this.story.note(`node ${node.place.id} starts`)
    node.start()
  }

  private async status(): Promise<readonly string[]> {
    const { statusLines } = await import('./status.ts')
    return statusLines(this.nodes, this.layout, this.ensemble)
  }

  private async quit(): Promise<void> {
    if (this.ending) {
      // the second time: now
      for (const node of this.nodes) node.kill()
      return
    }
    this.ending = true
    this.releaseKeys()
    this.story.note('stopping all nodes')
    const deadline = setTimeout(() => {
      for (const node of this.nodes) node.kill()
    }, stopTimeoutMs)
    await Promise.all(this.nodes.map((node) => node.stop()))
    clearTimeout(deadline)
    await this.ensemble?.stop()
    this.layout.release()
    this.story.note('all nodes are down')
    this.end()
  }
}
