import type { ErrorCode } from '@cocoon/protocol'

/** Everything the storm does. */
export const faultKinds = [
  'client line cut',
  'client line frozen',
  'client line slowed',
  'client line half-closed',
  'client line refused',
  'node line cut',
  'node line frozen',
  'node line slowed',
  'node line half-closed',
  'node stopped',
  'node killed',
  'node drained',
  'broker killed',
  'object evicted',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** A fault, and what it was done to: `broker`, a node or a client by name. Unix milliseconds. */
export interface Fault {
  readonly kind: FaultKind
  readonly target: string
  readonly from: number
  /** Infinity while it lasts. */
  to: number
}

/** After a fault is over its consequences may show for so long. Milliseconds. */
const ECHO = 2_500
/** A lease that nobody uses holds its slot for so long. Milliseconds. */
const LEASE = 31_000

/** One question from its beginning to its end. */
export interface Asked {
  readonly client: string
  readonly from: number
  readonly to: number
  /** The nodes it was sent to, by name. */
  readonly nodes: readonly string[]
}

/** What was done when, so that an error can be compared with the truth. */
export class Weather {
  readonly faults: Fault[] = []
  readonly #away = new Map<string, number>()
  readonly #leases: number[] = []
  /** Asks under way, and those that ended lately: they may still hold a slot. */
  readonly #asking: { from: number; to: number }[] = []
  /** Slots of the whole fleet in good weather. */
  slots = 0

  begin(kind: FaultKind, target: string): Fault {
    const fault = { kind, target, from: Date.now(), to: Infinity }
    this.faults.push(fault)
    return fault
  }

  end(fault: Fault): void {
    fault.to = Date.now()
  }

  /** A node's own word that it is connected, or not. */
  linked(node: string, up: boolean): void {
    if (!up) {
      if (!this.#away.has(node)) this.#away.set(node, Date.now())
      return
    }
    const from = this.#away.get(node)
    this.#away.delete(node)
    if (from !== undefined) this.#absences.push({ node, from, to: Date.now() })
  }

  readonly #absences: { node: string; from: number; to: number }[] = []

  leased(): void {
    this.#leases.push(Date.now())
  }

  asking(): { from: number; to: number } {
    const span = { from: Date.now(), to: Infinity }
    this.#asking.push(span)
    return span
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { kind } of this.faults) counts[kind] = (counts[kind] ?? 0) + 1
    return counts
  }

  /** Seconds in which the broker was not there. */
  brokerAway(): number {
    const kills = this.faults.filter(({ kind }) => kind === 'broker killed')
    return Math.round(kills.reduce((sum, { from, to }) => sum + to - from, 0) / 1000)
  }

  /** True when what this client said at that moment may not have been heard. Unix milliseconds. */
  disturbed(client: string, at: number): boolean {
    const moment = { client, nodes: [], from: at, to: at + ECHO }
    return this.#hit(client, moment) || this.#hit('broker', moment)
  }

  /** What was done to broker and nodes shortly before and after this moment, for whoever looks into it. Unix milliseconds. */
  near(moment: number): string[] {
    const far = this.faults.filter(({ kind }) => !kind.startsWith('client'))
    const faults = far.filter(({ from, to }) => from <= moment + LEASE && to >= moment - LEASE)
    return faults.map(({ kind, target, from }) => `${kind} ${target} ${Math.round((from - moment) / 100) / 10} s`)
  }

  /** Why this error cannot be true of what was done; undefined when it can. */
  contradicts(code: ErrorCode, asked: Asked): string | undefined {
    const broker = this.#hit('broker', asked)
    const line = this.#hit(asked.client, asked)
    const nodes = asked.nodes.some((node) => this.#hit(node, asked) || this.#absent(node, asked))
    switch (code) {
      case 'unreachable':
        return broker || line ? undefined : 'neither the broker nor the line to it failed'
      case 'node-lost':
      case 'node-gone':
        return broker || nodes ? undefined : 'the node was there all the time'
      case 'draining':
      case 'node-stopping':
        return asked.nodes.some((node) => this.#hit(node, asked, ['node drained'])) ? undefined : 'no node was stopping'
      case 'time-limit':
        return nodes ? undefined : 'nothing held the node up'
      case 'no-node':
      case 'all-busy':
      case 'busy':
        return this.#crowded(asked) || this.#thinned(asked) ? undefined : 'slots were free'
      case 'lease-expired':
      case 'expired-statement':
        return broker || line || nodes ? undefined : 'nothing took so long'
      case 'unknown-job':
        return broker && line ? undefined : 'the broker had no reason to forget it'
      default:
        return 'it is never right'
    }
  }

  #hit(target: string, { from, to }: Asked, kinds?: readonly FaultKind[]): boolean {
    return this.faults.some((fault) => {
      // Sleep is no fault: whatever an object forgets by it, nobody may notice.
      if (fault.target !== target || (kinds && !kinds.includes(fault.kind)) || fault.kind === 'object evicted')
        return false
      return fault.from <= to && fault.to + ECHO >= from
    })
  }

  #absent(node: string, { from, to }: Asked): boolean {
    const since = this.#away.get(node)
    if (since !== undefined && since <= to) return true
    return this.#absences.some((absence) => absence.node === node && absence.from <= to && absence.to + ECHO >= from)
  }

  /** As many slots as there are may have been taken, or be reserved for somebody who never came. */
  #crowded({ to }: Asked): boolean {
    const reserved = this.#leases.filter((at) => at <= to && at >= to - LEASE).length
    const running = this.#asking.filter((span) => span.from <= to - LEASE && span.to >= to - LEASE).length
    return reserved + running >= this.slots
  }

  /** Nodes were away, so that fewer slots were there. */
  #thinned({ from, to }: Asked): boolean {
    const wide = { client: '', nodes: [], from: from - LEASE, to }
    const nodeFaults = this.faults.filter(({ kind, target }) => kind.startsWith('node') || target === 'broker')
    return nodeFaults.some((fault) => this.#hit(fault.target, wide)) || this.#away.size > 0
  }
}
