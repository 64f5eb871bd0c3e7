/** How many there are of each; what there is none of is not there. */
export type Counts = Map<string, number>

export function count(counts: Counts, name: string, by: 1 | -1): void {
  const after = (counts.get(name) ?? 0) + by
  if (after <= 0) counts.delete(name)
  else counts.set(name, after)
}
