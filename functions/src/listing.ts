import type { Offering } from './matcher.ts'
import type { RelayStore } from './relay-store.ts'

/** What the matchers are told about one node: its offerings, its free slots, and that it is gone. */
export class Listing {
  readonly #matchers: Env['MATCHER']
  readonly #store: RelayStore
  /** Leases whose jobs the node knows of by now, by model: the matcher may end them. Lost with this object, they expire. */
  #usedLeases: { lease: string; model: string }[] = []

  constructor(matchers: Env['MATCHER'], store: RelayStore) {
    this.#matchers = matchers
    this.#store = store
  }

  /** Offers these models in this region, and nothing else anywhere. */
  async offer(node: string, region: string, offerings: ReadonlyMap<string, Offering>): Promise<void> {
    const before = this.#store.link()
    this.#store.setLink(node, region, [...offerings.keys()])
    const dropped = (before?.models ?? []).filter((model) => before?.region !== region || !offerings.has(model))
    await Promise.all([
      ...dropped.map((model) => this.#matcher(model, before?.region ?? region).withdraw(node)),
      ...[...offerings].map(([model, offering]) => this.#matcher(model, region).offer(offering)),
    ])
  }

  leaseUsed(lease: string, model: string): void {
    this.#usedLeases.push({ lease, model })
  }

  async load(slots: number, free: number): Promise<void> {
    const link = this.#store.link()
    if (!link) return
    const used = this.#usedLeases
    this.#usedLeases = []
    const tell = link.models.map((model) => {
      const ended = used.filter((lease) => lease.model === model).map(({ lease }) => lease)
      return this.#matcher(model, link.region).load(link.node, slots, free, ended)
    })
    await Promise.all(tell)
  }

  async withdraw(): Promise<void> {
    const link = this.#store.link()
    if (!link) return
    await Promise.all(link.models.map((model) => this.#matcher(model, link.region).withdraw(link.node)))
  }

  #matcher(model: string, region: string) {
    return this.#matchers.getByName(`${model}|${region}`)
  }
}
