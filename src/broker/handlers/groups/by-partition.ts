import { grouped } from '../../../base/grouped.ts'
import type { GroupCoordinatorPort } from './context.ts'

interface Described {
  readonly groupId: string
}

/**
 * Asks for several groups, those of one partition of `__consumer_offsets` at a time, and puts the answers together in the order of the names; a name
 * that is given twice is asked once and answered twice. `ask` is given the first of the names, which says where they fall.
 */
export async function byPartition<Answer extends Described>(
  coordinator: GroupCoordinatorPort,
  groupIds: readonly string[],
  ask: (first: string, groupIds: readonly string[]) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const answers = await Promise.all(partitioned(coordinator, groupIds).map((names) => ask(names[0] ?? '', names)))
  const byName = new Map(answers.flat().map((it) => [it.groupId, it]))
  return groupIds.flatMap((groupId) => byName.get(groupId) ?? [])
}

function partitioned(coordinator: GroupCoordinatorPort, groupIds: readonly string[]): readonly (readonly string[])[] {
  return [...grouped(new Set(groupIds), (it) => coordinator.partitionFor(it)).values()]
}
