// npm run bench: Odradek side by side with Apache Kafka (bench/). It wants a machine that does nothing else, Java 17 and Kafka's jars
// (node scripts/peers.mjs), and some two hours.
//   npm run bench                               all cases, three rounds; docs/reference/benchmarks.md is written
//   npm run bench -- --quick                    some of them, short, once: two minutes, to see that all works
//   npm run bench -- --only raw,java-1k         cases whose names begin so; --list names them
//   npm run bench -- --rounds 5 --systems odradek
//   npm run bench -- --json FILE                where the figures are kept; a run that was broken off goes on there
//   npm run bench -- --report FILE              makes the page of such a file, and runs nothing
//   --out FILE                                  the page elsewhere (its chart beside it)
// Exits 1 when a case failed, 64 when it does not understand what it is told.
import { prepare } from './prepare.mjs'

if (process.env.ODRADEK_DIST === undefined) prepare()
const { bench } = await import('../bench/run.mjs')
try {
  process.exit(await bench(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(error instanceof TypeError && String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS') ? 64 : 1)
}
