import { logFault } from './log.ts'
import type { Offering } from './matcher-calls.ts'
import type { RelayStore } from './relay-store.ts'
import type { HandedJob, Room } from './room.ts'

/** What the matchers are told about one node: its offerings, its free slots, and that it is gone. */
export class Listing {
  readonly #matchers: Env['MATCHER']
  readonly #store: RelayStore
  readonly #room: Room
  /** Leases whose jobs the node counts itself by now: the matcher may end them. Lost with this object, they expire. */
  #usedLeases: HandedJob[] = []
  /** The load that is told when the one before it has been. */
  #next: { slots: number; free: number } | undefined
  #telling: Promise<void> | undefined

  constructor(matchers: Env['MATCHER'], store: RelayStore, room: Room) {
    this.#matchers = matchers
    this.#store = store
    this.#room = room
  }

  /**
   * Offers these models in this region, and nothing else anywhere.
   * @returns the models whose matcher has no room for one more node
   */
  async offer(node: string, region: string, offerings: ReadonlyMap<string, Offering>): Promise<string[]> {
    const before = this.#store.link()
    const models = [...offerings.keys()]
    const same = before?.region === region && before.gone === null && before.models.join() === models.join()
    if (!same) this.#store.setLink(node, region, models)
    const dropped = (before?.models ?? []).filter((model) => before?.region !== region || !offerings.has(model))
    const [taken] = await Promise.all([
      Promise.all([...offerings].map(([model, offering]) => this.#matcher(model, region).offer(offering))),
      ...dropped.map((model) => this.#matcher(model, before?.region ?? region).withdraw(node)),
    ])
    return models.filter((_, index) => taken[index] === false)
  }

  leaseUsed(handed: HandedJob): void {
    this.#usedLeases.push(handed)
  }

  /** Tells the load, or tells it next: of those that came while one was on its way only the last counts. */
  load(slots: number, free: number): Promise<void> {
    this.#next = { slots, free }
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined
    })
    return this.#telling
  }

  async withdraw(): Promise<void> {
    const link = this.#store.link()
    if (!link) return
    await Promise.all(link.models.map((model) => this.#matcher(model, link.region).withdraw(link.node)))
  }

  async #tell(): Promise<void> {
    for (let load = this.#next; load; load = this.#next) {
      this.#next = undefined
      const link = this.#store.link()
      if (!link) return
      const { node, region, models } = link
      const used = this.#usedLeases
      this.#usedLeases = []
      await Promise.all(
        models.map(async (model) => {
          const ended = used.filter((lease) => lease.model === model).map(({ lease }) => lease)
          const report = { node, ...load, ended }
          const tell = () => this.#matcher(model, region).load(report)
          try {
            // A matcher that was restarted takes the next call.
            this.#room.reservations(model, await tell().catch(tell))
          } catch (error) {
            // It hears with the next change, and with the next statement at the latest.
            logFault('matcher.fault', error, { node, model })
          }
        }),
      )
    }
  }

  #matcher(model: string, region: string) {
    return this.#matchers.getByName(`${model}|${region}`)
  }
}
