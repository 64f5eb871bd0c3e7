#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { exitCodes } from '../node/exit-codes.ts'
import type { FormatFlags } from './storage-command.ts'

/** Sub-commands import what they need when they run: `odradek --help` loads nothing of the broker. */
const program = new Command('odradek')
  .description("A highly available message service that speaks Apache Kafka's protocol.")
  .version('0.1.0')
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitCodes.usage))

function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < low || value > high) throw new InvalidArgumentError(`a whole number from ${low} to ${high}.`)
    return value
  }
}

function oneOrThree(text: string): number {
  if (text !== '1' && text !== '3') throw new InvalidArgumentError('1 or 3.')
  return Number(text)
}

function collect(text: string, before: readonly string[]): readonly string[] {
  if (!/^[\w.]+=/.test(text)) throw new InvalidArgumentError('name=value.')
  return [...before, text]
}

function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser(collect).default([], 'none')
}

program
  .command('dev')
  .description('run a highly available cluster on this machine, one process per node')
  .option('--nodes <n>', 'how many nodes, each broker and controller', wholeNumber(1, 9), 3)
  .option('--port <port>', "the first node's port; the others follow it", wholeNumber(1, 64_000), 9092)
  .option('--data <folder>', 'where the data is kept', './data')
  .option('--memory', 'keep the data in memory (a file system in memory, where there is one) and forget it at the end', false)
  .option('--fresh', 'remove the data of an earlier run first', false)
  .addOption(
    new Option(
      '--with-zookeeper [servers]',
      'agree through a ZooKeeper ensemble that is started too, of 1 or 3 servers (3 when not said)',
    ).argParser(oneOrThree),
  )
  .option('--zookeeper-home <folder>', 'where --with-zookeeper finds ZooKeeper; else ZOOKEEPER_HOME, then where packages put it')
  .option('--zookeeper <host:port,…/chroot>', 'agree through the ZooKeeper ensemble that is there')
  .addOption(repeated('--set <name=value>', "a property for every node, by Kafka's name (may be repeated)"))
  .action(async (options: DevFlags) => {
    const { runDev } = await import('./dev/dev-command.ts')
    const { withZookeeper, ...others } = options
    const servers = withZookeeper === true ? 3 : withZookeeper
    await runDev({ ...others, ...(servers === undefined ? {} : { withZookeeper: servers }) }, fileURLToPath(import.meta.url))
  })

interface DevFlags {
  readonly nodes: number
  readonly port: number
  readonly data: string
  readonly memory: boolean
  readonly fresh: boolean
  readonly withZookeeper?: number | true
  readonly zookeeperHome?: string
  readonly zookeeper?: string
  readonly set: readonly string[]
}

program
  .command('server')
  .description('run one node by its server.properties')
  .argument('<server.properties>', "the node's configuration, in Kafka's names")
  .addOption(repeated('--override <name=value>', 'a property that goes before the file (may be repeated)'))
  .action(async (file: string, options: { readonly override: readonly string[] }) => {
    const { runServer } = await import('../node/server-main.ts')
    await runServer(file, options.override)
  })

const storage = program.command('storage').description('log directories: format them, look at them')

storage
  .command('random-uuid')
  .description('print a new cluster id')
  .action(async () => {
    const { randomUuid } = await import('./storage-command.ts')
    randomUuid()
  })

storage
  .command('format')
  .description('prepare the log directories of a node for its first start')
  .requiredOption('-t, --cluster-id <id>', 'the cluster id; the same on all nodes')
  .requiredOption('-c, --config <server.properties>', "the node's configuration")
  .option('-g, --ignore-formatted', 'leave directories alone that are formatted already', false)
  .option('-r, --release-version <version>', 'the release whose metadata.version the cluster starts with')
  .action(async (options: FormatFlags) => {
    const { format } = await import('./storage-command.ts')
    format(options)
  })

storage
  .command('info')
  .description('show what the log directories of a node hold')
  .requiredOption('-c, --config <server.properties>', "the node's configuration")
  .action(async (options: { readonly config: string }) => {
    const { info } = await import('./storage-command.ts')
    info(options.config)
  })

await program.parseAsync()
