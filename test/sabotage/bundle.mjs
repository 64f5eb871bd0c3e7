// Makes a program of the hunters and the product, with the edits of a mutant.
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = dirname(fileURLToPath(import.meta.url))
export const root = dirname(dirname(folder))

/** The text of a source file with the edits of a mutant. @throws Error when what an edit looks for is not there exactly once: the mutant is stale */
export function edited(file, text, edits) {
  let changed = text
  for (const { find, replace } of edits) {
    const at = changed.indexOf(find)
    if (at === -1) throw new Error(`stale mutant: ${file} does not contain ${JSON.stringify(find)}`)
    if (changed.indexOf(find, at + 1) !== -1) throw new Error(`stale mutant: ${file} contains ${JSON.stringify(find)} more than once`)
    changed = changed.slice(0, at) + replace + changed.slice(at + find.length)
  }
  return changed
}

/** By file, its text after all edits. */
export function editedSources(mutant) {
  const files = new Map()
  for (const { file, ...edit } of mutant.edits) {
    const path = resolve(root, 'src', file)
    files.set(path, edited(file, files.get(path) ?? readFileSync(path, 'utf8'), [edit]))
  }
  return files
}

function mutation(sources) {
  return {
    name: 'mutation',
    setup(of) {
      of.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = sources.get(path)
        return contents === undefined ? undefined : { contents, loader: 'ts', resolveDir: dirname(path) }
      })
    },
  }
}

/** @param mutant null: the product as it is. @returns the path of the program */
export function bundle(mutant) {
  return bundled(mutant, join(folder, 'hunters.mjs'), 'hunters.mjs')
}

/** One test file of src/ as a program. */
export function bundleTest(mutant, test) {
  return bundled(mutant, join(root, 'src', test), `${test.replaceAll(/[^a-z]+/g, '-')}.mjs`)
}

async function bundled(mutant, entry, file) {
  const name = mutant === null ? 'clean' : mutant.name.replaceAll(/[^a-z0-9]+/gi, '-')
  const outfile = join(root, '.build', 'sabotage', name, file)
  await mkdir(dirname(outfile), { recursive: true })
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
    plugins: mutant === null ? [] : [mutation(editedSources(mutant))],
  })
  return relative(root, outfile)
}
