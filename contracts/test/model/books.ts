import { availableIn, laneName, type ModelEntry, name } from './reference.ts'
import type { Stage } from './stage.ts'

type Unsigned = Omit<ModelEntry, 'broker'>

interface Promised {
  readonly since: bigint
  readonly lane: string
  /** Owed outright, and settled. */
  owed: bigint
  readonly holds: { ceiling: bigint; until: number }[]
}

/** For the rent of the days until a promise ends: it comes out of the balance, not out of the reserve. */
const RENT_AHEAD = 1_000_000n

/** What an honest broker writes down: invariant 13, checked before every signature. */
export class Books {
  readonly #stage: Stage
  readonly #lanes = new Map<string, Promised>()
  #release = { total: 0n, until: 0, opened: 0n }

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** The last second at which whoever holds this signature can count on it, or undefined when it is not given. */
  countersign({ voucher, payer, receipt, countersigned }: Unsigned, now: number): number | undefined {
    const { model } = this.#stage
    const key = model.keys.get(voucher.since)
    const live = key !== undefined && !key.revoked && now < key.expires && key.key === name(payer.publicKey)
    if (!live || model.closesAt !== null || voucher.floor > voucher.ceiling) return undefined
    const due = now + model.challenge - 1
    const lane = laneName(voucher)
    const id = `${voucher.since} ${lane}`
    const before = this.#lanes.get(id) ?? { since: voucher.since, lane, owed: 0n, holds: [] }
    const after = { ...before, holds: [...before.holds] }
    if (countersigned === 'receipt') {
      if (!receipt) return undefined
      const earned = receipt.object.total < voucher.ceiling ? receipt.object.total : voucher.ceiling
      if (earned > after.owed) after.owed = earned
    } else {
      if (voucher.until > due) return undefined
      if (voucher.floor > after.owed) after.owed = voucher.floor
      after.holds.push({ ceiling: voucher.ceiling, until: voucher.until })
    }
    this.#lanes.set(id, after)
    const { limit, spent } = key
    const fits = this.#open(now) <= this.#reach() && this.#open(now, voucher.since) <= limit - spent
    if (!fits) this.#lanes.set(id, before)
    return fits ? due : undefined
  }

  /** The total to sign, or undefined when the coins are needed or another release is outstanding. */
  release(total: bigint, until: number, now: number): bigint | undefined {
    const { opened, released } = this.#stage.model
    const outstanding = this.#release.opened === opened && now <= this.#release.until && this.#release.total > released
    if (outstanding || opened === 0n || total <= released) return undefined
    if (this.#open(now) + (total - released) > this.#reach()) return undefined
    this.#release = { total, until, opened }
    return total
  }

  #reach(): bigint {
    return availableIn(this.#stage.model, this.#stage.balance) - RENT_AHEAD
  }

  /** What can still be claimed, over all registrations or of one, and carried back. */
  #open(now: number, of?: bigint): bigint {
    const { model } = this.#stage
    let sum = 0n
    for (const { since, lane, owed, holds } of this.#lanes.values()) {
      const key = model.keys.get(since)
      if (!key || (of !== undefined && since !== of)) continue
      const live = holds
        .filter(({ until }) => now <= until)
        .reduce((most, { ceiling }) => (ceiling > most ? ceiling : most), owed)
      const open = live - (key.lanes.get(lane) ?? 0n)
      if (open > 0n) sum += open
    }
    const { total, until, opened } = this.#release
    if (of === undefined && opened === model.opened && now <= until && total > model.released)
      sum += total - model.released
    return sum
  }
}
