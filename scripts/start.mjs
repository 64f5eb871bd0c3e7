// npm start: prepares the checkout, then `odradek dev` with whatever arguments follow `npm start --`.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

prepare()
const main = join(root, 'dist', 'cli', 'main.js')
process.argv = [process.argv[0] ?? process.execPath, main, 'dev', ...process.argv.slice(2)]
await import(pathToFileURL(main).href)
