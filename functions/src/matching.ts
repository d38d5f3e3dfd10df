/** Which node gets a job. Pure: state in, decision out. Prices are nanograms per million completion tokens. */
export interface Candidate {
  readonly node: string
  readonly price: bigint
  readonly slots: number
  /** Slots the node reported free. */
  free: number
  /** Leases given out that the node does not know of yet. */
  leased: number
}

/** A number in [0, 1). Injected; only fairness depends on it. */
export type Chance = () => number

const SAMPLES = 12

/** What choosing a node costs: its price, up to twice as much as it fills up. Lower is better. */
function cost(candidate: Candidate): number {
  const busy = 1 - (candidate.free - candidate.leased) / Math.max(1, candidate.slots)
  return (Number(candidate.price) + 1) * (1 + busy)
}

function better(a: Candidate, b: Candidate): Candidate {
  const [costA, costB] = [cost(a), cost(b)]
  if (costA === costB) return a.free - a.leased >= b.free - b.leased ? a : b
  return costA < costB ? a : b
}

/**
 * Power of two choices (Mitzenmacher 2001): of two random nodes with a free slot, the better. Nearly as even as asking
 * all of them, with no herd towards the one best node, at a cost that does not grow with their number.
 */
export function chooseNode(
  candidates: readonly Candidate[],
  exclude: ReadonlySet<string>,
  chance: Chance,
): Candidate | undefined {
  const willing = (candidate: Candidate): boolean =>
    candidate.free - candidate.leased > 0 && !exclude.has(candidate.node)
  let first: Candidate | undefined
  for (let i = 0; i < SAMPLES && candidates.length > 0; i++) {
    const candidate = candidates[Math.floor(chance() * candidates.length)]
    if (!candidate || candidate === first || !willing(candidate)) continue
    if (first) return better(first, candidate)
    first = candidate
  }
  // Few are willing, or few exist: look at every one, and choose among two of them all the same.
  const rest = candidates.filter((candidate) => candidate !== first && willing(candidate))
  const other = rest[Math.floor(chance() * rest.length)]
  return first && other ? better(first, other) : (first ?? (other && twoOf(other, rest, chance)))
}

function twoOf(one: Candidate, all: readonly Candidate[], chance: Chance): Candidate {
  const other = all[Math.floor(chance() * all.length)]
  return other ? better(one, other) : one
}
