import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { findZooKeeper, usualPlaces } from './zookeeper-install.ts'

/** A machine: files by their path; a java on the PATH unless told otherwise. */
function machine(t: TestContext, files: readonly string[]): { readonly root: string; readonly PATH: string } {
  const root = mkdtempSync(join(tmpdir(), 'odradek-install-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const file of [...files, 'bin/java']) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  return { root, PATH: join(root, 'bin') }
}

function problemOf(found: ReturnType<typeof findZooKeeper>): string {
  return 'problem' in found ? found.problem : assert.fail('it was found')
}

test("Debian's jar stands for all that its manifest names, a distribution's jars are all taken", (t) => {
  const { root, PATH } = machine(t, [
    'debian/zookeeper.jar',
    'debian/other.jar',
    'apache/lib/zookeeper-3.8.4.jar',
    'kafka/libs/zookeeper-3.8.4.jar',
  ])
  const find = (home: string): unknown => findZooKeeper({ home: join(root, home), environment: { PATH }, usual: [] })
  assert.deepEqual(find('debian'), { classPath: join(root, 'debian', 'zookeeper.jar') })
  assert.deepEqual(find('apache'), { classPath: join(root, 'apache', 'lib', '*') })
  assert.deepEqual(find('apache/lib'), { classPath: join(root, 'apache', 'lib', '*') })
  assert.deepEqual(find('kafka'), { classPath: join(root, 'kafka', 'libs', '*') })
})

test('a folder that was named goes before ZOOKEEPER_HOME, and that before the usual places', (t) => {
  const { root, PATH } = machine(t, ['a/zookeeper.jar', 'b/zookeeper.jar', 'c/zookeeper.jar'])
  const usual = [join(root, 'nowhere'), join(root, 'c')]
  const environment = { PATH, ZOOKEEPER_HOME: join(root, 'b') }
  const where = (found: ReturnType<typeof findZooKeeper>): string => ('classPath' in found ? found.classPath : found.problem)
  assert.equal(where(findZooKeeper({ home: join(root, 'a'), environment, usual })), join(root, 'a', 'zookeeper.jar'))
  assert.equal(where(findZooKeeper({ environment, usual })), join(root, 'b', 'zookeeper.jar'))
  assert.equal(where(findZooKeeper({ environment: { PATH, ZOOKEEPER_HOME: '' }, usual })), join(root, 'c', 'zookeeper.jar'))
})

test('what was named and is none is refused, and nothing else is taken in its place', (t) => {
  const { root, PATH } = machine(t, ['c/zookeeper.jar', 'empty/readme'])
  const usual = [join(root, 'c')]
  assert.match(
    problemOf(findZooKeeper({ home: join(root, 'empty'), environment: { PATH }, usual })),
    /empty has no ZooKeeper in it.*Name the folder/,
  )
  assert.match(
    problemOf(findZooKeeper({ environment: { PATH, ZOOKEEPER_HOME: join(root, 'gone') }, usual })),
    /gone has no ZooKeeper in it.*Correct ZOOKEEPER_HOME/,
  )
})

test('no ZooKeeper, one that is too old, and no java are told with what to do', (t) => {
  const { root, PATH } = machine(t, ['old/lib/zookeeper-3.5.9.jar', 'c/zookeeper.jar', 'four/zookeeper-4.0.0.jar'])
  assert.match(
    problemOf(findZooKeeper({ environment: { PATH }, usual: [] })),
    /no ZooKeeper on this machine\. Install it \(sudo apt-get .* zookeeper\)/,
  )
  assert.match(
    problemOf(findZooKeeper({ home: join(root, 'old'), environment: { PATH }, usual: [] })),
    /3\.5\.9\.jar is too old: ZooKeeper 3\.6/,
  )
  assert.match(problemOf(findZooKeeper({ home: join(root, 'c'), environment: {}, usual: [] })), /no java on the PATH/)
  assert.ok('classPath' in findZooKeeper({ home: join(root, 'four'), environment: { PATH }, usual: [] }))
})

test("Debian's place is looked at first", () => {
  assert.equal(usualPlaces[0], '/usr/share/java')
})
