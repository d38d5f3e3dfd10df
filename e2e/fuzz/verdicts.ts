/** A broken build would say the same a hundred thousand times. */
const SAME = 3
const DIFFERENT = 30

/** What came of all inputs. */
export class Verdicts {
  inputs = 0
  /** How often each end came, by place: `POST /match 400 malformed`, `client socket 4400`. */
  readonly ends: Record<string, number> = {}
  readonly breaches: string[] = []
  readonly #breaches = new Map<string, number>()

  /** `inputs`: how many ended so; 0 for the end of something whose inputs were counted before. */
  count(place: string, end: string, inputs = 1): void {
    this.inputs += inputs
    const key = `${place}: ${end}`
    this.ends[key] = (this.ends[key] ?? 0) + Math.max(1, inputs)
  }

  /** Something that must never be; `input` is enough to make it again. Of the same thing a few are kept. */
  breach(what: string, input: string): void {
    const seen = (this.#breaches.get(what) ?? 0) + 1
    this.#breaches.set(what, seen)
    if (seen <= SAME && this.#breaches.size <= DIFFERENT) this.breaches.push(`${what} | ${input.slice(0, 600)}`)
  }
}

/** Everything together, in order of places. */
export function joinVerdicts(parts: readonly Verdicts[]): Pick<Verdicts, 'inputs' | 'ends' | 'breaches'> {
  const entries = parts.flatMap(({ ends }) => Object.entries(ends)).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const ends: Record<string, number> = {}
  for (const [end, count] of entries) ends[end] = (ends[end] ?? 0) + count
  const inputs = parts.reduce((sum, part) => sum + part.inputs, 0)
  return { inputs, ends, breaches: parts.flatMap(({ breaches }) => breaches) }
}

/** Rejects when it takes longer, in milliseconds. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | 'late'> {
  const late = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => late.resolve('late'), milliseconds)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
