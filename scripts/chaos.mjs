// npm run chaos: real processes and real faults, scenario after scenario, with what clients saw judged and measured (test/chaos).
//   npm run chaos                                       every scenario once
//   npm run chaos -- --scenarios kill,pause-leader      those whose names begin so
//   npm run chaos -- --rounds 30                        each so many times
//   npm run chaos -- --hours 2                          again and again, in random order, for so long
//   npm run chaos -- --weather mixed --minutes 30       one random fault every 30 s on one cluster: kills, stops or mixed
//   npm run chaos -- --list                             the scenarios, and what this machine lacks for them
//   --java adds a stock Java producer as a second witness
//   --seed N --patience X (bounds times X) --json FILE --keep (stories of good rounds too)
// A failed round leaves its story, the history of its clients and the nodes' logs in .build/chaos. Exits 1 when anything promised was broken
// (acknowledged records, order, offsets), 2 when it only took too long.
import { prepare } from './prepare.mjs'

if (process.env.ODRADEK_DIST === undefined) prepare()
const { campaign } = await import('../test/chaos/campaign.mjs')
process.exit(await campaign(process.argv.slice(2)))
