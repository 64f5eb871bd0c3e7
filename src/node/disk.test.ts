import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { DiskError } from '../base/ports.ts'
import { writeSmall } from '../log/small-file.ts'
import { SystemDisk } from './disk.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'odradek-disk-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const disk = new SystemDisk()

test('a file holds what was written where it was written, by either way of writing and reading', async (t) => {
  const file = disk.open(join(folder(t), 'f'), { create: true })
  file.write(0, [Buffer.from('hello '), Buffer.from('world')])
  await file.writeAsync(11, [Buffer.from('!'), Buffer.alloc(0), Buffer.from('?')])
  await file.sync()
  file.syncNow()
  assert.equal(file.size(), 13)
  const into = Buffer.alloc(20)
  assert.equal(file.read(6, into), 7)
  assert.equal(into.toString('utf8', 0, 7), 'world!?')
  assert.equal(await file.readAsync(0, into.subarray(0, 5)), 5)
  assert.equal(into.toString('utf8', 0, 5), 'hello')
  assert.equal(await file.readAsync(100, into), 0)
  file.truncate(3)
  assert.equal(file.size(), 3)
  file.close()
})

test('more buffers than the system takes in one call are all written', (t) => {
  const file = disk.open(join(folder(t), 'f'), { create: true })
  const parts = Array.from({ length: 5_000 }, (_, at) => Buffer.from([at & 0xff]))
  file.write(0, parts)
  const back = Buffer.alloc(5_000)
  assert.equal(file.read(0, back), 5_000)
  assert.deepEqual(back, Buffer.concat(parts))
  file.close()
})

test('failures are DiskErrors with the code of the system', (t) => {
  const path = folder(t)
  const code = (run: () => unknown): string => {
    try {
      run()
    } catch (error) {
      return error instanceof DiskError ? error.code : String(error)
    }
    return 'none'
  }
  assert.equal(
    code(() => disk.open(join(path, 'no'), { create: false })),
    'ENOENT',
  )
  assert.equal(
    code(() => disk.list(join(path, 'no'))),
    'ENOENT',
  )
  assert.equal(
    code(() => disk.readSmall(join(path, 'no'))),
    'ENOENT',
  )
  assert.equal(
    code(() => disk.remove(join(path, 'no'))),
    'none',
  )
  assert.equal(
    code(() => disk.removeTree(join(path, 'no'))),
    'none',
  )
  const file = disk.open(join(path, 'f'), { create: true })
  file.close()
  assert.equal(
    code(() => file.write(0, [Buffer.from('x')])),
    'EBADF',
  )
})

test('a full disk is an ENOSPC', { skip: !readdirSync('/dev').includes('full') }, async () => {
  const file = disk.open('/dev/full', { create: false })
  assert.throws(() => file.write(0, [Buffer.from('x')]), { name: 'DiskError', code: 'ENOSPC' })
  await assert.rejects(file.writeAsync(0, [Buffer.from('x')]), { name: 'DiskError', code: 'ENOSPC' })
  file.close()
})

test('a file that is closed while it is read keeps its number until the read is done', async (t) => {
  const path = folder(t)
  const file = disk.open(join(path, 'a'), { create: true })
  file.write(0, [Buffer.alloc(100_000, 1)])
  const into = Buffer.alloc(100_000)
  const reading = file.readAsync(0, into)
  file.close()
  const other = disk.open(join(path, 'b'), { create: true })
  other.write(0, [Buffer.alloc(100_000, 2)])
  await reading
  assert.ok(into.every((byte) => byte === 1))
  other.close()
})

test('a small file is replaced as a whole, and the newest content stays', async (t) => {
  const path = folder(t)
  const target = join(path, 'small')
  const all = [1, 2, 3, 4, 5].map((n) => disk.replaceSmall(target, `async ${n}`))
  disk.replaceSmallSync(target, 'now')
  await Promise.all(all)
  assert.equal(disk.readSmall(target).toString(), 'now')
  await disk.replaceSmall(target, Buffer.from('later'))
  assert.equal(disk.readSmall(target).toString(), 'later')
  assert.deepEqual(disk.list(path), ['small'])
})

test('a lock excludes this process and others, and is free again after release', (t) => {
  const path = join(folder(t), '.lock')
  const lock = disk.lock(path)
  assert.throws(() => disk.lock(path), { code: 'EAGAIN' })
  assert.throws(() => new SystemDisk().lock(path), { code: 'EAGAIN' })
  lock.release()
  disk.lock(path).release()
  assert.equal(disk.exists(path), false)
})

test('the lock of a live process holds, that of a dead one is taken over', async (t) => {
  const path = join(folder(t), '.lock')
  const source = `const { SystemDisk } = await import(${JSON.stringify(new URL('./disk.js', import.meta.url).href)})
    new SystemDisk().lock(${JSON.stringify(path)}); process.stdout.write('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  assert.throws(() => disk.lock(path), { code: 'EAGAIN' })
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  disk.lock(path).release()
})

test('a number that came to mean another process does not keep a lock alive', (t) => {
  const path = join(folder(t), '.lock')
  const lock = disk.lock(path)
  const holder = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  lock.release()
  writeFileSync(path, JSON.stringify({ ...holder, started: '1' }))
  disk.lock(path).release()
  writeFileSync(path, JSON.stringify({ ...holder, boot: 'another' }))
  disk.lock(path).release()
  writeFileSync(path, JSON.stringify({ ...holder, namespace: 'another', pid: 1 }))
  assert.throws(() => disk.lock(path), { code: 'EAGAIN' }, 'it was touched a moment ago, by whom we cannot see')
  writeFileSync(path, 'not a lock of ours')
  disk.lock(path).release()
})

test('a lock taken early is handed to whoever asks for it', (t) => {
  const path = join(folder(t), '.lock')
  const own = new SystemDisk()
  own.lockEarly(path)
  const lock = own.lock(path)
  assert.throws(() => own.lock(path), { code: 'EAGAIN' })
  lock.release()
})

test('space is told in bytes', (t) => {
  const { free, total } = disk.space(folder(t))
  assert.ok(total > 0 && free >= 0 && free <= total)
})

test('a small file that a log writes while it is being replaced harms neither', async (t) => {
  const path = join(folder(t), 'leader-epoch-checkpoint')
  writeSmall(disk, path, 'first')
  for (let n = 0; n < 50; n += 1) {
    const replacing = disk.replaceSmall(path, `replaced ${n}`)
    for (let turn = 0; turn < n % 7; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    writeSmall(disk, path, `written ${n}`)
    await replacing
    assert.ok([`replaced ${n}`, `written ${n}`].includes(readFileSync(path, 'utf8')))
  }
})
