import type { Asker } from './asker.ts'
import type { Fleet, FleetNode } from './fleet.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { FaultKind, Weather } from './weather.ts'

/** How long faults last, in seconds, and what is between two of them. */
export interface StormPlan {
  readonly clientFaultEvery: readonly [number, number]
  readonly nodeFaultEvery: readonly [number, number]
  readonly brokerKillEvery: readonly [number, number]
  readonly evictEvery: readonly [number, number]
  /** The longest a line is frozen or slow, or a process stopped. */
  readonly longest: number
  /** How often of all stops a node is stopped for longer than it may be away (a minute). */
  readonly veryLongStops: number
}

/** A broker that gives up a node after a minute finds it gone. Seconds. */
const VERY_LONG = 70

type ClientFault = 'cut' | 'frozen' | 'slowed' | 'half-closed' | 'refused'
type NodeFault = 'line cut' | 'line frozen' | 'line slowed' | 'line half-closed' | 'stopped' | 'killed' | 'drained'
const clientFaults: Record<ClientFault, number> = { cut: 40, frozen: 20, slowed: 20, 'half-closed': 10, refused: 10 }
const nodeFaults: Record<NodeFault, number> = {
  'line cut': 20,
  'line frozen': 12,
  'line slowed': 14,
  'line half-closed': 8,
  stopped: 18,
  killed: 14,
  drained: 14,
}

/** Does harm to everything, as chance says, until told to stop; then everything is whole again. */
export class Storm {
  readonly #fleet: Fleet
  readonly #askers: readonly Asker[]
  readonly #weather: Weather
  readonly #plan: StormPlan
  readonly #random: SeededRandom
  readonly #over = new AbortController()
  /** What has a fault now has no second one. */
  readonly #struck = new Set<string>()
  readonly #strands: Promise<void>[] = []
  #brokerDown: Promise<void> | undefined
  #failure: unknown

  constructor(fleet: Fleet, askers: readonly Asker[], weather: Weather, plan: StormPlan, random: SeededRandom) {
    this.#fleet = fleet
    this.#askers = askers
    this.#weather = weather
    this.#plan = plan
    this.#random = random
  }

  begin(): void {
    const { clientFaultEvery, nodeFaultEvery, brokerKillEvery, evictEvery } = this.#plan
    this.#strand('clients', clientFaultEvery, (random) => this.#strikeClient(random))
    this.#strand('nodes', nodeFaultEvery, (random) => this.#strikeNode(random))
    this.#strand('broker', brokerKillEvery, (random) => this.#killBroker(random))
    this.#strand('objects', evictEvery, async (random) => this.#evict(random))
  }

  /** Resolves when every fault is undone and every process is there. Throws what kept the storm from doing its harm. */
  async end(): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#strands)
    if (this.#failure) throw this.#failure as Error
  }

  /** One kind of fault after another; each undoes itself before its strand ends. */
  #strand(label: string, every: readonly [number, number], strike: (random: SeededRandom) => Promise<void>): void {
    const random = this.#random.fork(label)
    const underWay: Promise<void>[] = []
    const run = async (): Promise<void> => {
      for (;;) {
        await this.#wait(random.between(...every))
        if (this.#over.signal.aborted) break
        underWay.push(strike(random))
      }
      await Promise.all(underWay)
    }
    this.#strands.push(
      run().catch((error: unknown) => {
        this.#failure ??= error
      }),
    )
  }

  /** Seconds; less when the storm is over. */
  #wait(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#over.signal.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        this.#over.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, seconds * 1000)
      this.#over.signal.addEventListener('abort', done)
    })
  }

  async #during(kind: FaultKind, target: string, harm: () => Promise<void>): Promise<void> {
    if (this.#struck.has(target)) return
    this.#struck.add(target)
    const fault = this.#weather.begin(kind, target)
    try {
      await harm()
    } finally {
      this.#weather.end(fault)
      this.#struck.delete(target)
    }
  }

  async #strikeClient(random: SeededRandom): Promise<void> {
    const asker = random.pick(this.#askers)
    const how = random.weighed(clientFaults)
    const seconds = random.between(0.2, this.#plan.longest)
    const bytesPerSecond = random.between(2_000, 40_000)
    const direction = random.pick(['in', 'out'] as const)
    const { proxy } = asker
    await this.#during(`client line ${how}`, asker.name, async () => {
      if (how === 'cut') return proxy.cut()
      if (how === 'half-closed') return proxy.halfClose(direction)
      if (how === 'frozen') proxy.freeze()
      if (how === 'slowed') proxy.slow(bytesPerSecond)
      if (how === 'refused') {
        proxy.refuse()
        proxy.cut()
      }
      await this.#wait(seconds)
      proxy.heal()
    })
  }

  async #strikeNode(random: SeededRandom): Promise<void> {
    const how = random.weighed(nodeFaults)
    const seconds = random.between(0.5, this.#plan.longest)
    const stop = random.chance(this.#plan.veryLongStops) ? VERY_LONG : seconds
    const bytesPerSecond = random.between(2_000, 40_000)
    const direction = random.pick(['in', 'out'] as const)
    const nodes = this.#fleet.nodes.filter(({ joined }) => joined)
    if (nodes.length === 0) return
    const node = random.pick(nodes)
    if (how === 'killed' || how === 'drained') return this.#replace(node, how, random.between(0.2, 3))
    await this.#during(`node ${how}`, node.name, async () => {
      if (how === 'line cut') return node.proxy.cut()
      if (how === 'line half-closed') return node.proxy.halfClose(direction)
      if (how === 'line frozen') node.proxy.freeze()
      if (how === 'line slowed') node.proxy.slow(bytesPerSecond)
      if (how === 'stopped') node.signal('SIGSTOP')
      await this.#wait(how === 'stopped' ? stop : seconds)
      node.signal('SIGCONT')
      node.proxy.heal()
    })
  }

  /** The node leaves for ever, and its place is taken by another. */
  async #replace(node: FleetNode, how: 'killed' | 'drained', seconds: number): Promise<void> {
    if (this.#struck.has(node.name)) return
    this.#struck.add(node.name)
    this.#weather.begin(`node ${how}`, node.name)
    node.signal(how === 'killed' ? 'SIGKILL' : 'SIGTERM')
    if (how === 'killed') await node.ended
    await this.#wait(seconds)
    await this.#brokerDown
    await this.#fleet.startNode()
    await node.ended
  }

  async #killBroker(random: SeededRandom): Promise<void> {
    const seconds = random.between(0, 3)
    await this.#during('broker killed', 'broker', async () => {
      const back = Promise.withResolvers<void>()
      this.#brokerDown = back.promise
      await this.#fleet.endBroker('SIGKILL')
      await this.#wait(seconds)
      await this.#fleet.startBroker()
      this.#brokerDown = undefined
      back.resolve()
    })
  }

  #evict(random: SeededRandom): void {
    const objects = [
      ...this.#fleet.nodes.map(({ fullId }) => ({ className: 'NodeRelay', name: fullId })),
      { className: 'Matcher', name: 'cocoon-demo|world' },
      { className: 'Account', name: random.pick(this.#askers).account },
    ]
    const { className, name } = random.pick(objects)
    // Only what was awake is put to sleep; the broker's log says when that was so, and is counted.
    if (name) this.#fleet.evict(className, name)
  }
}
