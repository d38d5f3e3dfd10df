import { AppraisalError } from '../src/appraisal/failure.ts'
import { type Bytes, CocoonError, hex } from '../src/index.ts'
import { Chance, mutate } from './mutation.ts'
import type { Target } from './target.ts'

/** Something that must not be: an accepted change, or an error that nobody foresaw. */
export interface Finding {
  readonly target: string
  readonly what: 'accepted' | 'untyped'
  readonly how: readonly string[]
  readonly message: string
  /** The changed part, hex. */
  readonly bytes: string
}

export interface TargetSummary {
  runs: number
  refused: number
  /** Accepted, since only bytes differed that may be written in more than one way. */
  same: number
  readonly authenticatedBytes: number
  readonly freeBytes: number
}

export interface Summary {
  readonly runs: number
  readonly sweep: number
  readonly seed: number
  readonly findings: readonly Finding[]
  /** How often each code was the answer. */
  readonly codes: Readonly<Record<string, number>>
  readonly targets: Readonly<Record<string, TargetSummary>>
}

const MAX_FINDINGS = 20

/** The code of a refusal, or null for an error that is none of ours. */
function codeOf(error: unknown): string | null {
  if (error instanceof CocoonError) return error.code
  if (!(error instanceof AppraisalError)) return null
  // An exception inside a check that nobody foresaw becomes `malformed` and names its cause.
  const unforeseen = error.code === 'malformed' && error.cause !== undefined && !(error.cause instanceof AppraisalError)
  return unforeseen ? null : error.code
}

/** What may pass: the target as it is, and the other machine's where that is as good here. */
async function acceptable(target: Target): Promise<ReadonlySet<string>> {
  await target.check(target.bytes)
  const essences = new Set([target.essence(target.bytes)])
  try {
    await target.check(target.other)
    essences.add(target.essence(target.other))
  } catch {
    // As it should be for most parts: they are of one machine.
  }
  return essences
}

class Search {
  readonly #acceptable = new Map<Target, ReadonlySet<string>>()
  readonly findings: Finding[] = []
  readonly codes: Record<string, number> = {}
  readonly targets: Record<string, TargetSummary> = {}

  constructor(targets: readonly Target[]) {
    for (const { name, regions } of targets) {
      const sum = (free: boolean) =>
        regions.filter(({ by }) => (by === null) === free).reduce((total, { from, to }) => total + to - from, 0)
      this.targets[name] = { runs: 0, refused: 0, same: 0, authenticatedBytes: sum(false), freeBytes: sum(true) }
    }
  }

  async prepare(targets: readonly Target[]): Promise<void> {
    for (const target of targets) this.#acceptable.set(target, await acceptable(target))
  }

  async try(target: Target, bytes: Bytes, how: readonly string[], free = false): Promise<void> {
    const summary = this.targets[target.name]
    if (!summary) throw new RangeError(`no target ${target.name}`)
    summary.runs++
    const found = (what: Finding['what'], message: string) => {
      if (this.findings.length < MAX_FINDINGS) {
        this.findings.push({ target: target.name, what, how, message, bytes: hex(bytes) })
      }
    }
    try {
      await target.check(bytes)
    } catch (error) {
      const code = codeOf(error)
      if (code === null) found('untyped', error instanceof Error ? `${error.message} ${String(error.cause)}` : '')
      else this.codes[code] = (this.codes[code] ?? 0) + 1
      summary.refused++
      return
    }
    summary.same++
    const mayPass = free || this.#acceptable.get(target)?.has(target.essence(bytes))
    if (!mayPass) found('accepted', 'a change of authenticated bytes')
  }
}

/** Flips one bit of every byte of every target, by its map: only free bytes may be accepted. */
async function sweepAll(search: Search, targets: readonly Target[], every: number): Promise<number> {
  let count = 0
  for (const target of targets) {
    for (const { name, from, to, by } of target.regions) {
      for (let at = from; at < to; at++) {
        if (count++ % every !== 0) continue
        const bytes = target.bytes.slice()
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at & 7))
        await search.try(target, bytes, [`flip in ${name} at ${at}`], by === null)
      }
    }
  }
  return Math.ceil(count / every)
}

/**
 * Looks for a change of authenticated bytes that is accepted, and for an error that is not typed: first every byte once
 * (every `sweepEvery`-th; 0 for none), then `runs` random mutations. One seed, one search.
 */
export async function searchAll(
  targets: readonly Target[],
  options: { readonly runs: number; readonly seed: number; readonly sweepEvery: number },
): Promise<Summary> {
  const search = new Search(targets)
  await search.prepare(targets)
  const sweep = options.sweepEvery > 0 ? await sweepAll(search, targets, options.sweepEvery) : 0
  const chance = new Chance(options.seed)
  for (let i = 0; i < options.runs; i++) {
    const target = chance.pick(targets)
    const { bytes, how } = mutate(target.bytes, chance, target.other)
    await search.try(target, bytes, how)
  }
  const { findings, codes, targets: summaries } = search
  return { runs: options.runs, sweep, seed: options.seed, findings, codes, targets: summaries }
}
