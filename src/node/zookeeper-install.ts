import { existsSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Of the servers of an ensemble that is started here. */
export interface ZooKeeperInstall {
  /** For `java -cp`. */
  readonly classPath: string
}

export interface ZooKeeperSearch {
  /** Named by a person: looked at, and nothing else. The folder of a ZooKeeper, or that of its jars. */
  readonly home?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where packages and people put it, when nobody has named a folder. */
  readonly usual: readonly string[]
}

/** Debian's package `zookeeper` first. */
export const usualPlaces = [
  '/usr/share/java',
  '/opt/zookeeper',
  '/usr/local/zookeeper',
  '/usr/share/zookeeper',
  '/opt/homebrew/opt/zookeeper/libexec',
]

/** `zookeeper-3.8.4.jar` lies among all that it needs; Debian's `zookeeper.jar` names in its manifest what it needs. */
const versioned = /^zookeeper-(\d+)\.(\d+)[\w.-]*\.jar$/
const debians = 'zookeeper.jar'
/** Earlier servers know no persistent watches. */
const oldest = [3, 6] as const
const installJar = 'sudo apt-get install --no-install-recommends zookeeper'
const installJava = 'sudo apt-get install --no-install-recommends default-jre-headless'

/** A ZooKeeper and a Java on this machine, or why there is none: a sentence that says what to do. */
export function findZooKeeper(search: ZooKeeperSearch): ZooKeeperInstall | { readonly problem: string } {
  const found = findJars(search)
  if ('problem' in found || onPath('java', search.environment) !== undefined) return found
  return { problem: `There is no java on the PATH to run ZooKeeper with. Install one (${installJava}).` }
}

/** As `findZooKeeper`, on this machine as it is. */
export function findZooKeeperHere(home?: string): ZooKeeperInstall | { readonly problem: string } {
  return findZooKeeper({ home, environment: process.env, usual: usualPlaces })
}

function findJars({ home, environment, usual }: ZooKeeperSearch): ZooKeeperInstall | { readonly problem: string } {
  if (home !== undefined) {
    const classPath = classPathIn(home)
    return classPath === null ? { problem: nothingIn(home, 'Name the folder of a ZooKeeper') } : checked(classPath)
  }
  const { ZOOKEEPER_HOME: named } = environment
  if (named !== undefined && named !== '') {
    const classPath = classPathIn(named)
    return classPath === null ? { problem: nothingIn(named, 'Correct ZOOKEEPER_HOME, or unset it') } : checked(classPath)
  }
  for (const place of usual) {
    const classPath = classPathIn(place)
    if (classPath !== null) return checked(classPath)
  }
  return {
    problem: `There is no ZooKeeper on this machine. Install it (${installJar}), or name the folder of one with --zookeeper-home or ZOOKEEPER_HOME.`,
  }
}

function nothingIn(folder: string, advice: string): string {
  return `${folder} has no ZooKeeper in it: expected is zookeeper-3.x.y.jar there, or in its folder lib or libs. ${advice}.`
}

/** Null: nothing there. A distribution of Apache keeps its jars in `lib`, one of Kafka 3 in `libs`. */
function classPathIn(home: string): string | null {
  for (const folder of [home, join(home, 'lib'), join(home, 'libs')]) {
    if (!isFolder(folder)) continue
    const names = readdirSync(folder)
    if (names.includes(debians)) return join(folder, debians)
    if (names.some((name) => versioned.test(name))) return join(folder, '*')
  }
  return null
}

function checked(classPath: string): ZooKeeperInstall | { readonly problem: string } {
  if (!classPath.endsWith('*')) return { classPath }
  const folder = classPath.slice(0, -2)
  const name = readdirSync(folder).find((it) => versioned.test(it)) ?? ''
  const [, major = 0, minor = 0] = (versioned.exec(name) ?? []).map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return { classPath }
  return { problem: `${join(folder, name)} is too old: ZooKeeper ${oldest.join('.')} or later is needed.` }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Where a program lies; undefined when it is not there. */
export function onPath(name: string, environment: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  const folders = (environment['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}
